package credential_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// once is strict, and calls hook before it answers the first call that matches.
func once(match func(stsCall) bool, hook func()) func(stsCall) stsAnswer {
	var one sync.Once
	return func(c stsCall) stsAnswer {
		if match(c) {
			one.Do(hook)
		}
		return strict(c)
	}
}

func probes(c stsCall) bool { return c.Duration == "900" }
func works(c stsCall) bool  { return c.Duration == "3600" }

// releasable is a bench whose store tests can reach, as another process would,
// and the subject of its role.
func releasable(t *testing.T) (*bench, credential.Verdicts, credential.Subject) {
	t.Helper()
	var store credential.Verdicts
	b := newBench(t, strict, func(o *credential.Options) { store = o.Verdicts })
	return b, store, subject(func(s *credential.Subject) { s.Principal = workerARN })
}

func isUnclaimed(t *testing.T, store credential.Verdicts, s credential.Subject) {
	t.Helper()
	s.Organization = "globex"
	if v, err := store.Get(t.Context(), s); err != nil || v.Passed {
		t.Errorf("claimed: %+v, %v", v, err)
	}
}

// A proof that was under way when its verdict was released does not bring the
// claim back; one of its own does.
func TestReleaseDuringAProof(t *testing.T) {
	t.Parallel()
	b, store, s := releasable(t)
	if _, err := b.Prove(t.Context(), acme()); err != nil {
		t.Fatal(err)
	}
	b.sts.setRule(once(probes, func() {
		if err := store.Release(t.Context(), s); err != nil {
			t.Error(err)
		}
	}))
	v, err := b.Prove(t.Context(), acme())
	if rolecall.CodeOf(err) != rolecall.Unavailable || v.Passed || len(v.Probes) == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	isUnclaimed(t, store, s)
	if v, err := b.Prove(t.Context(), acme()); err != nil || !v.Passed {
		t.Errorf("after it: %+v, %v", v, err)
	}
}

// Of two first proofs at the same time the earlier verdict stays, so that work
// which rests on it goes on; one on another role of the name does not stay.
func TestProofsBesideEachOther(t *testing.T) {
	t.Parallel()
	for roleID, passes := range map[string]bool{"AROA1": true, "AROA2": false} {
		b, store, s := releasable(t)
		earlier := credential.Verdict{RoleID: roleID, Passed: true, First: epoch.Add(-time.Second), Checked: epoch.Add(-time.Second)}
		b.sts.setRule(once(probes, func() {
			if err := store.Put(t.Context(), s, credential.Verdict{}, earlier); err != nil {
				t.Error(err)
			}
		}))
		v, err := b.Prove(t.Context(), acme())
		if v.Passed != passes || (err == nil) != passes || passes && !v.First.Equal(earlier.First) {
			t.Errorf("%s: %+v, %v", roleID, v, err)
		}
		if kept, err := store.Get(t.Context(), s); err != nil || kept.RoleID != roleID || !kept.First.Equal(earlier.First) {
			t.Errorf("%s: kept %+v, %v", roleID, kept, err)
		}
	}
}

// A credential that is renewed ahead of its end, while nobody asks for another
// one, does not bring back the claim that it rested on.
func TestRenewalClaimsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration
		ends  func(t *testing.T, b *bench, release func())
	}{
		"released before, proof due":   {5 * time.Minute, func(_ *testing.T, _ *bench, release func()) { release() }},
		"released before, session due": {50 * time.Minute, func(_ *testing.T, _ *bench, release func()) { release() }},
		"released here meanwhile": {50 * time.Minute, func(t *testing.T, b *bench, _ func()) {
			b.sts.setRule(once(works, func() {
				if err := b.Release(t.Context(), acme()); err != nil {
					t.Error(err)
				}
			}))
		}},
		"released elsewhere meanwhile": {5 * time.Minute, func(_ *testing.T, b *bench, release func()) { b.sts.setRule(once(probes, release)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, store, s := releasable(t)
			if _, err := b.Prove(t.Context(), acme()); err != nil {
				t.Fatal(err)
			}
			b.clock.Advance(5 * time.Minute)
			if _, err := b.Prove(t.Context(), acme()); err != nil { // from now on daily
				t.Fatal(err)
			}
			provider := b.Role(acme())
			if c.after == 5*time.Minute { // one that is taken on the first proof's word
				if err := b.Release(t.Context(), acme()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := provider.Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.ends(t, b, func() {
				if err := store.Release(t.Context(), s); err != nil {
					t.Error(err)
				}
			})
			b.clock.Advance(c.after)
			if _, err := provider.Retrieve(t.Context()); err != nil {
				t.Fatalf("while it is renewed: %v", err)
			}
			provider.Idle()
			isUnclaimed(t, store, s)
			b.sts.setRule(strict)
			if c, err := provider.Retrieve(t.Context()); err != nil || !c.HasKeys() {
				t.Errorf("whoever asks anew: %v", err)
			}
		})
	}
}

// Work under a claim that was released elsewhere ends, though another step of
// the process has claimed the role again before the store was read.
func TestReleaseIsNotUndoneByTheNextStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var store credential.Verdicts
		b, _ := bubbled(t, strict, func(o *credential.Options) { store = o.Verdicts })
		held := hold(t, b.Vault, acme())
		if err := store.Release(t.Context(), subject(func(s *credential.Subject) { s.Principal = workerARN })); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // of the bubble's fake clock
		next := acme()
		next.JobID = "02JOB"
		another := hold(t, b.Vault, next)
		time.Sleep(10 * time.Second) // of the bubble's fake clock
		synctest.Wait()
		if !isEnded(t, context.Cause(held), "proved anew since") || errors.Is(context.Cause(held), credential.ErrDrift) {
			t.Errorf("the work under the released claim: %v", context.Cause(held))
		}
		if another.Err() != nil {
			t.Errorf("the work under the new one: %v", context.Cause(another))
		}
	})
}

// A watch that finds a claim released does not prove the role again, though that
// is due.
func TestWatchClaimsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var store credential.Verdicts
		b, _ := bubbled(t, strict, func(o *credential.Options) { store = o.Verdicts })
		held := hold(t, b.Vault, acme())
		time.Sleep(5*time.Minute - time.Second) // of the bubble's fake clock
		s := subject(func(s *credential.Subject) { s.Principal = workerARN })
		if err := store.Release(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second) // of the bubble's fake clock
		synctest.Wait()
		if !isEnded(t, context.Cause(held), "withdrawn") {
			t.Error("goes on")
		}
		isUnclaimed(t, store, s)
	})
}
