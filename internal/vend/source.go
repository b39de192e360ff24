package vend

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// minLifetime is for how long credentials are valid when a tool gets them. SDKs
// renew 5 to 15 minutes ahead, and would request shorter ones again and again.
const minLifetime = 15 * time.Minute

// Provider is a cached source of credentials, which Invalidate empties;
// *credential.Provider is one.
type Provider interface {
	Retrieve(ctx context.Context) (aws.Credentials, error)
	Invalidate(credentials aws.Credentials)
}

// Source returns a provider's credentials with enough of their life left. It is
// safe for concurrent use.
type Source struct {
	provider Provider
	now      func() time.Time

	mu        sync.Mutex
	current   aws.Credentials
	firstSeen time.Time // when current was first returned
}

// NewSource returns a source. If now is nil, it is time.Now.
func NewSource(p Provider, now func() time.Time) *Source {
	if now == nil {
		now = time.Now
	}
	return &Source{provider: p, now: now}
}

// Retrieve returns credentials that are valid for another quarter of an hour.
// If the provider issues only shorter ones, they are valid for at least half of
// the time that they had at first.
func (s *Source) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := s.provider.Retrieve(ctx)
	if err != nil || !s.expiring(got) {
		return got, err
	}
	s.provider.Invalidate(got)
	if got, err = s.provider.Retrieve(ctx); err == nil {
		s.expiring(got) // records when they were first returned
	}
	return got, err
}

// expiring reports whether credentials are too near their end to be passed on.
func (s *Source) expiring(c aws.Credentials) bool {
	if !c.CanExpire {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.current.AccessKeyID != c.AccessKeyID || s.current.SessionToken != c.SessionToken {
		s.current, s.firstSeen = c, now
	}
	return c.Expires.Sub(now) < min(minLifetime, c.Expires.Sub(s.firstSeen)/2)
}
