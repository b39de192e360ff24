package transfer

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// takeAll acquires as many streams as it can at once, and returns how many.
func takeAll(t *testing.T, m *Memory) int {
	t.Helper()
	for n := 0; ; n++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := m.acquire(ctx)
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
		m := NewMemory(8 * streamCost)
		alone := m.Share("acme")
		if got := takeAll(t, alone); got != 8 {
			t.Errorf("alone: %d streams of 8", got)
		}
		other := m.Share("globex")
		waits := make(chan error)
		go func() { waits <- other.acquire(t.Context()) }()
		synctest.Wait()
		alone.release()
		if err := <-waits; err != nil {
			t.Error(err)
		}
		alone.release()
		if got := takeAll(t, alone); got != 0 {
			t.Errorf("above its share: %d more", got)
		}
		if got := takeAll(t, other); got != 0 { // it has one, and one is free
			t.Errorf("the other: %d more", got)
		}
		if got := takeAll(t, m.Share("initech")); got != 1 {
			t.Errorf("a third: %d streams", got)
		}
	})
}

// Freed room goes to the organization that uses the least.
func TestFreeRoomGoesToTheLeast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(8 * streamCost)
		acme, globex := m.Share("acme"), m.Share("globex")
		if a, g := takeAll(t, acme), takeAll(t, globex); a != 4 || g != 2 {
			t.Fatalf("%d and %d streams", a, g)
		}
		got := make(chan string, 2)
		for _, waiting := range []*Memory{acme, globex} {
			go func() {
				if waiting.acquire(t.Context()) == nil {
					got <- waiting.organization
				}
			}()
			synctest.Wait()
		}
		acme.release() // has three now, the other two
		if next := <-got; next != "globex" {
			t.Errorf("%s was next", next)
		}
		acme.release()
		<-got
	})
}

// However many organizations give nothing back, something is left for one more.
func TestEachLeavesSomething(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(DefaultMemory)
		m.Share("first")
		for n := range 8 {
			if got := takeAll(t, m.Share(strconv.Itoa(n))); got == 0 {
				t.Errorf("nothing is left for number %d", n)
			}
		}
	})
}

// However streams are acquired, released and canceled, no more are in use than
// there is room for, and all room becomes free again.
func TestMemoryIsNeverLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		m := NewMemory(int64(rapid.IntRange(0, 6).Draw(r, "streams")) * streamCost)
		shares := []*Memory{m, m.Share("acme"), m.Share("globex"), m.Share("initech")}
		held := map[*Memory]int{}
		out := 0
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			of := shares[rapid.IntRange(0, len(shares)-1).Draw(r, "share")]
			if held[of] > 0 && rapid.Bool().Draw(r, "release") {
				of.release()
				held[of]--
				out--
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), 0)
			if rapid.Bool().Draw(r, "patient") {
				ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
			}
			err := of.acquire(ctx)
			cancel()
			if err == nil {
				held[of]++
				out++
			} else if !errors.Is(err, context.DeadlineExceeded) {
				r.Fatal(err)
			}
			if m.pool.taken != out || out > m.pool.streams {
				r.Fatalf("%d streams are out, %d counted, room for %d", out, m.pool.taken, m.pool.streams)
			}
		}
		for of, n := range held {
			for range n {
				of.release()
			}
		}
		if m.pool.taken != 0 || len(m.pool.held) != 0 || len(m.pool.waiting) != 0 {
			r.Fatalf("left: %+v", m.pool.held)
		}
	})
}
