package credential_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

// An organization whose roles fail their proofs, one after the other, costs
// no other organization a call.
func TestFailedProofsHoldUpNoOther(t *testing.T) {
	t.Parallel()
	var b *bench
	tried := 0
	b = newBench(t, func(c stsCall) stsAnswer {
		if c.RoleARN != mediaARN {
			return denied()
		}
		if c.Policy != string(policy.DenyAll()) && tried < 10 {
			tried++
			evil := acme()
			evil.Organization, evil.RoleARN = "evil", fmt.Sprintf("arn:aws:iam::444455556666:role/r%d", tried)
			if _, err := b.Role(evil).Retrieve(t.Context()); !errors.Is(err, credential.ErrUnsafe) {
				t.Errorf("evil's role: %v", err)
			}
		}
		return strict(c)
	})
	if _, err := b.Role(acme()).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, c := range b.sts.seen() {
		if c.RoleARN == mediaARN {
			calls++
		}
	}
	if calls != provedWith+1 {
		t.Errorf("%d calls for the role, want the proof's %d and one", calls, provedWith)
	}
}

// A refusal is given again for some seconds without a call, to each session
// of the role; Prove always asks, and what it finds counts.
func TestRefusalIsRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(stsCall) stsAnswer { return stsAnswer{} })
	_, first := b.Role(acme()).Retrieve(t.Context())
	if !errors.Is(first, credential.ErrUnsafe) {
		t.Fatal(first)
	}
	calls := len(b.sts.seen())
	take := func(job string) error {
		other := acme()
		other.JobID = job
		_, err := b.Role(other).Retrieve(t.Context())
		return err
	}
	b.clock.Advance(5 * time.Second)
	if err := take("02JOB"); err == nil || err.Error() != first.Error() || len(b.sts.seen()) != calls {
		t.Errorf("%v after %d calls more", err, len(b.sts.seen())-calls)
	}
	b.clock.Advance(10 * time.Second)
	if err := take("03JOB"); !errors.Is(err, credential.ErrUnsafe) || len(b.sts.seen()) == calls {
		t.Errorf("later: %v after %d calls more", err, len(b.sts.seen())-calls)
	}
	b.sts.setRule(strict)
	if _, err := b.Prove(t.Context(), acme()); err != nil {
		t.Error(err)
	}
	if err := take("04JOB"); err != nil {
		t.Errorf("after a passing proof: %v", err)
	}
}

// A temporary failure is not remembered: the next caller asks again.
func TestOutageIsNotRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(stsCall) stsAnswer { return stsAnswer{status: 400, code: "Surprise"} })
	if _, err := b.Role(acme()).Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Unavailable {
		t.Fatal(err)
	}
	b.sts.setRule(strict)
	if _, err := b.Role(acme()).Retrieve(t.Context()); err != nil {
		t.Error(err)
	}
}
