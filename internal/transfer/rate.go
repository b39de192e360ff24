package transfer

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Rates slows down requests to buckets at which S3 refuses them as too many.
// All clients that share it slow down and recover together, and requests to
// other buckets are not touched. Make it by NewRates.
//
// Some refusals are S3's way to say that it is at its limit, and another try
// after a pause is all that they ask for. When it refuses more than one in
// eight, requests fall to a little below the rate that it took. From there they
// rise along a cubic curve: soon back near that rate, long about there, and
// then ever faster, to find what S3 takes by now. Where falling does not help,
// they rise again: such refusals have another cause.
type Rates struct {
	troubled atomic.Int64 // len(of), so that without trouble nothing is locked

	mu sync.Mutex
	of map[limited]*rate // what refused of late
}

// limited is what S3 limits.
type limited struct{ endpoint, bucket string }

const (
	judgedAfter = time.Second     // at least, what was answered in it
	judgedBy    = 8               // answers at least
	judgedUntil = 5 * time.Second // when there were fewer
	tolerated   = 0.125           // share of refusals
	usualStays  = 0.95            // of what is usual, from one judgement to the next
	lowered     = 0.9             // of what S3 took
	regained    = 4 * time.Second // until it is that again
	recovered   = time.Minute     // after which the limit is forgotten
	fastStart   = 100             // requests a second: the least that a first limit is set out from
	slowest     = 2               // requests a second
	burst       = 20 * time.Millisecond
)

// NewRates makes one in which nothing is slowed down.
func NewRates() *Rates { return &Rates{of: map[limited]*rate{}} }

// wait waits until an attempt may go out, and gives the time for note.
func (r *Rates) wait(ctx context.Context, at limited) (time.Time, error) {
	if r.troubled.Load() == 0 {
		return time.Time{}, nil
	}
	r.mu.Lock()
	one := r.of[at]
	r.mu.Unlock()
	if one == nil {
		return time.Time{}, nil
	}
	select {
	case one.turn <- struct{}{}:
		defer func() { <-one.turn }()
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	for {
		now := time.Now()
		r.mu.Lock()
		early := one.take(now)
		r.mu.Unlock()
		if early <= 0 {
			return now, nil
		}
		if err := pause(ctx, early); err != nil {
			return time.Time{}, err
		}
	}
}

// note takes down the answer to an attempt that began at the time of wait.
func (r *Rates) note(at limited, began time.Time, refused bool) {
	if !refused && r.troubled.Load() == 0 {
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.of[at]
	if one != nil && now.Sub(one.fell) > recovered {
		delete(r.of, at)
		one = nil
	}
	if one == nil && refused {
		for other, rate := range r.of {
			if now.Sub(rate.fell) > recovered {
				delete(r.of, other)
			}
		}
		one = &rate{turn: make(chan struct{}, 1), fell: now, since: now}
		r.of[at] = one
	}
	r.troubled.Store(int64(len(r.of)))
	if one != nil {
		one.note(now, began, refused)
	}
}

// rate is at what rate one bucket may be asked.
type rate struct {
	turn chan struct{} // whose it is waits for the time to come, the others for it

	// What S3 took when it was last asked too often, and when that was; zero
	// and the first refusal: it is not known yet, and not limited.
	took float64
	fell time.Time

	allowed float64 // requests, at the time
	at      time.Time

	since            time.Time // the window that is to be judged
	answers, refused int       // to what began in it

	trial    bool    // the rate has just fallen
	before   float64 // from what
	expected float64 // what share will be refused now, if there were too many requests
	usual    float64 // share that was refused at whatever rate
}

// limit is how many requests a second there may be.
func (r *rate) limit(now time.Time) float64 {
	if r.took == 0 {
		return math.Inf(1)
	}
	x := now.Sub(r.fell).Seconds()/regained.Seconds() - 1
	return r.took * (1 + (1-lowered)*x*x*x)
}

// take takes a request's place, or tells how long it is too early.
func (r *rate) take(now time.Time) time.Duration {
	limit := r.limit(now)
	if math.IsInf(limit, 1) {
		return 0
	}
	r.allowed = min(r.allowed+limit*now.Sub(r.at).Seconds(), max(1, limit*burst.Seconds()))
	r.at = now
	if r.allowed >= 1 {
		r.allowed--
		return 0
	}
	return time.Duration((1-r.allowed)/limit*float64(time.Second)) + 1 // never none, for what rounding leaves
}

// note takes down an answer. What was on its way when the rate fell says
// nothing of the new one.
func (r *rate) note(now, began time.Time, refused bool) {
	if began.Before(r.since) {
		return
	}
	r.answers++
	if refused {
		r.refused++
	}
	length := now.Sub(r.since)
	switch {
	case length >= judgedAfter && r.answers >= judgedBy:
		r.judge(now, length.Seconds())
	case length < judgedUntil:
		return
	}
	r.since, r.answers, r.refused = now, 0, 0
}

// judge lowers the rate if too many were refused, and takes that back if it
// did not help: then the requests are not what there is too much of.
func (r *rate) judge(now time.Time, seconds float64) {
	refused := float64(r.refused) / float64(r.answers)
	tried := r.trial
	r.trial = false
	r.usual *= usualStays
	switch {
	case r.took > 0 && r.refused == r.answers: // an outage, whatever the rate
		r.fell = now
	case tried && refused > r.expected+tolerated:
		r.usual, r.took, r.fell = refused, r.before, now
	case refused > r.usual+tolerated:
		r.fall(now, float64(r.answers)/seconds, refused)
	}
}

// fall lowers the rate to what S3 took, but to half at most: it may not have
// been asked for more, or have failed for a moment only.
func (r *rate) fall(now time.Time, asked, refused float64) {
	r.before = r.limit(now)
	if math.IsInf(r.before, 1) {
		r.before = max(asked, fastStart)
	}
	taken := asked * (1 - refused)
	r.took, r.fell = max(taken, r.before/2, slowest), now
	r.trial, r.expected = true, max(0, 1-taken/r.limit(now))
}
