package verdicttest_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/credential/verdicttest"
)

// memory is the smallest store that does what it must.
type memory struct {
	mu     sync.Mutex
	claims map[string]claim
	pins   map[pin]string
}

type pin struct{ organization, claimKey string }

type claim struct {
	owner    string
	verdicts map[credential.Subject]credential.Verdict
}

// of gives the claim on the subject's role, the zero one if there is none.
func (m *memory) of(s credential.Subject) (claim, error) {
	c, ok := m.claims[s.ClaimKey()]
	if ok && c.owner != s.Organization {
		return claim{}, &credential.ClaimedError{Owner: c.owner}
	}
	return c, nil
}

func (m *memory) Get(_ context.Context, s credential.Subject) (credential.Verdict, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.of(s)
	v := c.verdicts[s]
	v.Probes = slices.Clone(v.Probes)
	return v, err
}

func (m *memory) Put(_ context.Context, s credential.Subject, old, passing credential.Verdict) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.of(s)
	if err != nil {
		return err
	}
	if !c.verdicts[s].First.Equal(old.First) {
		return credential.ErrStale
	}
	if c.owner == "" {
		c = claim{s.Organization, map[credential.Subject]credential.Verdict{}}
		m.claims[s.ClaimKey()] = c
	}
	c.verdicts[s] = passing
	return nil
}

func (m *memory) Remove(_ context.Context, s credential.Subject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, err := m.of(s); err == nil {
		delete(c.verdicts, s)
		if len(c.verdicts) == 0 {
			delete(m.claims, s.ClaimKey())
		}
	}
	return nil
}

func (m *memory) Release(_ context.Context, s credential.Subject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.of(s); err == nil {
		delete(m.claims, s.ClaimKey())
	}
	delete(m.pins, pin{s.Organization, s.ClaimKey()})
	return nil
}

func (m *memory) Pin(_ context.Context, s credential.Subject, id string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.of(s); err != nil {
		return "", err
	}
	at := pin{s.Organization, s.ClaimKey()}
	if m.pins[at] == "" {
		m.pins[at] = id
	}
	return m.pins[at], nil
}

func TestMemory(t *testing.T) {
	t.Parallel()
	verdicttest.Run(t, func(*testing.T) credential.Verdicts {
		return &memory{claims: map[string]claim{}, pins: map[pin]string{}}
	})
}
