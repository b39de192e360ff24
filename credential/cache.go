package credential

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
)

// key is everything that shapes a credential: two takers share one only when
// all of it is equal.
type key struct {
	Subject              // that it rests on a verdict about; of a secret only Organization is set
	PrincipalName string // two of one ARN may have different keys
	SessionName   string
	Policy        string
	Duration      time.Duration
	Region        string
	Secret        string
	SecretVersion string
	Bucket        string // that a secret is used for
	Revision      string // of the connection
	Dispenser     dispenserKey
}

// fetched is what a fetch brings: the credential, and when what it rests on
// is to be looked at again even if it lives longer; zero: never. Where that
// look is not to be had, the credential is given out for a short grace more.
type fetched struct {
	credentials aws.Credentials
	review      time.Time
	tenure      tenure // of the verdict that it rests on
	epoch       int    // of its key, before what it rests on was looked at
}

const (
	fetchTimeout = 2 * time.Minute
	maxLead      = 10 * time.Minute
	firstBackoff = time.Second
	maxBackoff   = time.Minute
	idleSecret   = time.Hour
	grace        = 15 * time.Minute
	maxFetches   = 4 // of one flight, when what they rest on is purged each time
)

// cache holds credentials by key. A fetch runs apart from its takers, so that
// none can cancel it for the others; a credential near its end is given out
// while its successor is fetched.
type cache struct {
	now    func() time.Time
	jitter func() float64 // in [0, 1)
	log    *slog.Logger
	life   context.Context // of the cache, not of a request: ends fetches at close
	end    context.CancelFunc

	mu      sync.Mutex
	closed  bool
	entries map[key]*entry
	fetches sync.WaitGroup
}

type entry struct {
	credentials aws.Credentials
	have        bool
	tenure      tenure
	deadAt      time.Time // zero: never
	refreshAt   time.Time // zero: never
	usedAt      time.Time
	backoff     time.Duration
	flight      *flight
}

type flight struct {
	done        chan struct{}
	purges      int  // that matched its key while it was under way
	awaited     bool // by a taker, not just for one later
	credentials aws.Credentials
	err         error
}

func newCache(now func() time.Time, jitter func() float64, log *slog.Logger) *cache {
	life, end := context.WithCancel(context.Background())
	return &cache{now: now, jitter: jitter, log: log, life: life, end: end, entries: map[key]*entry{}}
}

var errClosed = errors.New("the vault is closed")

var errPurged = &rolecall.Error{
	Code: rolecall.Unavailable, Message: "what the credential rests on was withdrawn again and again while it was fetched",
	Hint: "the role is being changed, or proved by others who find it unsafe; try again",
}

// get gives the credential of a key, fetching it when there is none that
// lives.
func (c *cache) get(ctx context.Context, k key, fetch func(context.Context) (fetched, error)) (aws.Credentials, error) {
	if err := ctx.Err(); err != nil {
		return aws.Credentials{}, err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return aws.Credentials{}, errClosed
	}
	now := c.now()
	e := c.entries[k]
	if e == nil {
		c.sweep(now)
		e = &entry{}
		c.entries[k] = e
	}
	e.usedAt = now
	lives := e.lives(now)
	c.renew(ctx, k, e, fetch)
	credentials, f := e.credentials, e.flight
	if !lives {
		f.awaited = true
	}
	c.mu.Unlock()
	if lives {
		return credentials, nil
	}
	select {
	case <-f.done:
		return f.credentials, f.err
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
}

// renew begins a fetch where there is no credential that lives, or it is due
// to be fetched anew, unless one is under way. The cache is locked.
func (c *cache) renew(ctx context.Context, k key, e *entry, fetch func(context.Context) (fetched, error)) {
	now := c.now()
	if e.flight == nil && (!e.lives(now) || !e.refreshAt.IsZero() && !now.Before(e.refreshAt)) {
		e.flight = &flight{done: make(chan struct{})}
		c.fetches.Add(1)
		go c.run(ctx, k, e, e.flight, fetch)
	}
}

// review begins the fetch of a credential that is held and due, without
// waiting for it: for one who works long without taking it again.
func (c *cache) review(ctx context.Context, k key, fetch func(context.Context) (fetched, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[k]; e != nil && e.have && !c.closed {
		c.renew(ctx, k, e, fetch)
	}
}

func (e *entry) lives(now time.Time) bool {
	return e.have && (e.deadAt.IsZero() || now.Before(e.deadAt))
}

// run fetches for all takers. It keeps the values of the first taker's
// context but not its end.
func (c *cache) run(ctx context.Context, k key, e *entry, f *flight, fetch func(context.Context) (fetched, error)) {
	defer c.fetches.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	got, err := once(ctx, fetch)
	c.mu.Lock()
	for n := 1; err == nil && got.epoch != f.purges; n++ {
		if n == maxFetches || !f.awaited {
			err = errPurged
			break
		}
		c.mu.Unlock()
		got, err = once(ctx, fetch)
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	defer close(f.done)
	e.flight = nil
	now := c.now()
	if err == nil {
		f.credentials = got.credentials
		e.keep(got, now, c.jitter())
		return
	}
	f.err = err
	if e.lives(now) && !errors.Is(err, ErrUnsafe) {
		e.backoff = min(max(2*e.backoff, firstBackoff), maxBackoff)
		e.refreshAt = now.Add(e.backoff + time.Duration(c.jitter()*float64(e.backoff)))
		c.log.WarnContext(ctx, "credential not refreshed ahead of its end", "org", k.Organization, "role", k.RoleARN, "error", err)
		return
	}
	if c.entries[k] == e {
		delete(c.entries, k)
	}
}

func once(ctx context.Context, fetch func(context.Context) (fetched, error)) (got fetched, err error) {
	defer catchPanic(&err)
	return fetch(ctx)
}

// keep stores a new credential and plans its refresh: ahead of its end by a
// sixth of its life and some jitter, so that many do not refresh at once.
func (e *entry) keep(got fetched, now time.Time, jitter float64) {
	e.credentials, e.have, e.tenure, e.backoff = got.credentials, true, got.tenure, 0
	e.deadAt, e.refreshAt = time.Time{}, got.review
	if !got.review.IsZero() {
		e.deadAt = got.review.Add(grace)
	}
	if !got.credentials.CanExpire {
		return
	}
	life := got.credentials.Expires.Sub(now)
	lead := min(life/6, maxLead)
	e.deadAt = earlier(e.deadAt, got.credentials.Expires.Add(-min(life/20, 10*time.Second)))
	e.refreshAt = earlier(e.refreshAt, got.credentials.Expires.Add(-lead-time.Duration(jitter*float64(lead)/2)))
}

// earlier takes the zero time as never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// invalidate drops a credential that AWS called expired, if it is still the
// one that is held.
func (c *cache) invalidate(k key, bad aws.Credentials) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[k]; e != nil && e.credentials.AccessKeyID == bad.AccessKeyID && e.credentials.SessionToken == bad.SessionToken {
		e.have = false
	}
}

// epoch tells how often the key was purged in the flight under way. It is to
// be read in a fetch, before looking at anything that a purge takes back.
func (c *cache) epoch(k key) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[k]; e != nil && e.flight != nil {
		return e.flight.purges
	}
	return 0
}

// tenure is of the verdict that the key's living credential rests on, zero if
// there is none.
func (c *cache) tenure(k key) tenure {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[k]; e != nil && e.lives(c.now()) {
		return e.tenure
	}
	return tenure{}
}

// purge drops all credentials of the keys that match; their fetches under way
// that somebody waits for are made again, and no others: nobody can hold up
// another's.
func (c *cache) purge(match func(Subject) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.entries {
		if !match(k.Subject) {
			continue
		}
		e.have = false
		if e.flight != nil {
			e.flight.purges++
		}
	}
}

// sweep forgets what is dead and secrets that nobody takes, to bound memory.
func (c *cache) sweep(now time.Time) {
	for k, e := range c.entries {
		if e.flight == nil && (!e.lives(now) || e.deadAt.IsZero() && now.Sub(e.usedAt) > idleSecret) {
			delete(c.entries, k)
		}
	}
}

// close ends the fetches under way and waits for them.
func (c *cache) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	c.fetches.Wait()
}
