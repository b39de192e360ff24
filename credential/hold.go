package credential

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
)

// Hold gives a context for work with credentials that the provider has given:
// it ends, with a cause that wraps ErrClaimEnded and says who must act, when
// the claim that they rest on does. An end that comes about in this vault
// counts at once. One in another process counts when the store, looked at
// every Options.WatchEvery, has no such verdict any more, one that was put anew
// since, one on another role of the name, or another organization's claim.
//
// What is held is also proved again when that is due, though nobody takes the
// credentials meanwhile.
//
// A store that cannot be read does not end the work, for a while: the work may
// long be beyond what could be taken back. After fifteen minutes, in which
// nobody could have stopped it, the work ends, with a cause of code
// Unavailable: that is none of the claim's ends and may be tried again.
//
// Keys of a secret rest on no claim, and are held until ctx ends. The cancel
// function must be called when the work is done.
func (v *Vault) Hold(ctx context.Context, p *Provider) (context.Context, context.CancelFunc) {
	held, end := context.WithCancelCause(ctx)
	if p.key.RoleARN == "" {
		return held, func() { end(nil) }
	}
	h := &hold{provider: p, end: end}
	v.holds.add(h, v.watch) // before the look, so that no end falls between
	v.look(held, []*hold{h})
	return held, func() {
		v.holds.remove(h)
		end(nil)
	}
}

// hold is work under way.
type hold struct {
	provider *Provider
	end      context.CancelCauseFunc

	mu      sync.Mutex
	tenure  tenure    // of the verdict that the credentials rest on; zero until it was seen
	failing time.Time // since when the store says nothing; zero: it does
}

// holds is the work under way in a vault. The zero value is ready.
type holds struct {
	mu       sync.Mutex
	held     map[*hold]struct{}
	closed   bool
	stop     context.CancelFunc // of the watch; nil: none
	watching sync.WaitGroup
}

// add takes in a hold, and begins the watch with the first one.
func (s *holds) add(h *hold, watch func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		h.end(errClosed)
		return
	}
	if s.held == nil {
		s.held = map[*hold]struct{}{}
	}
	s.held[h] = struct{}{}
	if s.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		s.stop = stop
		s.watching.Go(func() { watch(ctx) })
	}
}

// remove forgets a hold, and ends the watch with the last one.
func (s *holds) remove(h *hold) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, h)
	if len(s.held) == 0 && s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// end ends the work that matches.
func (s *holds) end(match func(Subject) bool, cause error) {
	for _, h := range s.all() {
		if match(h.provider.key.Subject) {
			h.end(cause)
		}
	}
}

func (s *holds) all() []*hold {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*hold, 0, len(s.held))
	for h := range s.held {
		out = append(out, h)
	}
	return out
}

// close ends all work and the watch, and waits for the watch.
func (s *holds) close() {
	s.mu.Lock()
	s.closed = true
	if s.stop != nil {
		s.stop()
	}
	s.mu.Unlock()
	s.end(func(Subject) bool { return true }, errClosed)
	s.watching.Wait()
}

const lookTimeout = 10 * time.Second

// watch looks after what is held until ctx ends.
func (v *Vault) watch(ctx context.Context) {
	ticker := time.NewTicker(v.options.WatchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		bySubject := map[Subject][]*hold{}
		for _, h := range v.holds.all() {
			bySubject[h.provider.key.Subject] = append(bySubject[h.provider.key.Subject], h)
		}
		round, cancel := context.WithTimeout(ctx, lookTimeout)
		for _, same := range bySubject {
			v.look(round, same)
			for _, h := range same {
				v.cache.review(ctx, h.provider.key, h.provider.fetch) // what has ended is not held any more
			}
		}
		cancel()
	}
}

// look asks the store for the verdict that all of these rest on.
func (v *Vault) look(ctx context.Context, same []*hold) {
	subject := same[0].provider.key.Subject
	verdict, err := v.options.Verdicts.Get(ctx, subject)
	var claimed *ClaimedError
	if err != nil && !errors.As(err, &claimed) && !errors.Is(err, context.Canceled) {
		v.options.Log.WarnContext(ctx, "claim of running work not looked up", "org", subject.Organization, "role", subject.RoleARN, "error", err)
	}
	for _, h := range same {
		cause := h.judge(verdict, err, v.options.Now())
		if cause == nil {
			continue
		}
		if errors.Is(cause, ErrClaimEnded) {
			v.cache.purge(func(s Subject) bool { return s == subject })
		}
		h.end(cause)
	}
}

// judge gives the reason for which the work must end, or nil.
func (h *hold) judge(verdict Verdict, err error, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	subject := h.provider.key.Subject
	var claimed *ClaimedError
	switch {
	case errors.As(err, &claimed):
		return claimEnded(subject, "it is another organization's", "ask the operator", err)
	case err != nil:
		if h.failing.IsZero() || h.failing.After(now) {
			h.failing = now
		}
		if now.Sub(h.failing) < grace {
			return nil
		}
		return &rolecall.Error{
			Code: rolecall.Unavailable, Message: fmt.Sprintf("whether the claim on %s still stands could not be looked up for %v", subject, grace),
			Hint: "the operator looks at the store of the verdicts; then the job can be run again", Err: err,
		}
	}
	if cause := h.tenure.ended(subject, verdict); cause != nil {
		return cause
	}
	h.tenure, h.failing = tenureOf(verdict), time.Time{}
	return nil
}
