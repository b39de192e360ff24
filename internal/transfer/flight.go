package transfer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// How many parts of one object move side by side.
const (
	partsAtFirst = 4
	partsAtMost  = 16
	worthMore    = 1.15 // by what more of them must be faster to stay
)

// sideBySide does something for each part, several at a time: more while that
// is faster, fewer when S3 fails requests or asks to slow down. The first error
// cancels the others and is what it gives after all have ended.
func sideBySide(ctx context.Context, spans []span, w *wire, do func(ctx context.Context, i int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	f := flight{pace: newPace(time.Now()), trouble: &w.trouble, seen: w.trouble.Load()}
	f.free.L = &f.mu
	defer context.AfterFunc(gctx, f.wake)()
	for i, at := range spans {
		if !f.enter(gctx) {
			break
		}
		g.Go(func() error {
			err := do(gctx, i)
			f.leave(at.n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// flight is the parts that are on their way.
type flight struct {
	mu      sync.Mutex
	free    sync.Cond
	now     int // parts
	pace    pace
	trouble *atomic.Int64
	seen    int64 // of trouble
}

// enter waits for room, and tells whether there is still use in going on.
func (f *flight) enter(ctx context.Context) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.now >= f.pace.limit && ctx.Err() == nil {
		f.free.Wait()
	}
	f.now++
	return ctx.Err() == nil
}

func (f *flight) leave(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now--
	if trouble := f.trouble.Load(); trouble != f.seen {
		f.seen = trouble
		f.pace.slower(time.Now())
	} else {
		f.pace.moved(n, time.Now())
	}
	f.free.Broadcast()
}

func (f *flight) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free.Broadcast()
}

// pace finds out how many parts side by side are worth it: it doubles them,
// and takes that back, and rests, when it brought too little.
type pace struct {
	limit int
	best  float64 // bytes a second, before the limit was raised
	rests bool

	since time.Time // the window that is measured
	bytes int64
	parts int
}

func newPace(now time.Time) pace { return pace{limit: partsAtFirst, since: now} }

// moved notes a part. A window has every place filled twice.
func (p *pace) moved(n int64, now time.Time) {
	p.bytes += n
	if p.parts++; p.parts < 2*p.limit {
		return
	}
	rate := float64(p.bytes) / max(now.Sub(p.since), time.Microsecond).Seconds()
	switch {
	case p.rests:
	case rate > worthMore*p.best && p.limit < partsAtMost:
		p.best, p.limit = rate, min(2*p.limit, partsAtMost)
	case rate <= worthMore*p.best:
		p.limit, p.rests = max(p.limit/2, 1), true
	default:
		p.rests = true
	}
	p.window(now)
}

// slower halves the parts, from which they may grow again.
func (p *pace) slower(now time.Time) {
	p.limit, p.best, p.rests = max(p.limit/2, 1), 0, false
	p.window(now)
}

func (p *pace) window(now time.Time) { p.since, p.bytes, p.parts = now, 0, 0 }
