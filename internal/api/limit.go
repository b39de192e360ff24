package api

import (
	"cmp"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/bound"
	"github.com/rolecall/rolecall/internal/service"
)

// Limits keep the service there for everybody. Zero is a default each.
type Limits struct {
	// RequestsPerSecond is how many requests an organization may make, and an
	// operator about an organization; twice as many at once. 50 by default.
	RequestsPerSecond int
	// Failures is how many tokens that are not valid an address may present at
	// once; one more every six seconds. 120 by default.
	Failures int
}

const (
	defaultRequests = 50
	defaultFailures = 120
	// boundPart of an organization's rate has each token that is bound to one
	// connection.
	boundPart = 5
	// failuresPerSecond is how fast an address may try again: ten a minute.
	failuresPerSecond = 10.0 / 60
)

// limits count requests and failures.
type limits struct {
	requests, failures *bound.Rates
	bound              *bound.Rates // of who is bound to one connection, for each apart
	streams            streams
	valid              *recent // digests of tokens that were valid a short time ago
}

func newLimits(l Limits) *limits {
	if l.Failures == 0 {
		l.Failures = defaultFailures
	}
	out := &limits{
		requests: bound.NewRates(0, 0), bound: bound.NewRates(0, 0), failures: bound.NewRates(float64(l.Failures), failuresPerSecond), valid: &recent{},
	}
	out.setRequests(l.RequestsPerSecond)
	return out
}

// setRequests changes how many requests an organization may make.
func (l *limits) setRequests(perSecond int) {
	rate := float64(cmp.Or(perSecond, defaultRequests))
	l.requests.Set(2*rate, rate)
	l.bound.Set(max(1, 2*rate/boundPart), max(1, rate/boundPart))
}

// tooMany is the answer to who does something too often.
func tooMany(what string, wait time.Duration) error {
	return &service.TooManyError{After: wait, Err: &rolecall.Error{Code: rolecall.Unavailable, Message: what, Hint: "You: try again after the seconds that Retry-After gives"}}
}

// mayTry returns an error if the address has presented too many tokens that
// were not valid, and does not present one now that was: whoever shares an
// address with somebody who guesses goes on.
func (l *limits) mayTry(from netip.Addr, token string) error {
	if wait := l.failures.Wait(network(from)); wait > 0 && !l.valid.has(account.Hash(token)) {
		return tooMany("too many tokens that are not valid came from your address", wait)
	}
	return nil
}

// tried notes what became of a token.
func (l *limits) tried(from netip.Addr, token string, valid bool) {
	if valid {
		l.valid.add(account.Hash(token))
		return
	}
	l.valid.remove(account.Hash(token))
	l.failures.Take(network(from))
}

// network is whom an address stands for: one customer has all addresses of an
// IPv6 network.
func network(from netip.Addr) string {
	if from.Is6() && !from.Is4In6() {
		if prefix, err := from.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return from.String()
}

// mayAsk returns an error if the organization asks too often. Whose requests
// they are counts, so that nobody uses up what is another's; an operator's count
// for each organization apart, and those about none not at all. Who is bound to
// one connection, as an outsider with a setup link is, has a part alone: the
// organization's own people go on.
func (l *limits) mayAsk(a account.Actor, path string) error {
	who := a.Organization
	switch {
	case a.Connection != "":
		who = "bound " + a.Organization // no api_name has a space
		if wait := l.bound.Take(a.ID); wait > 0 {
			return tooMany("too many requests with this token", wait)
		}
	case who == "":
		rest, below := strings.CutPrefix(path, "/api/o/")
		if !below {
			return nil
		}
		name, _, _ := strings.Cut(rest, "/")
		who = "operator " + name
	}
	if wait := l.requests.Take(who); wait > 0 {
		return tooMany("too many requests of the organization", wait)
	}
	return nil
}

// The most streams of events that are open at a time.
const (
	actorStreams        = 20
	organizationStreams = 200
)

// streams counts those that are open.
type streams struct {
	mu sync.Mutex
	of map[string]int
}

// open counts a stream, unless it is one too many. Closed is called at its end.
func (s *streams) open(a account.Actor) (closed func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]int{}
	}
	whose := map[string]int{"actor " + a.ID: actorStreams}
	if a.Organization != "" {
		whose["organization "+a.Organization] = organizationStreams
	}
	for who, most := range whose {
		if s.of[who] >= most {
			return nil, tooMany("too many streams of events are open", streamPulse)
		}
	}
	for who := range whose {
		s.of[who]++
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for who := range whose {
			if s.of[who]--; s.of[who] == 0 {
				delete(s.of, who)
			}
		}
	}, nil
}

// recent is a set that forgets: what was added last is in it, and no more than
// twice maxRecent.
type recent struct {
	mu       sync.Mutex
	new, old map[string]bool
}

const maxRecent = 10000

func (r *recent) has(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.new[text] || r.old[text]
}

func (r *recent) add(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.new == nil || len(r.new) >= maxRecent {
		r.new, r.old = map[string]bool{}, r.new
	}
	r.new[text] = true
}

func (r *recent) remove(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.new, text)
	delete(r.old, text)
}
