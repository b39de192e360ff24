package api

import (
	"cmp"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
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
	// failuresPerSecond is how fast an address may try again: ten a minute.
	failuresPerSecond = 10.0 / 60
)

// limits count requests and failures.
type limits struct {
	requests, failures *rates
	valid              *recent // digests of tokens that were valid a short time ago
}

func newLimits(l Limits) *limits {
	if l.Failures == 0 {
		l.Failures = defaultFailures
	}
	out := &limits{requests: newRates(0, 0), failures: newRates(float64(l.Failures), failuresPerSecond), valid: &recent{}}
	out.setRequests(l.RequestsPerSecond)
	return out
}

// setRequests changes how many requests an organization may make.
func (l *limits) setRequests(perSecond int) {
	perSecond = cmp.Or(perSecond, defaultRequests)
	l.requests.mu.Lock()
	defer l.requests.mu.Unlock()
	l.requests.burst, l.requests.perSecond = float64(2*perSecond), float64(perSecond)
}

// tooMany is the answer to who does something too often.
func tooMany(what string, wait time.Duration) error {
	return &service.TooManyError{After: wait, Err: &rolecall.Error{Code: rolecall.Unavailable, Message: what, Hint: "You: try again after the seconds that Retry-After gives"}}
}

// mayTry returns an error if the address has presented too many tokens that
// were not valid, and does not present one now that was: whoever shares an
// address with somebody who guesses goes on.
func (l *limits) mayTry(from netip.Addr, token string) error {
	if wait := l.failures.wait(network(from)); wait > 0 && !l.valid.has(account.Hash(token)) {
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
	l.failures.take(network(from))
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
// for each organization apart, and those about none not at all.
func (l *limits) mayAsk(a account.Actor, path string) error {
	who := a.Organization
	if who == "" {
		rest, below := strings.CutPrefix(path, "/api/o/")
		if !below {
			return nil
		}
		name, _, _ := strings.Cut(rest, "/")
		who = "operator " + name // no api_name has a space
	}
	if wait := l.requests.take(who); wait > 0 {
		return tooMany("too many requests of the organization", wait)
	}
	return nil
}

// rates limit how often each of many does something: a burst at once, and then
// as many a second as come back.
type rates struct {
	burst, perSecond float64
	mu               sync.Mutex
	of               map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

func newRates(burst, perSecond float64) *rates {
	return &rates{burst: burst, perSecond: perSecond, of: map[string]bucket{}}
}

// maxRates bounds how many are counted at a time.
const maxRates = 20000

// now returns how much who has left. The lock is held.
func (r *rates) now(who string) bucket {
	b, known := r.of[who]
	now := time.Now()
	if !known {
		return bucket{r.burst, now}
	}
	return bucket{min(r.burst, b.left+now.Sub(b.at).Seconds()*r.perSecond), now}
}

// take counts one more, unless it is one too many: then it returns how long to
// wait.
func (r *rates) take(who string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.now(who)
	if b.left < 1 {
		return r.until(b)
	}
	b.left--
	if _, known := r.of[who]; !known && len(r.of) >= maxRates {
		r.forget()
	}
	r.of[who] = b
	return 0
}

// wait returns how long who must wait; zero: not at all.
func (r *rates) wait(who string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.now(who); b.left < 1 {
		return r.until(b)
	}
	return 0
}

func (r *rates) until(b bucket) time.Duration {
	return max(time.Millisecond, time.Duration((1-b.left)/r.perSecond*float64(time.Second)))
}

// forget makes room: those that have all of their burst back go, and a few
// others where these are too few. The lock is held.
func (r *rates) forget() {
	for who := range r.of {
		if r.now(who).left >= r.burst {
			delete(r.of, who)
		}
	}
	for who := range r.of {
		if len(r.of) < maxRates*9/10 {
			return
		}
		delete(r.of, who)
	}
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
