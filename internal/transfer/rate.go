package transfer

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Rates slows down requests to buckets for which S3 refuses too many. All
// clients that share it slow down and recover together; requests to other
// buckets are not affected. NewRates makes it.
//
// A few refusals are normal when S3 is at its limit, and ask only for a retry
// after a pause. When it refuses more than one in eight, requests fall to a
// little below the rate that S3 accepted. From there they rise along a cubic
// curve: quickly back near that rate, slowly around it, and then ever faster,
// to find what S3 accepts now. If fewer requests do not help, the rate rises
// again: such refusals have another cause.
type Rates struct {
	count atomic.Int64 // len(rates), so that without refusals nothing is locked

	mu    sync.Mutex
	rates map[rateKey]*rate // of buckets that refused recently
}

// rateKey identifies what S3 limits.
type rateKey struct{ endpoint, bucket string }

const (
	minWindow      = time.Second     // that is judged
	minAnswers     = 8               // in a window that is judged
	maxWindow      = 5 * time.Second // after which fewer answers are dropped
	toleratedShare = 0.125           // share of refusals
	usualDecay     = 0.95            // of the usual share, from one window to the next
	loweredTo      = 0.9             // of what S3 accepted
	regainTime     = 4 * time.Second // until the limit is what S3 accepted
	forgetAfter    = time.Minute     // after which the limit is forgotten
	minFirstLimit  = 100             // requests per second: the least that a first limit is derived from
	minLimit       = 2               // requests per second
	burst          = 20 * time.Millisecond
)

// outcome is how S3 treated an attempt.
type outcome int

const (
	accepted outcome = iota
	refused          // as one of too many
)

// NewRates returns a Rates that slows down nothing yet.
func NewRates() *Rates { return &Rates{rates: map[rateKey]*rate{}} }

// wait waits until an attempt may be sent, and returns the time to pass to
// record.
func (r *Rates) wait(ctx context.Context, at rateKey) (time.Time, error) {
	if r.count.Load() == 0 {
		return time.Time{}, nil
	}
	r.mu.Lock()
	limited := r.rates[at]
	r.mu.Unlock()
	if limited == nil {
		return time.Time{}, nil
	}
	select {
	case limited.turn <- struct{}{}:
		defer func() { <-limited.turn }()
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	for {
		now := time.Now()
		r.mu.Lock()
		early := limited.take(now)
		r.mu.Unlock()
		if early <= 0 {
			return now, nil
		}
		if err := pause(ctx, early); err != nil {
			return time.Time{}, err
		}
	}
}

// record adds the outcome of an attempt that began at the time that wait
// returned.
func (r *Rates) record(at rateKey, began time.Time, o outcome) {
	if o == accepted && r.count.Load() == 0 {
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	limited := r.rates[at]
	if limited != nil && now.Sub(limited.fellAt) > forgetAfter {
		delete(r.rates, at)
		limited = nil
	}
	if limited == nil && o == refused {
		for other, otherRate := range r.rates {
			if now.Sub(otherRate.fellAt) > forgetAfter {
				delete(r.rates, other)
			}
		}
		limited = &rate{turn: make(chan struct{}, 1), fellAt: now, windowStart: now}
		r.rates[at] = limited
	}
	r.count.Store(int64(len(r.rates)))
	if limited != nil {
		limited.record(now, began, o)
	}
}

// rate is the limit for one bucket.
type rate struct {
	turn chan struct{} // its holder waits for the time, the others wait for it

	// What S3 accepted when it last refused too much, and when that was. Zero
	// and the first refusal: not known yet, and not limited.
	accepted float64
	fellAt   time.Time

	tokens   float64 // requests that may be sent at tokensAt
	tokensAt time.Time

	windowStart      time.Time // of the window that is judged next
	answers, refused int       // of attempts that began in it

	trial    bool    // the limit was just lowered
	previous float64 // limit before that
	expected float64 // share that is refused now, if there were too many requests
	usual    float64 // share that is refused at any rate
}

// limit returns the requests per second that are allowed.
func (r *rate) limit(now time.Time) float64 {
	if r.accepted == 0 {
		return math.Inf(1)
	}
	x := now.Sub(r.fellAt).Seconds()/regainTime.Seconds() - 1
	return r.accepted * (1 + (1-loweredTo)*x*x*x)
}

// take takes a token and returns 0, or returns how long to wait for one.
func (r *rate) take(now time.Time) time.Duration {
	limit := r.limit(now)
	if math.IsInf(limit, 1) {
		return 0
	}
	r.tokens = min(r.tokens+limit*now.Sub(r.tokensAt).Seconds(), max(1, limit*burst.Seconds()))
	r.tokensAt = now
	if r.tokens >= 1 {
		r.tokens--
		return 0
	}
	return time.Duration((1-r.tokens)/limit*float64(time.Second)) + 1 // never 0 because of rounding
}

// record adds an outcome. Attempts that began before the limit changed are
// ignored.
func (r *rate) record(now, began time.Time, o outcome) {
	if began.Before(r.windowStart) {
		return
	}
	r.answers++
	if o == refused {
		r.refused++
	}
	length := now.Sub(r.windowStart)
	switch {
	case length >= minWindow && r.answers >= minAnswers:
		r.judge(now, length.Seconds())
	case length < maxWindow:
		return
	}
	r.windowStart, r.answers, r.refused = now, 0, 0
}

// judge lowers the limit if too many requests were refused, and raises it again
// if that did not help: then the number of requests is not the cause.
func (r *rate) judge(now time.Time, seconds float64) {
	refused := float64(r.refused) / float64(r.answers)
	tried := r.trial
	r.trial = false
	r.usual *= usualDecay
	switch {
	case r.accepted > 0 && r.refused == r.answers: // an outage, whatever the rate
		r.fellAt = now
	case tried && refused > r.expected+toleratedShare:
		r.usual, r.accepted, r.fellAt = refused, r.previous, now
	case refused > r.usual+toleratedShare:
		r.fall(now, float64(r.answers)/seconds, refused)
	}
}

// fall lowers the limit to what S3 accepted, but to half at most: S3 may have
// been asked for no more, or have failed for a moment only.
func (r *rate) fall(now time.Time, asked, refused float64) {
	r.previous = r.limit(now)
	if math.IsInf(r.previous, 1) {
		r.previous = max(asked, minFirstLimit)
	}
	taken := asked * (1 - refused)
	r.accepted, r.fellAt = max(taken, r.previous/2, minLimit), now
	r.trial, r.expected = true, max(0, 1-taken/r.limit(now))
}
