package service

import (
	"fmt"
	"sync"

	"github.com/rolecall/rolecall/internal/bound"
)

// How many refusals of one actor are on record: so many at once, and one more
// every five seconds.
const (
	refusalsAtOnce    = 100
	refusalsPerSecond = 0.2
	maxMissed         = 10_000 // actors
)

// refusals bounds the records of what actors were refused, and counts the rest.
type refusals struct {
	rates *bound.Rates

	mu     sync.Mutex
	missed map[string]int // by actor
}

func newRefusals() *refusals {
	return &refusals{rates: bound.NewRates(refusalsAtOnce, refusalsPerSecond), missed: map[string]int{}}
}

// reason returns the reason of the actor's next record; false if there is to be
// none.
func (r *refusals) reason(actor, reason string) (string, bool) {
	wait := r.rates.Take(actor)
	r.mu.Lock()
	defer r.mu.Unlock()
	if wait > 0 {
		if len(r.missed) < maxMissed || r.missed[actor] > 0 {
			r.missed[actor]++
		}
		return "", false
	}
	if n := r.missed[actor]; n > 0 {
		reason = fmt.Sprintf("%s (and %d refusals before it are not on record)", reason, n)
		delete(r.missed, actor)
	}
	return reason, true
}
