// Package bound divides what one process has among the organizations that it
// works for: bytes of memory, requests under way, tasks side by side.
//
// An organization that is alone may take all of it. From the moment when a second
// one has a share, each may take no more than it leaves free, and what becomes
// free goes to the one that has the least. So work that one organization never
// ends, such as with a server of its own that never answers, stops nobody else's:
// however many they are, something is left for one more, until it is too small to
// be of use.
//
// Rates bound how often each of many does something.
package bound

import (
	"context"
	"slices"
	"sync"
)

// Budget is an amount that shares are taken from. New makes it.
type Budget struct {
	total int64

	mu      sync.Mutex // guards what follows
	taken   int64
	held    map[string]int64 // by organization
	sharing map[string]bool
	waiting []*waiter
}

// waiter waits for n. Ready is closed when it has that.
type waiter struct {
	organization string
	n            int64
	ready        chan struct{}
}

// New returns a Budget of the total, none of which is taken.
func New(total int64) *Budget {
	return &Budget{total: total, held: map[string]int64{}, sharing: map[string]bool{}}
}

// Share is what one organization may take of a Budget.
type Share struct {
	budget       *Budget
	organization string
}

// Share returns an organization's share. All that belong to it are one.
func (b *Budget) Share(organization string) *Share {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sharing[organization] = true
	return &Share{b, organization}
}

// Whole returns the share of whoever needs none of his own: it takes from the
// budget as an organization without a name, and does not count as a second one.
func (b *Budget) Whole() *Share { return &Share{budget: b} }

// fits reports whether the organization may take n more.
func (b *Budget) fits(organization string, n int64) bool {
	free := b.total - b.taken
	return n <= free && (len(b.sharing) < 2 || b.held[organization]+n <= free)
}

func (b *Budget) take(organization string, n int64) {
	b.taken += n
	b.held[organization] += n
}

// give takes n back, and passes it on to those who wait.
func (b *Budget) give(organization string, n int64) {
	b.taken -= n
	if b.held[organization] -= n; b.held[organization] == 0 {
		delete(b.held, organization)
	}
	for {
		next := -1
		for i, w := range b.waiting {
			if b.fits(w.organization, w.n) && (next < 0 || b.held[w.organization] < b.held[b.waiting[next].organization]) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		w := b.waiting[next]
		b.waiting = slices.Delete(b.waiting, next, next+1)
		b.take(w.organization, w.n)
		close(w.ready)
	}
}

// Acquire takes n, and waits until it may. N must not be more than the total.
// Whoever waits while it has some of the same budget may wait for ever.
func (s *Share) Acquire(ctx context.Context, n int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := s.budget
	b.mu.Lock()
	if b.fits(s.organization, n) {
		b.take(s.organization, n)
		b.mu.Unlock()
		return nil
	}
	w := &waiter{s.organization, n, make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, w); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	} else {
		b.give(s.organization, n) // it got it at the same time
	}
	return ctx.Err()
}

// TryAcquire takes n if it may at once, and reports whether it did.
func (s *Share) TryAcquire(n int64) bool {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.fits(s.organization, n) {
		return false
	}
	b.take(s.organization, n)
	return true
}

// Release returns n of what was taken.
func (s *Share) Release(n int64) {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.give(s.organization, n)
}

// Taken returns how much is taken.
func (b *Budget) Taken() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken
}
