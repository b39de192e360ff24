package credential_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// A proof takes four round trips: the right id, the others in two, the right
// one again.
func TestProofGoesSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, wire := bubbled(t, strict)
		if _, err := b.Identify(t.Context(), acme()); err != nil {
			t.Fatal(err)
		}
		wire.latency = 50 * time.Millisecond
		began := time.Now()
		verdict, err := b.Prove(t.Context(), acme())
		if err != nil || len(verdict.Probes) != provedWith || len(b.sts.seen()) != provedWith {
			t.Fatalf("%+v, %v", verdict, err)
		}
		if took := time.Since(began); took != 4*wire.latency || wire.most > 7 {
			t.Errorf("took %v, with %d calls at once", took, wire.most)
		}
		for i, e := range b.events.of(credential.EventProbe) {
			if e.Probe.Name != verdict.Probes[i].Name {
				t.Errorf("reported %s in the place of %s", e.Probe.Name, verdict.Probes[i].Name)
			}
		}
	})
}

// Where the network goes in the middle, no more probes are begun than are
// under way.
func TestProofStopsWhenMoreSaysNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c stsCall) stsAnswer {
		if c.id() == externalID {
			return stsAnswer{}
		}
		return stsAnswer{status: 403, code: "ExpiredToken"}
	})
	verdict, err := b.Prove(t.Context(), acme())
	if rolecall.CodeOf(err) != rolecall.Unauthenticated || verdict.Passed {
		t.Errorf("%v", err)
	}
	if n := len(b.sts.seen()); n > 1+7 || n != len(verdict.Probes) {
		t.Errorf("%d calls for %d probes", n, len(verdict.Probes))
	}
	if last := verdict.Probes[len(verdict.Probes)-1].Name; last == credential.ProbeRightAgain {
		t.Error("went on to the end")
	}
}
