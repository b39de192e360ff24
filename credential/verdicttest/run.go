package verdicttest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rolecall/rolecall/credential"
)

// Run tests a store. Open returns a new one, with nothing in it, at each call.
func Run(t *testing.T, open func(t *testing.T) credential.Verdicts) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, credential.Verdicts){
		"RoundTrip":     roundTrip,
		"Subjects":      subjects,
		"Claim":         claim,
		"ClaimKey":      claimKey,
		"LastVerdict":   lastVerdict,
		"Anywhere":      anywhere,
		"Release":       release,
		"Stale":         stale,
		"Pin":           pin,
		"OnePin":        onePin,
		"FirstWins":     firstWins,
		"NothingIsLost": nothingIsLost,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

const (
	roleARN = "arn:aws:iam::111122223333:role/team/media"
	url     = "https://dispenser.example.com/Credentials/v1"
)

var (
	acme   = credential.Subject{Organization: "acme", Principal: "arn:aws:iam::999900009999:role/production", RoleARN: roleARN, ExternalID: "acme-42", Region: "eu-central-1"}
	globex = credential.Subject{Organization: "globex", Principal: acme.Principal, RoleARN: roleARN, ExternalID: "globex-7", Region: acme.Region}
)

func passed(roleID string) credential.Verdict {
	first := time.Date(2026, 11, 1, 12, 30, 15, 123456789, time.FixedZone("", 2*60*60))
	return credential.Verdict{
		RoleID: roleID, Passed: true, First: first, Checked: first.Add(5*time.Minute + time.Nanosecond),
		Probes: []credential.Probe{
			{Name: "right", Outcome: credential.Accepted},
			{Name: "absent", Outcome: credential.Refused},
			{Name: "near-case", Outcome: credential.Skipped, Detail: `it is the "right" one, or another probe's – ü`},
		},
	}
}

// roundTrip: the store returns what was put, until something else is put or it
// is removed.
func roundTrip(t *testing.T, store credential.Verdicts) {
	has(t, store, acme, credential.Verdict{})
	if err := store.Remove(t.Context(), acme); err != nil {
		t.Errorf("removing none: %v", err)
	}
	if err := store.Release(t.Context(), acme); err != nil {
		t.Errorf("releasing none: %v", err)
	}
	for _, roleID := range []string{"AROA1", "AROA1", "AROA2"} {
		put(t, store, acme, passed(roleID))
		has(t, store, acme, passed(roleID))
	}
	behind := passed("AROA2") // renewed by a machine whose clock is behind
	behind.Checked = behind.First.Add(-2 * time.Minute)
	put(t, store, acme, behind)
	has(t, store, acme, behind)
	remove(t, store, acme)
	has(t, store, acme, credential.Verdict{})
	put(t, store, acme, passed("AROA3"))
	has(t, store, acme, passed("AROA3"))
}

// subjects: a verdict is about one subject; each member of it counts.
func subjects(t *testing.T, store credential.Verdicts) {
	put(t, store, acme, passed("AROA1"))
	for name, change := range map[string]func(*credential.Subject){
		"principal":                  func(s *credential.Subject) { s.Principal += "-2" },
		"region":                     func(s *credential.Subject) { s.Region = "us-east-1" },
		"no region":                  func(s *credential.Subject) { s.Region = "" },
		"access":                     func(s *credential.Subject) { s.Access = credential.AccessWrite },
		"external id":                func(s *credential.Subject) { s.ExternalID += "x" },
		"external id in other case":  func(s *credential.Subject) { s.ExternalID = strings.ToUpper(s.ExternalID) },
		"role":                       func(s *credential.Subject) { s.RoleARN += "2" },
		"role in another account":    func(s *credential.Subject) { s.RoleARN = strings.Replace(s.RoleARN, "1111", "4444", 1) },
		"organization and role":      func(s *credential.Subject) { s.Organization, s.RoleARN = "globex", s.RoleARN+"2" },
		"border between two of them": func(s *credential.Subject) { s.Principal, s.RoleARN = s.Principal+"a", s.RoleARN[1:] },
	} {
		other := acme
		change(&other)
		if v, err := store.Get(t.Context(), other); err != nil || v.Passed {
			t.Errorf("another %s has the verdict: %+v, %v", name, v, err)
		}
	}
}

// claim: another organization neither sees nor ends a claim, and the error's
// text does not show whose it is.
func claim(t *testing.T, store credential.Verdicts) {
	put(t, store, acme, passed("AROA1"))
	isClaimed(t, store, globex, "acme")
	if err := store.Remove(t.Context(), globex); err != nil {
		t.Errorf("remove by another: %v", err)
	}
	if err := store.Release(t.Context(), globex); err != nil {
		t.Errorf("release by another: %v", err)
	}
	same := acme
	same.Organization = "globex"
	isClaimed(t, store, same, "acme")
	has(t, store, acme, passed("AROA1"))
	put(t, store, acme, passed("AROA2"))
}

// claimKey: roles are distinguished as AWS does, ignoring case; dispensers by
// their host, ignoring its case, and by their exact path.
func claimKey(t *testing.T, store credential.Verdicts) {
	on := func(s credential.Subject, target string) credential.Subject {
		s.RoleARN = target
		return s
	}
	for target, alike := range map[string][]string{
		roleARN: {strings.Replace(roleARN, "media", "Media", 1), strings.ToUpper(roleARN)},
		url:     {strings.Replace(url, "dispenser.", "Dispenser.", 1), strings.Replace(url, "https", "HTTPS", 1)},
	} {
		put(t, store, on(acme, target), passed("1"))
		for _, other := range alike {
			isClaimed(t, store, on(globex, other), "acme")
			put(t, store, on(acme, other), passed("2"))
			remove(t, store, on(acme, other))
			isClaimed(t, store, on(globex, target), "acme")
		}
	}
	for _, other := range []string{strings.ToLower(url), url + "/", strings.Replace(url, "v1", "v2", 1), strings.Replace(url, ".com", ".org", 1)} {
		put(t, store, on(globex, other), passed("3"))
		has(t, store, on(globex, other), passed("3"))
	}
	has(t, store, on(acme, url), passed("1"))
}

// lastVerdict: a claim lasts as long as one of the organization's verdicts.
// After the last one anybody may claim.
func lastVerdict(t *testing.T, store credential.Verdicts) {
	staging, renewed := acme, acme
	staging.Principal, renewed.ExternalID = "arn:aws:iam::999900009999:role/staging", "acme-43"
	for _, s := range []credential.Subject{acme, staging, renewed} {
		put(t, store, s, passed("AROA1"))
	}
	for _, s := range []credential.Subject{acme, renewed, staging} {
		isClaimed(t, store, globex, "acme")
		remove(t, store, s)
	}
	has(t, store, globex, credential.Verdict{})
	put(t, store, globex, passed("AROA1"))
	isClaimed(t, store, acme, "globex")
}

// anywhere: without region and access, all verdicts within the subject are
// removed, and no others.
func anywhere(t *testing.T, store credential.Verdicts) {
	far, written, staging := acme, acme, acme
	far.Region, written.Access, staging.Principal = "us-east-1", credential.AccessWrite, acme.Principal+"-2"
	all := []credential.Subject{acme, far, written, staging}
	for _, s := range all {
		put(t, store, s, passed("AROA1"))
	}
	remove(t, store, far)
	for _, s := range []credential.Subject{acme, written, staging} {
		has(t, store, s, passed("AROA1"))
	}
	put(t, store, far, passed("AROA1"))
	remove(t, store, acme.Anywhere())
	for _, s := range all[:3] {
		has(t, store, s, credential.Verdict{})
	}
	has(t, store, staging, passed("AROA1"))
	isClaimed(t, store, globex, "acme")
}

// release: a claim ends with all of its verdicts, and with no others.
func release(t *testing.T, store credential.Verdicts) {
	staging, other := acme, acme
	staging.Principal, other.RoleARN = "arn:aws:iam::999900009999:role/staging", roleARN+"2"
	for _, s := range []credential.Subject{acme, staging, other} {
		put(t, store, s, passed("AROA1"))
	}
	bare := credential.Subject{Organization: acme.Organization, RoleARN: strings.Replace(roleARN, "media", "MEDIA", 1)}
	if err := store.Release(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	has(t, store, acme, credential.Verdict{})
	has(t, store, staging, credential.Verdict{})
	has(t, store, other, passed("AROA1"))
	put(t, store, globex, passed("AROA1"))
	isClaimed(t, store, staging, "globex")
}

// stale: a verdict takes the place of the one that its proof began with, and of
// no other; First identifies it.
func stale(t *testing.T, store credential.Verdicts) {
	none, first, next := credential.Verdict{}, passed("AROA1"), passed("AROA1")
	later := passed("AROA1")
	later.First, later.Checked = later.First.Add(time.Nanosecond), later.Checked.Add(time.Hour)
	next.Checked = next.Checked.Add(24 * time.Hour)
	isStale := func(old, is credential.Verdict) {
		t.Helper()
		if err := store.Put(t.Context(), acme, old, passed("AROA9")); !errors.Is(err, credential.ErrStale) {
			t.Errorf("put in place of %+v: %v", old, err)
		}
		has(t, store, acme, is)
	}
	isStale(first, none)
	has(t, store, globex, none) // and nothing is claimed
	put(t, store, acme, first)
	isStale(none, first)
	isStale(later, first)
	if err := store.Put(t.Context(), acme, first, next); err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), acme, first, first); err != nil { // a proof beside that one
		t.Fatal(err)
	}
	if err := store.Release(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	isStale(first, none)
	put(t, store, acme, later)
	isStale(first, later)
	remove(t, store, acme)
	isStale(later, none)
}

// pin: the first id stays, whatever happens to the verdicts and the claim, until
// its organization releases it; each organization has its own.
func pin(t *testing.T, store credential.Verdicts) {
	on := func(s credential.Subject, target string) credential.Subject {
		s.RoleARN = target
		return s
	}
	mine, theirs := on(acme, url), on(globex, url)
	otherwise := on(acme, strings.Replace(url, "dispenser.", "DISPENSER.", 1))
	otherwise.Principal, otherwise.ExternalID = "bearer:token", "acme-43"
	isPinned(t, store, mine, "111122223333", "111122223333")
	has(t, store, mine, credential.Verdict{}) // a pin is no verdict and no claim
	isPinned(t, store, theirs, "444455556666", "444455556666")
	isPinned(t, store, on(acme, url+"2"), "777788889999", "777788889999")
	put(t, store, mine, passed("1"))
	isClaimed(t, store, theirs, "acme")
	isPinned(t, store, otherwise, "999988887777", "111122223333")
	remove(t, store, mine)
	isPinned(t, store, mine, "999988887777", "111122223333")
	put(t, store, theirs, passed("2"))
	isClaimed(t, store, mine, "globex")
	if err := store.Release(t.Context(), otherwise); err != nil { // its pin, not the other's claim
		t.Fatal(err)
	}
	has(t, store, theirs, passed("2"))
	remove(t, store, theirs)
	isPinned(t, store, theirs, "999988887777", "444455556666")
	isPinned(t, store, mine, "999988887777", "999988887777")
	isPinned(t, store, on(acme, url+"2"), "999988887777", "777788889999")
}

// onePin: of ids that are pinned at the same time one wins, and every caller
// gets it.
func onePin(t *testing.T, store credential.Verdicts) {
	const racers = 12
	got := make([]string, racers)
	var race sync.WaitGroup
	for i := range racers {
		race.Go(func() {
			var err error
			if got[i], err = store.Pin(t.Context(), acme, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	race.Wait()
	for _, id := range got {
		if id == "" || id != got[0] {
			t.Fatalf("pinned: %q", got)
		}
	}
	isPinned(t, store, acme, "another", got[0])
}

// isPinned pins an id and checks which one is pinned.
func isPinned(t *testing.T, store credential.Verdicts, s credential.Subject, id, want string) {
	t.Helper()
	if got, err := store.Pin(t.Context(), s, id); err != nil || got != want {
		t.Errorf("%s pins %q on %s: it has %q, %v; want %q", s.Organization, id, s, got, err, want)
	}
}

// firstWins: of organizations that claim at the same time one has the claim, and
// the others get an error that says so.
func firstWins(t *testing.T, store credential.Verdicts) {
	const racers = 12
	errs := make([]error, racers)
	subject := func(i int) credential.Subject {
		s := acme
		s.Organization = fmt.Sprintf("org-%d", i)
		return s
	}
	var race sync.WaitGroup
	for i := range racers {
		race.Go(func() { errs[i] = store.Put(t.Context(), subject(i), credential.Verdict{}, passed("AROA1")) })
	}
	race.Wait()
	winner := ""
	for i, err := range errs {
		if err == nil && winner != "" {
			t.Fatalf("%s and %s have the claim", winner, subject(i).Organization)
		}
		if err == nil {
			winner = subject(i).Organization
		}
	}
	for i, err := range errs {
		var claimed *credential.ClaimedError
		if err != nil && (!errors.As(err, &claimed) || claimed.Owner != winner) {
			t.Errorf("%s lost to %q: %v", subject(i).Organization, winner, err)
		}
		if err == nil {
			has(t, store, subject(i), passed("AROA1"))
		}
	}
}

// nothingIsLost: verdicts on one role that are put and removed at the same time
// are all put and removed.
func nothingIsLost(t *testing.T, store credential.Verdicts) {
	const each = 8
	subject := func(i int) credential.Subject {
		s := acme
		s.Principal += fmt.Sprint(i)
		return s
	}
	for i := range each {
		put(t, store, subject(i), passed("AROA1"))
	}
	var all sync.WaitGroup
	for i := range each {
		all.Go(func() {
			if err := store.Remove(t.Context(), subject(i)); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := store.Put(t.Context(), subject(each+i), credential.Verdict{}, passed("AROA2")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range each {
		has(t, store, subject(i), credential.Verdict{})
		has(t, store, subject(each+i), passed("AROA2"))
	}
}

// put puts a verdict in place of whatever there is.
func put(t *testing.T, store credential.Verdicts, s credential.Subject, v credential.Verdict) {
	t.Helper()
	old, err := store.Get(t.Context(), s)
	if err == nil {
		err = store.Put(t.Context(), s, old, v)
	}
	if err != nil {
		t.Fatalf("put of %s: %v", s.Organization, err)
	}
}

func remove(t *testing.T, store credential.Verdicts, s credential.Subject) {
	t.Helper()
	if err := store.Remove(t.Context(), s); err != nil {
		t.Fatalf("remove of %s: %v", s.Organization, err)
	}
}

// has checks that a subject has exactly this verdict, or none.
func has(t *testing.T, store credential.Verdicts, s credential.Subject, want credential.Verdict) {
	t.Helper()
	got, err := store.Get(t.Context(), s)
	if err != nil || !same(got, want) {
		t.Errorf("%s of %s has %+v, %v; want %+v", s, s.Organization, got, err, want)
	}
}

// same compares everything but the zones of times.
func same(a, b credential.Verdict) bool {
	return a.RoleID == b.RoleID && a.Passed == b.Passed && slices.Equal(a.Probes, b.Probes) && a.First.Equal(b.First) && a.Checked.Equal(b.Checked)
}

// isClaimed checks that the owner has the claim on a subject's role.
func isClaimed(t *testing.T, store credential.Verdicts, s credential.Subject, owner string) {
	t.Helper()
	v, err := store.Get(t.Context(), s)
	_, pinned := store.Pin(t.Context(), s, "999988887777")
	for what, err := range map[string]error{"get": err, "put": store.Put(t.Context(), s, credential.Verdict{}, passed("AROA9")), "pin": pinned} {
		var claimed *credential.ClaimedError
		if !errors.As(err, &claimed) || claimed.Owner != owner || strings.Contains(err.Error(), owner) {
			t.Errorf("%s of %s by %s: %v, want the claim of %s", what, s, s.Organization, err, owner)
		}
	}
	if v.Passed || len(v.Probes) > 0 {
		t.Errorf("another's verdict is shown: %+v", v)
	}
}
