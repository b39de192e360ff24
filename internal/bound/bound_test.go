package bound

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// takeAll takes as many units as it may at once, and returns how many.
func takeAll(t *testing.T, s *Share) int {
	t.Helper()
	for n := 0; ; n++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := s.Acquire(ctx, 1)
		cancel()
		if err != nil {
			return n
		}
	}
}

// An organization that never releases anything does not stop others.
func TestSharesLeaveRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(8)
		alone := b.Share("acme")
		if got := takeAll(t, alone); got != 8 {
			t.Errorf("alone: %d of 8", got)
		}
		other := b.Share("globex")
		waits := make(chan error)
		go func() { waits <- other.Acquire(t.Context(), 1) }()
		synctest.Wait()
		alone.Release(1)
		if err := <-waits; err != nil {
			t.Error(err)
		}
		alone.Release(1)
		if got := takeAll(t, alone); got != 0 {
			t.Errorf("above its share: %d more", got)
		}
		if got := takeAll(t, other); got != 0 { // it has one, and one is free
			t.Errorf("the other: %d more", got)
		}
		if got := takeAll(t, b.Share("initech")); got != 1 {
			t.Errorf("a third: %d", got)
		}
	})
}

// What becomes free goes to the organization that has the least.
func TestFreeRoomGoesToTheLeast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(8)
		acme, globex := b.Share("acme"), b.Share("globex")
		if a, g := takeAll(t, acme), takeAll(t, globex); a != 4 || g != 2 {
			t.Fatalf("%d and %d", a, g)
		}
		got := make(chan string, 2)
		for _, waiting := range []*Share{acme, globex} {
			go func() {
				if waiting.Acquire(t.Context(), 1) == nil {
					got <- waiting.organization
				}
			}()
			synctest.Wait()
		}
		acme.Release(1) // has three now, the other two
		if next := <-got; next != "globex" {
			t.Errorf("%s was next", next)
		}
		acme.Release(1)
		<-got
	})
}

// However many organizations give nothing back, something is left for one more.
func TestEachLeavesSomething(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(600)
		b.Share("first")
		for n := range 8 {
			if got := takeAll(t, b.Share(strconv.Itoa(n))); got == 0 {
				t.Errorf("nothing is left for number %d", n)
			}
		}
	})
}

// However much is taken, given back and waited for in vain, no more is taken than
// there is, no organization beside another has more than it leaves free, and all
// becomes free again.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		b := New(int64(rapid.IntRange(1, 20).Draw(r, "total")))
		shares := []*Share{b.Whole(), b.Share("acme"), b.Share("globex"), b.Share("initech")}
		held := map[*Share][]int64{}
		out := int64(0)
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			of := shares[rapid.IntRange(0, len(shares)-1).Draw(r, "share")]
			if n := len(held[of]); n > 0 && rapid.Bool().Draw(r, "release") {
				of.Release(held[of][n-1])
				out -= held[of][n-1]
				held[of] = held[of][:n-1]
				continue
			}
			amount := int64(rapid.IntRange(1, int(b.total)).Draw(r, "amount"))
			took := false
			if rapid.Bool().Draw(r, "try") {
				took = of.TryAcquire(amount)
			} else {
				ctx, cancel := context.WithTimeout(context.Background(), 0)
				if rapid.Bool().Draw(r, "patient") {
					ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
				}
				err := of.Acquire(ctx, amount)
				cancel()
				if took = err == nil; !took && !errors.Is(err, context.DeadlineExceeded) {
					r.Fatal(err)
				}
			}
			if took {
				held[of] = append(held[of], amount)
				out += amount
			}
			if b.Taken() != out || out > b.total {
				r.Fatalf("%d is out, %d counted, of %d", out, b.Taken(), b.total)
			}
		}
		for of, all := range held {
			for _, n := range all {
				of.Release(n)
			}
		}
		if b.Taken() != 0 || len(b.held) != 0 || len(b.waiting) != 0 {
			r.Fatalf("left: %+v", b.held)
		}
	})
}
