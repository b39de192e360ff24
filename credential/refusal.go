package credential

import (
	"sync"
	"time"

	"github.com/rolecall/rolecall"
)

// refusalTime is how long a refusal is returned again without a call.
const refusalTime = 10 * time.Second

// refusals remembers for a moment the proofs that failed, so that a role that
// refuses does not use up the calls to STS that the account may make for all.
// The zero value is ready.
type refusals struct {
	mu        sync.Mutex
	bySubject map[string]refusal // by digest
}

type refusal struct {
	of    Subject
	err   error
	until time.Time
}

// note remembers how a proof ended, if it was refused: what is temporary may
// be tried again at once.
func (r *refusals) note(s Subject, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for digest, old := range r.bySubject {
		if !old.isRecent(now) {
			delete(r.bySubject, digest)
		}
	}
	if rolecall.CodeOf(err) != rolecall.Forbidden {
		delete(r.bySubject, s.Digest())
		return
	}
	if r.bySubject == nil {
		r.bySubject = map[string]refusal{}
	}
	r.bySubject[s.Digest()] = refusal{of: s, err: err, until: now.Add(refusalTime)}
}

// remembered returns the recent refusal of a subject, or nil.
func (r *refusals) remembered(s Subject, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last := r.bySubject[s.Digest()]; last.isRecent(now) {
		return last.err
	}
	return nil
}

// forget drops the refusals of subjects on what a claim is on: one that is
// released is no reason any more.
func (r *refusals) forget(claimKey string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for digest, old := range r.bySubject {
		if old.of.ClaimKey() == claimKey {
			delete(r.bySubject, digest)
		}
	}
}

// isRecent allows for clocks that are set back.
func (r refusal) isRecent(now time.Time) bool {
	left := r.until.Sub(now)
	return left > 0 && left <= refusalTime
}
