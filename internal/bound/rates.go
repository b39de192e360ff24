package bound

import (
	"sync"
	"time"
)

// Rates limit how often each of many does something: a burst at once, and then
// as many a second as come back. NewRates makes it. It may be used by several
// goroutines at once.
type Rates struct {
	burst, perSecond float64
	mu               sync.Mutex
	of               map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// NewRates returns rates of a burst, and of what comes back in a second.
func NewRates(burst, perSecond float64) *Rates {
	return &Rates{burst: burst, perSecond: perSecond, of: map[string]bucket{}}
}

// Set changes the burst and what comes back in a second.
func (r *Rates) Set(burst, perSecond float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.burst, r.perSecond = burst, perSecond
}

// maxRates bounds how many are counted at a time.
const maxRates = 20000

// now returns how much who has left. The lock is held.
func (r *Rates) now(who string) bucket {
	b, known := r.of[who]
	now := time.Now()
	if !known {
		return bucket{r.burst, now}
	}
	return bucket{min(r.burst, b.left+now.Sub(b.at).Seconds()*r.perSecond), now}
}

// Take counts one more, unless it is one too many: then it returns how long to
// wait.
func (r *Rates) Take(who string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.now(who)
	if b.left < 1 {
		return r.until(b)
	}
	b.left--
	if _, known := r.of[who]; !known && len(r.of) >= maxRates {
		r.forget()
	}
	r.of[who] = b
	return 0
}

// Wait returns how long who must wait; zero: not at all.
func (r *Rates) Wait(who string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.now(who); b.left < 1 {
		return r.until(b)
	}
	return 0
}

func (r *Rates) until(b bucket) time.Duration {
	return max(time.Millisecond, time.Duration((1-b.left)/r.perSecond*float64(time.Second)))
}

// forget makes room: those that have all of their burst back go, and a few
// others where these are too few. The lock is held.
func (r *Rates) forget() {
	for who := range r.of {
		if r.now(who).left >= r.burst {
			delete(r.of, who)
		}
	}
	for who := range r.of {
		if len(r.of) < maxRates*9/10 {
			return
		}
		delete(r.of, who)
	}
}
