package credential

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
)

// Hold returns a context for work with the provider's credentials. When the
// claim that they rest on ends, the context ends too, with a cause that wraps
// ErrClaimEnded and says who must act. If the claim ends in this vault, that is
// at once. If it ends in another process, it is when the store, which is read
// every Options.WatchEvery, has no such verdict any more, a later one, one on
// another role of the name, or another organization's claim.
//
// The target of held work is also proved again when that is due, even if nobody
// retrieves its credentials meanwhile.
//
// A store that cannot be read does not end the work at once: the work may long
// be beyond what could be taken back. After fifteen minutes, in which nobody
// could have stopped it, the work ends with a cause of code Unavailable: that
// says nothing about the claim, and the work may be tried again.
//
// Keys of a secret rest on no claim, and are held until ctx ends. The cancel
// function must be called when the work is done.
func (v *Vault) Hold(ctx context.Context, p *Provider) (context.Context, context.CancelFunc) {
	held, end := context.WithCancelCause(ctx)
	if p.key.RoleARN == "" {
		return held, func() { end(nil) }
	}
	h := &hold{provider: p, end: end}
	v.holds.add(h, v.watch) // before the check, so that no end falls between
	v.checkClaim(held, []*hold{h})
	return held, func() {
		v.holds.remove(h)
		end(nil)
	}
}

// hold is work under way.
type hold struct {
	provider *Provider
	end      context.CancelCauseFunc

	mu           sync.Mutex
	verdict      verdictID // that the credentials rest on; zero until one was read
	failingSince time.Time // when the store could first not be read; zero: it can
}

// holds is the work under way in a vault. The zero value is ready.
type holds struct {
	mu       sync.Mutex
	held     map[*hold]struct{}
	closed   bool
	stop     context.CancelFunc // of the watch; nil: none
	watching sync.WaitGroup
}

// add adds a hold, and begins the watch with the first one.
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

// remove removes a hold, and ends the watch with the last one.
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

const watchTimeout = 10 * time.Second

// watch checks the claims of all holds from time to time until ctx ends.
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
		round, cancel := context.WithTimeout(ctx, watchTimeout)
		for _, same := range bySubject {
			v.checkClaim(round, same)
			for _, h := range same {
				v.cache.renewIfDue(ctx, h.provider.key, h.provider.fetch) // nothing is cached of what has ended
			}
		}
		cancel()
	}
}

// checkClaim reads the verdict that all of these rest on, and ends them if they
// must.
func (v *Vault) checkClaim(ctx context.Context, same []*hold) {
	subject := same[0].provider.key.Subject
	stored, err := v.options.Verdicts.Get(ctx, subject)
	var claimed *ClaimedError
	if err != nil && !errors.As(err, &claimed) && !errors.Is(err, context.Canceled) {
		v.options.Log.WarnContext(ctx, "claim of running work not looked up", "org", subject.Organization, "role", subject.RoleARN, "error", err)
	}
	for _, h := range same {
		cause := h.whyEnded(stored, err, v.options.Now())
		if cause == nil {
			continue
		}
		if errors.Is(cause, ErrClaimEnded) {
			v.cache.purge(func(s Subject) bool { return s == subject })
		}
		h.end(cause)
	}
}

// whyEnded returns why the work must end, or nil.
func (h *hold) whyEnded(stored Verdict, err error, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	subject := h.provider.key.Subject
	var claimed *ClaimedError
	switch {
	case errors.As(err, &claimed):
		return claimEnded(subject, "it is another organization's", "You: ask the operator", anothers(claimed))
	case err != nil:
		if h.failingSince.IsZero() || h.failingSince.After(now) {
			h.failingSince = now
		}
		if now.Sub(h.failingSince) < grace {
			return nil
		}
		return &rolecall.Error{
			Code: rolecall.Unavailable, Message: fmt.Sprintf("whether the claim on %s still stands could not be looked up for %v", subject, grace),
			Hint: "Operator: look at the store of the verdicts. You: run the job again then", Err: err,
		}
	}
	if cause := h.verdict.whyEnded(subject, stored); cause != nil {
		return cause
	}
	h.verdict, h.failingSince = stored.id(), time.Time{}
	return nil
}
