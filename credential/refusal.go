package credential

import (
	"sync"
	"time"

	"github.com/rolecall/rolecall"
)

// refusalHolds is for how long a refusal is given again without asking.
const refusalHolds = 10 * time.Second

// refusals remembers for a moment the proofs that failed, so that a role that
// refuses does not use up the calls to STS that the account may make for all.
// The zero value is ready.
type refusals struct {
	mu   sync.Mutex
	held map[string]refusal // by digest of the subject
}

type refusal struct {
	err   error
	until time.Time
}

// note remembers how a proof ended, if it was refused: what is temporary may
// be tried again at once.
func (r *refusals) note(s Subject, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for digest, held := range r.held {
		if !held.holds(now) {
			delete(r.held, digest)
		}
	}
	if rolecall.CodeOf(err) != rolecall.Forbidden {
		delete(r.held, s.Digest())
		return
	}
	if r.held == nil {
		r.held = map[string]refusal{}
	}
	r.held[s.Digest()] = refusal{err: err, until: now.Add(refusalHolds)}
}

// of gives the refusal that is remembered of a subject, or nil.
func (r *refusals) of(s Subject, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if held := r.held[s.Digest()]; held.holds(now) {
		return held.err
	}
	return nil
}

// holds heeds clocks that are set back.
func (r refusal) holds(now time.Time) bool {
	left := r.until.Sub(now)
	return left > 0 && left <= refusalHolds
}
