package credential_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// Drift is reported once, and only as what it is: a role that never passed has
// not drifted.
func TestDriftIsAResultOfItsOwn(t *testing.T) {
	t.Parallel()
	open := func(stsCall) stsAnswer { return stsAnswer{} }
	for name, rule := range map[string]func(stsCall) stsAnswer{
		"accepts a wrong id":    open,
		"refuses the right one": func(stsCall) stsAnswer { return denied() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, rule)
			if _, err := b.Prove(t.Context(), acme()); !errors.Is(err, credential.ErrUnsafe) || errors.Is(err, credential.ErrDrift) {
				t.Errorf("never passed: %v", err)
			}
			b.sts.setRule(strict)
			if _, err := b.Prove(t.Context(), acme()); err != nil {
				t.Fatal(err)
			}
			b.sts.setRule(rule)
			_, err := b.Prove(t.Context(), acme())
			if !errors.Is(err, credential.ErrUnsafe) || !errors.Is(err, credential.ErrDrift) || !strings.Contains(rolecall.List(err)[0].Message, "changed") {
				t.Errorf("drifted: %v", err)
			}
			if _, err := b.Prove(t.Context(), acme()); errors.Is(err, credential.ErrDrift) {
				t.Errorf("reported again: %v", err)
			}
			if got := b.events.of(credential.EventDrift); len(got) != 1 || got[0].RoleARN != mediaARN || got[0].Reason == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A recreated role that passes its own probes is used under its own verdict; that
// it is another one is reported.
func TestRecreatedRoleIsDrift(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	provider := b.Role(acme())
	old, err := provider.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	b.sts.setRule(recreatedAs("AROA2"))
	v, err := b.Prove(t.Context(), acme())
	if err != nil || v.RoleID != "AROA2" || !v.First.Equal(b.clock.Now()) {
		t.Errorf("%+v, %v", v, err)
	}
	if got := b.events.of(credential.EventDrift); len(got) != 1 || got[0].Reason != "was recreated" {
		t.Errorf("%+v", got)
	}
	if now, err := provider.Retrieve(t.Context()); err != nil || now.AccessKeyID == old.AccessKeyID {
		t.Errorf("the old role's credential is given out: %v", err)
	}
	// At work a recreated role that is unsafe is drift too.
	b.sts.setRule(func(stsCall) stsAnswer { return stsAnswer{roleID: "AROA3"} })
	other := acme()
	other.JobID = "02JOB"
	if _, err := b.Role(other).Retrieve(t.Context()); !errors.Is(err, credential.ErrUnsafe) || !errors.Is(err, credential.ErrDrift) {
		t.Errorf("%v", err)
	}
}
