package transfer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// How many parts of one object, and how many objects, move in parallel. Near
// the region a few are as fast as many; far away each of them mostly waits.
const (
	firstParts   = 4
	mostParts    = 32
	firstObjects = 32
	mostObjects  = 256  // see maxOpenObjects
	minSpeedup   = 1.15 // below which a raised limit is lowered again
	restTime     = 10 * time.Second
)

// eachPart calls do for each part, several at a time. It runs more of them
// while that is faster, and fewer when requests have to be retried. The first
// error cancels the others; eachPart returns it after all have ended.
func eachPart(ctx context.Context, spans []span, w *wire, do func(ctx context.Context, i int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	l := newLimiter(firstParts, mostParts, &w.retries)
	defer context.AfterFunc(gctx, l.wake)()
	for i, at := range spans {
		if !l.acquire(gctx, 1) {
			break
		}
		g.Go(func() error {
			err := Safely(func() error { return do(gctx, i) })
			l.release(1, at.n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// limiter limits the parts or objects that move in parallel. Each takes one
// slot or several.
type limiter struct {
	mu          sync.Mutex
	changed     sync.Cond
	taken       int // slots
	pace        pace
	retries     *atomic.Int64
	seenRetries int64 // of trouble
}

// newLimiter returns a limiter that begins with first slots. It lowers the
// limit when retries grow.
func newLimiter(first, most int, retries *atomic.Int64) *limiter {
	l := &limiter{pace: newPace(first, most, time.Now()), retries: retries, seenRetries: retries.Load()}
	l.changed.L = &l.mu
	return l
}

// acquire waits for free slots, and reports whether the context is still valid.
// What needs more slots than there are runs alone.
func (l *limiter) acquire(ctx context.Context, slots int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.taken > 0 && l.taken+slots > l.pace.limit && ctx.Err() == nil {
		l.changed.Wait()
	}
	l.taken += slots
	return ctx.Err() == nil
}

// release frees the slots of what has moved n bytes.
func (l *limiter) release(slots int, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken -= slots
	if retries := l.retries.Load(); retries != l.seenRetries {
		l.seenRetries = retries
		l.pace.slower(time.Now())
	} else {
		l.pace.moved(slots, n, time.Now())
	}
	l.changed.Broadcast()
}

func (l *limiter) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed.Broadcast()
}

// pace finds the number of slots that is worth it. It doubles them, and if that
// brings too little, halves them again and rests.
type pace struct {
	limit, most  int
	best         float64   // bytes per second before the limit was raised
	restingSince time.Time // zero: not resting

	since time.Time // start of the window that is measured
	bytes int64
	slots int
}

func newPace(first, most int, now time.Time) pace { return pace{limit: first, most: most, since: now} }

// moved adds n bytes that used the slots. A window ends when every slot was
// used twice.
func (p *pace) moved(slots int, n int64, now time.Time) {
	p.bytes += n
	if p.slots += slots; p.slots < 2*p.limit {
		return
	}
	rate := float64(p.bytes) / max(now.Sub(p.since), time.Microsecond).Seconds()
	switch {
	case !p.restingSince.IsZero():
		if now.Sub(p.restingSince) > restTime { // try again: it may be faster now
			p.best, p.restingSince = 0, time.Time{}
		}
	case rate <= minSpeedup*p.best:
		p.limit, p.restingSince = max(p.limit/2, 1), now
	case p.limit < p.most:
		p.best, p.limit = rate, min(2*p.limit, p.most)
	default:
		p.restingSince = now
	}
	p.startWindow(now)
}

// slower halves the slots. They can grow again from there.
func (p *pace) slower(now time.Time) {
	p.limit, p.best, p.restingSince = max(p.limit/2, 1), 0, time.Time{}
	p.startWindow(now)
}

func (p *pace) startWindow(now time.Time) { p.since, p.bytes, p.slots = now, 0, 0 }
