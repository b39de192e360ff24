package credential_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// in returns the request for a session from the STS of a region.
func in(region string) credential.Role {
	r := acme()
	r.Region = region
	return r
}

// A role that is open in one region is not used there after a proof in another,
// whichever comes first.
func TestVerdictIsOnItsRegion(t *testing.T) {
	t.Parallel()
	openIn := func(region string) func(stsCall) stsAnswer {
		return func(c stsCall) stsAnswer {
			if c.Region == region {
				return stsAnswer{}
			}
			return strict(c)
		}
	}
	for name, regions := range map[string][]string{
		"safe first": {"eu-central-1", "us-east-1"}, "open first": {"us-east-1", "eu-central-1"}, "home": {"eu-central-1", ""}, "none": {"eu-central-1", "nowhere"},
	} {
		b := newBench(t, openIn("us-east-1"))
		for _, region := range regions {
			safe := region == "eu-central-1"
			if _, err := b.Role(in(region)).Retrieve(t.Context()); (err == nil) != safe || !safe && !errors.Is(err, credential.ErrUnsafe) {
				t.Errorf("%s, %q: %v", name, region, err)
			}
		}
	}
}

// What one region shows about a role counts in the others: an open one ends all
// work, and so does one that is withdrawn. A region where the role never worked
// says nothing about those where it does.
func TestRegionsShareWhatIsUnsafe(t *testing.T) {
	t.Parallel()
	refusing := func(region string) func(stsCall) stsAnswer {
		return func(c stsCall) stsAnswer {
			if c.Region == region {
				return denied()
			}
			return strict(c)
		}
	}
	for name, c := range map[string]struct {
		proved []string
		rule   func(stsCall) stsAnswer
		ends   bool
	}{
		"never worked there": {[]string{"eu-central-1"}, refusing("us-east-1"), false},
		"withdrawn":          {[]string{"eu-central-1", "us-east-1"}, refusing("us-east-1"), true},
		"open": {[]string{"eu-central-1"}, func(c stsCall) stsAnswer {
			if c.Region == "us-east-1" {
				return stsAnswer{}
			}
			return strict(c)
		}, true},
	} {
		b := newBench(t, strict)
		for _, region := range c.proved {
			if _, err := b.Prove(t.Context(), in(region)); err != nil {
				t.Fatal(err)
			}
		}
		held := hold(t, b.Vault, in("eu-central-1"))
		b.sts.setRule(c.rule)
		if _, err := b.Prove(t.Context(), in("us-east-1")); !errors.Is(err, credential.ErrUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
		if ended := isEnded(t, context.Cause(held), "the claim on the role"); ended != c.ends {
			t.Errorf("%s: work elsewhere ended: %v, %v", name, ended, context.Cause(held))
		}
		if v, err := b.Claim(t.Context(), in("eu-central-1")); err != nil || v.Passed == c.ends {
			t.Errorf("%s: the verdict elsewhere: %+v, %v", name, v, err)
		}
	}
}

// A dispenser that compares external ids for reading only is not asked for
// writing after a proof of reading.
func TestDispenserIsProvedForItsAccess(t *testing.T) {
	t.Parallel()
	b, _ := dispenserBench(t, func(q url.Values) (int, string) {
		if q.Get("access") == credential.AccessWrite {
			q.Set("external_id", externalID)
		}
		return vends("222233334444")(q)
	})
	if _, err := b.Dispenser(vend()).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	writing := vend()
	writing.Access = credential.AccessWrite
	if _, err := b.Dispenser(writing).Retrieve(t.Context()); !errors.Is(err, credential.ErrUnsafe) {
		t.Errorf("writing: %v", err)
	}
}

// Neither words nor calls tell that a role or dispenser is another customer's.
func TestClaimedLooksLikeUnproved(t *testing.T) {
	t.Parallel()
	as := func(c stsCall) string { return c.RoleARN + " " + c.Duration }
	type seen struct {
		Errors  string
		Calls   []string
		Claimed bool
	}
	role := func(claimed bool) seen {
		b := newBench(t, strict)
		if claimed {
			if _, err := b.Prove(t.Context(), acme()); err != nil {
				t.Fatal(err)
			}
		}
		before := len(b.sts.seen())
		thief := acme()
		thief.Organization, thief.ExternalID = "globex", "Globex-1"
		var s seen
		for _, try := range []func() error{
			func() error { _, err := b.Role(thief).Retrieve(t.Context()); return err },
			func() error { _, err := b.Role(thief).Retrieve(t.Context()); return err },
			func() error { _, err := b.Prove(t.Context(), thief); return err },
			func() error { _, err := b.Claim(t.Context(), thief); return err },
			func() error { _, err := b.Try(t.Context(), thief); return err },
		} {
			err := try()
			s.Claimed = s.Claimed || errors.As(err, new(*credential.ClaimedError))
			s.Errors += plain(t, err) + "\n"
		}
		for _, c := range b.sts.seen()[before:] {
			s.Calls = append(s.Calls, as(c))
		}
		return s
	}
	dispenser := func(claimed bool) seen {
		b, d := dispenserBench(t, vends("222233334444"))
		if claimed {
			if _, err := b.ProveDispenser(t.Context(), vend()); err != nil {
				t.Fatal(err)
			}
		}
		before := d.count()
		thief := vend()
		thief.Organization, thief.ExternalID = "globex", "Globex-1"
		var s seen
		for _, try := range []func() error{
			func() error { _, err := b.Dispenser(thief).Retrieve(t.Context()); return err },
			func() error { _, err := b.ProveDispenser(t.Context(), thief); return err },
			func() error { _, err := b.ClaimDispenser(t.Context(), thief); return err },
		} {
			err := try()
			s.Claimed = s.Claimed || errors.As(err, new(*credential.ClaimedError))
			s.Errors += plain(t, err) + "\n"
		}
		s.Calls = make([]string, d.count()-before)
		return s
	}
	for name, look := range map[string]func(bool) seen{"role": role, "dispenser": dispenser} {
		free := look(false)
		if diff := cmp.Diff(free, look(true)); diff != "" || len(free.Calls) == 0 || strings.Contains(free.Errors, "acme") {
			t.Errorf("%s: claimed differs from free: %s", name, diff)
		}
	}
}

// plain is an error as a user sees it.
func plain(t *testing.T, err error) string {
	t.Helper()
	text, failed := json.Marshal(rolecall.List(err))
	if failed != nil {
		t.Fatal(failed)
	}
	return string(text)
}

// No two organizations have the same session name, though a name has room for
// the beginning only.
func TestSessionNamesAreOneOrganizations(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 40)
	cut, _, _ := strings.Cut(credential.Role{Organization: long, JobID: "1"}.SessionName(), ".")
	seen := map[string]string{}
	for _, r := range []credential.Role{
		{Organization: "acme", JobID: "01JOB"},
		{Organization: long, JobID: "1"},
		{Organization: long + "b", JobID: "1"},
		{Organization: strings.Repeat("a", 30), JobID: "1"},
		{Organization: strings.Repeat("a", 31), JobID: "1"},
		{Organization: cut, JobID: "1"}, // who takes the name that another's is cut to
		{Organization: "acme", JobID: strings.Repeat("j", 80)},
		{Organization: "acme", JobID: strings.Repeat("j", 81)},
		{Organization: long, JobID: strings.Repeat("j", 80)},
	} {
		name := r.SessionName()
		if other, taken := seen[name]; taken || len(name) > 64 {
			t.Errorf("%s.%s is %s, as %s", r.Organization, r.JobID, name, other)
		}
		seen[name] = r.Organization + "." + r.JobID
		if r.Organization == long && r.JobID == "1" && (!strings.HasPrefix(name, long[:21]+"-") || len(cut) != 30) {
			t.Errorf("cut to %s", name)
		}
	}
	if seen["acme.01JOB"] == "" {
		t.Errorf("what fits is changed: %v", seen)
	}
}
