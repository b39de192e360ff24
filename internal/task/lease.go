package task

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall/credential"
)

// lease provides the credentials of one end of a step for as long as the claim
// stands that they rest on. When it ends, so does the step's work, and all
// that is still sent aborts what was begun: unfinished uploads. For that
// the vault returns nothing any more, so it is done with what it returned last: a
// session that AWS still takes, and that can reach this step's place only.
type lease struct {
	*credential.Provider
	cause func() error // why the claim ended, or nil
	free  func()

	mu   sync.Mutex
	last aws.Credentials
}

// lease holds the claim of a provider that has just returned its first credential, and
// ends the step's work when its claim ends.
func (s *work) lease(ctx context.Context, p *credential.Provider, first aws.Credentials, pointer string) *lease {
	held, release := s.tools.access.Vault.Hold(ctx, p)
	cause := func() error {
		if held.Err() == nil {
			return nil
		}
		return s.located(context.Cause(held), pointer) // stays at the other end, if that ended first
	}
	detach := context.AfterFunc(held, func() { s.stop(cause()) })
	l := &lease{
		Provider: p, last: first, cause: cause,
		free: func() {
			detach()
			release()
		},
	}
	s.leases = append(s.leases, l)
	return l
}

// Retrieve implements aws.CredentialsProvider.
func (l *lease) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if errors.Is(l.cause(), credential.ErrClaimEnded) {
		return l.latest(), nil
	}
	got, err := l.Provider.Retrieve(ctx)
	switch {
	case err == nil:
		l.keep(got)
		return got, nil
	case l.cause() != nil:
		return l.latest(), nil
	default:
		return aws.Credentials{}, err
	}
}

func (l *lease) keep(got aws.Credentials) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = got
}

func (l *lease) latest() aws.Credentials {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// ended returns why the step's work was ended from within, or nil.
func (s *work) ended() error {
	for _, l := range s.leases {
		if cause := l.cause(); cause != nil {
			return cause
		}
	}
	return nil
}

func (s *work) close() {
	for _, l := range s.leases {
		if errors.Is(l.cause(), credential.ErrClaimEnded) {
			s.tools.claimEnded.Store(true)
		}
		l.free()
	}
	s.wait.stop()
	s.drop(s.held.Load())
	s.stop(nil)
}
