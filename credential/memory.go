package credential

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Memory returns a new store of verdicts in memory, for tests and for programs
// that may prove every role again when they start. Its claims are known to
// this process only.
func Memory() Verdicts {
	return &memory{claims: map[string]claim{}, pins: map[pinKey]string{}}
}

type memory struct {
	mu     sync.Mutex
	claims map[string]claim // by ClaimKey
	pins   map[pinKey]string
}

type claim struct {
	owner    string // organization
	verdicts map[Subject]Verdict
}

type pinKey struct{ organization, claimKey string }

// claim returns the claim of the subject's organization, the zero one if
// nobody has claimed.
func (m *memory) claim(s Subject) (claim, error) {
	c, ok := m.claims[s.ClaimKey()]
	if ok && c.owner != s.Organization {
		return claim{}, &ClaimedError{Owner: c.owner}
	}
	return c, nil
}

func (m *memory) Get(_ context.Context, s Subject) (Verdict, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.claim(s)
	v := c.verdicts[s]
	v.Probes = slices.Clone(v.Probes)
	return v, err
}

func (m *memory) Put(_ context.Context, s Subject, old, passing Verdict) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.claim(s)
	if err != nil {
		return err
	}
	if !c.verdicts[s].First.Equal(old.First) {
		return ErrStale
	}
	if c.owner == "" {
		c = claim{s.Organization, map[Subject]Verdict{}}
		m.claims[s.ClaimKey()] = c
	}
	passing.Probes = slices.Clone(passing.Probes)
	c.verdicts[s] = passing
	return nil
}

func (m *memory) Remove(_ context.Context, s Subject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, err := m.claim(s); err == nil {
		maps.DeleteFunc(c.verdicts, func(known Subject, _ Verdict) bool { return known.Within(s) })
		if len(c.verdicts) == 0 {
			delete(m.claims, s.ClaimKey())
		}
	}
	return nil
}

func (m *memory) Release(_ context.Context, s Subject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.claim(s); err == nil {
		delete(m.claims, s.ClaimKey())
	}
	delete(m.pins, pinKey{s.Organization, s.ClaimKey()})
	return nil
}

func (m *memory) Pin(_ context.Context, s Subject, id string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.claim(s); err != nil {
		return "", err
	}
	at := pinKey{s.Organization, s.ClaimKey()}
	if m.pins[at] == "" {
		m.pins[at] = id
	}
	return m.pins[at], nil
}
