package vend

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// remainder is for how long credentials live when tools get them. SDKs renew
// 5 to 15 minutes ahead, and would come again and again for less.
const remainder = 15 * time.Minute

// Provider is a cached source of credentials that can be told to fetch anew;
// *credential.Provider is one.
type Provider interface {
	Retrieve(ctx context.Context) (aws.Credentials, error)
	Invalidate(credentials aws.Credentials)
}

// Source hands out a provider's credentials with enough of their life left.
// It is safe for concurrent use.
type Source struct {
	provider Provider
	now      func() time.Time

	mu    sync.Mutex
	held  aws.Credentials
	since time.Time // that held is known: it was given out first
}

// NewSource makes a source. Now is time.Now where nil.
func NewSource(p Provider, now func() time.Time) *Source {
	if now == nil {
		now = time.Now
	}
	return &Source{provider: p, now: now}
}

// Take gives credentials that live for a quarter of an hour still, or, where
// the provider has only shorter ones, for half of what it gives.
func (s *Source) Take(ctx context.Context) (aws.Credentials, error) {
	got, err := s.provider.Retrieve(ctx)
	if err != nil || !s.old(got) {
		return got, err
	}
	s.provider.Invalidate(got)
	if got, err = s.provider.Retrieve(ctx); err == nil {
		s.old(got) // notes when they came
	}
	return got, err
}

// old tells whether credentials are too near their end to be given out.
func (s *Source) old(c aws.Credentials) bool {
	if !c.CanExpire {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.held.AccessKeyID != c.AccessKeyID || s.held.SessionToken != c.SessionToken {
		s.held, s.since = c, now
	}
	return c.Expires.Sub(now) < min(remainder, c.Expires.Sub(s.since)/2)
}
