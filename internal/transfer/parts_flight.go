package transfer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// How many parts of one object, and how many objects, move side by side. Near
// by, few are as fast as many; from far away each only waits most of its time.
const (
	partsAtFirst   = 4
	partsAtMost    = 32
	objectsAtFirst = 32
	objectsAtMost  = 256  // where as many files may be open; see objectsOpen
	worthMore      = 1.15 // by what more of them must be faster to stay
	restsFor       = 10 * time.Second
)

// sideBySide does something for each part, several at a time: more while that
// is faster, fewer when S3 fails requests or asks to slow down. The first error
// cancels the others and is what it gives after all have ended.
func sideBySide(ctx context.Context, spans []span, w *wire, do func(ctx context.Context, i int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	f := newFlight(partsAtFirst, partsAtMost, &w.trouble)
	defer context.AfterFunc(gctx, f.wake)()
	for i, at := range spans {
		if !f.enter(gctx, 1) {
			break
		}
		g.Go(func() error {
			err := Safely(func() error { return do(gctx, i) })
			f.leave(1, at.n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// flight is the parts or objects that are on their way, each in one place or
// several.
type flight struct {
	mu      sync.Mutex
	free    sync.Cond
	now     int // places taken
	pace    pace
	trouble *atomic.Int64
	seen    int64 // of trouble
}

// newFlight makes one with as many places. Where trouble grows, there are fewer.
func newFlight(first, most int, trouble *atomic.Int64) *flight {
	f := &flight{pace: newPace(first, most, time.Now()), trouble: trouble, seen: trouble.Load()}
	f.free.L = &f.mu
	return f
}

// enter waits for room, and tells whether there is still use in going on. What
// takes more places than there are goes alone.
func (f *flight) enter(ctx context.Context, places int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.now > 0 && f.now+places > f.pace.limit && ctx.Err() == nil {
		f.free.Wait()
	}
	f.now += places
	return ctx.Err() == nil
}

// leave gives the places back of what has moved n bytes.
func (f *flight) leave(places int, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now -= places
	if trouble := f.trouble.Load(); trouble != f.seen {
		f.seen = trouble
		f.pace.slower(time.Now())
	} else {
		f.pace.moved(places, n, time.Now())
	}
	f.free.Broadcast()
}

func (f *flight) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free.Broadcast()
}

// pace finds out how many places are worth it: it doubles them, and takes that
// back, and rests, when it brought too little.
type pace struct {
	limit, most int
	best        float64   // bytes a second, before the limit was raised
	rests       time.Time // since when; zero: it does not

	since  time.Time // the window that is measured
	bytes  int64
	places int
}

func newPace(first, most int, now time.Time) pace { return pace{limit: first, most: most, since: now} }

// moved notes what was in some places. A window has every place filled twice.
func (p *pace) moved(places int, n int64, now time.Time) {
	p.bytes += n
	if p.places += places; p.places < 2*p.limit {
		return
	}
	rate := float64(p.bytes) / max(now.Sub(p.since), time.Microsecond).Seconds()
	switch {
	case !p.rests.IsZero():
		if now.Sub(p.rests) > restsFor { // what was too little then may be worth it now
			p.best, p.rests = 0, time.Time{}
		}
	case rate <= worthMore*p.best:
		p.limit, p.rests = max(p.limit/2, 1), now
	case p.limit < p.most:
		p.best, p.limit = rate, min(2*p.limit, p.most)
	default:
		p.rests = now
	}
	p.window(now)
}

// slower halves the places, from which they may grow again.
func (p *pace) slower(now time.Time) {
	p.limit, p.best, p.rests = max(p.limit/2, 1), 0, time.Time{}
	p.window(now)
}

func (p *pace) window(now time.Time) { p.since, p.bytes, p.places = now, 0, 0 }
