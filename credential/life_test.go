package credential_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// A role that drifts loses its credentials, those of its other sessions too,
// and its claim.
func TestDriftPurges(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	first, second := acme(), acme()
	second.JobID = "02JOB"
	for _, r := range []credential.Role{first, second} {
		if _, err := b.Role(r).Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.sts.setRule(func(stsCall) stsAnswer { return stsAnswer{} })
	if _, err := b.Prove(t.Context(), first); !errors.Is(err, credential.ErrUnsafe) {
		t.Fatalf("the drifted role: %v", err)
	}
	for _, r := range []credential.Role{first, second} {
		if _, err := b.Role(r).Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Forbidden {
			t.Errorf("%s: %v", r.JobID, err)
		}
	}
	b.sts.setRule(trusting(t, trustPolicy(allow(``, `"StringEquals":{"sts:ExternalId":"Globex-1"}`))))
	globex := acme()
	globex.Organization, globex.ExternalID = "globex", "Globex-1"
	if _, err := b.Role(globex).Retrieve(t.Context()); err != nil {
		t.Errorf("the claim did not end: %v", err)
	}
}

// The repetition after five minutes happens while the old credential is in
// use, and takes it back when it finds drift.
func TestDriftIsFoundInUse(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	provider := b.Role(acme())
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sts.setRule(func(stsCall) stsAnswer { return stsAnswer{} })
	b.clock.Advance(5 * time.Minute)
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatalf("while the probes run: %v", err)
	}
	provider.Idle()
	if _, err := provider.Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Forbidden {
		t.Errorf("the credential is not taken back: %v", err)
	}
}

// An answer that proves nothing takes nothing back.
func TestOutageKeepsTheCredential(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	provider := b.Role(acme())
	first, err := provider.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.sts.setRule(func(stsCall) stsAnswer { return stsAnswer{status: 400, code: "Surprise"} })
	b.clock.Advance(5 * time.Minute)
	for range 3 {
		again, err := provider.Retrieve(t.Context())
		if err != nil || again.AccessKeyID != first.AccessKeyID {
			t.Fatalf("%v, %v", again.AccessKeyID, err)
		}
		provider.Idle()
	}
	b.sts.setRule(strict)
	b.clock.Advance(5 * time.Minute)
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	provider.Idle()
	if c, err := provider.Retrieve(t.Context()); err != nil || c.AccessKeyID == first.AccessKeyID {
		t.Errorf("no new credential after the outage: %v", err)
	}
}

// A role that is deleted and made again under its name is another role.
func TestRecreatedRoleIsProvedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	if _, err := b.Role(acme()).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sts.setRule(func(c stsCall) stsAnswer {
		a := strict(c)
		a.roleID = "AROA2"
		return a
	})
	other := acme()
	other.JobID = "02JOB"
	before := len(b.sts.seen())
	c, err := b.Role(other).Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.sts.seen()) - before; n != provedWith+2 {
		t.Errorf("%d calls, want one thrown away, a proof and one", n)
	}
	if last := b.events.of(credential.EventAssume); last[len(last)-1].AccessKeyID != c.AccessKeyID || len(last) != 2 {
		t.Errorf("%+v", last)
	}
	// The recreated role does not check the id: nothing of it may be used.
	b.sts.setRule(func(stsCall) stsAnswer { return stsAnswer{roleID: "AROA3"} })
	other.JobID = "03JOB"
	if _, err := b.Role(other).Retrieve(t.Context()); !errors.Is(err, credential.ErrUnsafe) {
		t.Errorf("%v", err)
	}
}

func TestRoleOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := newBench(t, strict, func(o *credential.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	if _, err := b.Role(acme()).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	// It trusts both, by the same external id: only then is it found out.
	for _, arn := range []string{mediaARN, "arn:aws:iam::111122223333:role/Media"} {
		thief := acme()
		thief.Organization, thief.RoleARN = "globex", arn
		_, err := b.Role(thief).Retrieve(t.Context())
		e := rolecall.List(err)[0]
		if e.Code != rolecall.Forbidden || !strings.Contains(e.Message, "not usable") || strings.Contains(e.Message+e.Hint, "acme") {
			t.Errorf("%+v", e)
		}
	}
	b.Close()
	if !strings.Contains(log.String(), "owner=acme") {
		t.Errorf("the operator is not told whose: %s", &log)
	}
	if strings.Contains(log.String(), externalID) {
		t.Errorf("the external id is in the log: %s", &log)
	}
}

// Two organizations that race for one role: one gets it.
func TestClaimRace(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	var wg sync.WaitGroup
	results := make(chan error, 8)
	for i := range cap(results) {
		wg.Go(func() {
			r := acme()
			r.Organization = "org-" + string(rune('a'+i))
			_, err := b.Role(r).Retrieve(t.Context())
			results <- err
		})
	}
	wg.Wait()
	close(results)
	winners := 0
	for err := range results {
		if err == nil {
			winners++
		} else if rolecall.CodeOf(err) != rolecall.Forbidden {
			t.Error(err)
		}
	}
	if winners != 1 {
		t.Errorf("%d organizations use the role", winners)
	}
}

// A wrong acceptance is a proof, whatever is answered after it.
func TestWrongAcceptanceBeforeOutage(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c stsCall) stsAnswer {
		if c.id() == externalID || c.ExternalID == nil {
			return stsAnswer{}
		}
		return stsAnswer{status: 400, code: "Surprise"}
	})
	if _, err := b.Prove(t.Context(), acme()); !errors.Is(err, credential.ErrUnsafe) || !strings.Contains(err.Error(), "without an external id") {
		t.Errorf("%v", err)
	}
}

// A proof that nobody can finish does not keep a credential alive for its
// whole life: after a short grace it is refused.
func TestUnprovedCredentialEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	role := acme()
	role.Duration = 12 * time.Hour
	provider := b.Role(role)
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sts.setRule(func(c stsCall) stsAnswer {
		if c.ExternalID == nil {
			return stsAnswer{status: 403, code: "RegionDisabledException"}
		}
		return strict(c)
	})
	for _, step := range []struct {
		after time.Duration
		given bool
	}{{4 * time.Minute, true}, {time.Minute, true}, {14 * time.Minute, true}, {time.Minute, false}, {10 * time.Hour, false}} {
		b.clock.Advance(step.after)
		c, err := provider.Retrieve(t.Context())
		provider.Idle()
		if c.HasKeys() != step.given || (err == nil) != step.given {
			t.Errorf("%s later: %v", step.after, err)
		}
	}
	b.sts.setRule(strict)
	b.clock.Advance(time.Minute)
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Errorf("after the region is back: %v", err)
	}
}

// An answer that proves nothing does not hide the wrong acceptance that comes
// after it, not even while an old credential is in use.
func TestWrongAcceptanceAfterUnknown(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	provider := b.Role(acme())
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sts.setRule(func(c stsCall) stsAnswer {
		if c.ExternalID == nil {
			return stsAnswer{status: 403, code: "RegionDisabledException"}
		}
		return stsAnswer{}
	})
	b.clock.Advance(5 * time.Minute)
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatalf("while the probes run: %v", err)
	}
	provider.Idle()
	if _, err := provider.Retrieve(t.Context()); !errors.Is(err, credential.ErrUnsafe) {
		t.Errorf("the credential is not taken back: %v", err)
	}
}

// Keys that STS does not take, and an STS that does not answer, are not tried
// with every probe.
func TestHopelessProofEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(stsCall) stsAnswer { return stsAnswer{status: 403, code: "ExpiredToken"} })
	if _, err := b.Prove(t.Context(), acme()); rolecall.CodeOf(err) != rolecall.Unauthenticated || len(b.sts.seen()) != 1 {
		t.Errorf("%v after %d calls", err, len(b.sts.seen()))
	}
}

// A verdict from the future, by a clock that was set back or an edited file,
// is none, and does not count as the first of two.
func TestVerdictFromTheFuture(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*credential.Verdict){
		"checked": func(v *credential.Verdict) { v.Checked = epoch.AddDate(1, 0, 0) },
		"first":   func(v *credential.Verdict) { v.First = epoch.AddDate(1, 0, 0) },
		"both":    func(v *credential.Verdict) { v.First, v.Checked = epoch.AddDate(1, 0, 0), epoch.AddDate(1, 0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var store credential.Verdicts
			b := newBench(t, strict, func(o *credential.Options) { store = o.Verdicts })
			s := subject(func(s *credential.Subject) { s.Principal = workerARN })
			verdict := credential.Verdict{RoleID: "AROA1", Passed: true, First: epoch.Add(-time.Hour), Checked: epoch.Add(-time.Hour / 2)}
			change(&verdict)
			if err := store.Put(t.Context(), s, credential.Verdict{}, verdict); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Role(acme()).Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := len(b.events.of(credential.EventProof)); n != 1 {
				t.Errorf("%d proofs", n)
			}
			if v, err := store.Get(t.Context(), s); err != nil || v.Checked.After(epoch) || v.First.After(epoch) {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
}

// A verdict of a machine whose clock is up to two minutes ahead counts, and when
// it is due here its renewal is no other one: what rests on it goes on there.
func TestVerdictOfAClockAhead(t *testing.T) {
	t.Parallel()
	for ahead, counts := range map[time.Duration]bool{time.Second: true, 2 * time.Minute: true, 2*time.Minute + time.Second: false} {
		var store credential.Verdicts
		b := newBench(t, strict, func(o *credential.Options) { store = o.Verdicts })
		s := subject(func(s *credential.Subject) { s.Principal = workerARN })
		first := epoch.Add(ahead)
		verdict := credential.Verdict{RoleID: "AROA1", Passed: true, First: first, Checked: first}
		if err := store.Put(t.Context(), s, credential.Verdict{}, verdict); err != nil {
			t.Fatal(err)
		}
		provider := b.Role(acme())
		if _, err := provider.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(b.events.of(credential.EventProof)); (n == 0) != counts {
			t.Errorf("%v ahead: %d proofs", ahead, n)
		}
		if _, err := b.Prove(t.Context(), acme()); err != nil {
			t.Fatal(err)
		}
		v, err := store.Get(t.Context(), s)
		if err != nil || v.First.Equal(first) != counts || v.Checked.After(epoch) {
			t.Errorf("%v ahead: %+v, %v", ahead, v, err)
		}
	}
}

// hooked calls a function once after a verdict was read.
type hooked struct {
	credential.Verdicts
	mu   sync.Mutex
	hook func()
}

func (h *hooked) arm(hook func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hook = hook
}

func (h *hooked) Get(ctx context.Context, s credential.Subject) (credential.Verdict, error) {
	v, err := h.Verdicts.Get(ctx, s)
	h.mu.Lock()
	hook := h.hook
	h.hook = nil
	h.mu.Unlock()
	if hook != nil {
		hook()
	}
	return v, err
}

// A verdict that is withdrawn while a session rests on having read it takes
// the session with it.
func TestDriftBetweenVerdictAndSession(t *testing.T) {
	t.Parallel()
	store := &hooked{}
	b := newBench(t, strict, func(o *credential.Options) {
		store.Verdicts = o.Verdicts
		o.Verdicts = store
	})
	if _, err := b.Role(acme()).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.arm(func() {
		b.sts.setRule(func(stsCall) stsAnswer { return stsAnswer{} })
		if _, err := b.Prove(t.Context(), acme()); !errors.Is(err, credential.ErrUnsafe) {
			t.Errorf("prove: %v", err)
		}
	})
	other := acme()
	other.JobID = "02JOB"
	if c, err := b.Role(other).Retrieve(t.Context()); !errors.Is(err, credential.ErrUnsafe) || c.HasKeys() {
		t.Errorf("%v", err)
	}
}
