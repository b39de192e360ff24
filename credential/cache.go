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

// key is everything that shapes a credential: two requests share one only if all
// of it is equal.
type key struct {
	Subject              // that it rests on a verdict about; of a secret only Organization is set
	PrincipalName string // two of one ARN may have different keys
	SessionName   string
	Policy        string
	Duration      time.Duration
	AskedRegion   string
	Secret        string
	SecretVersion string
	Bucket        string // that a secret is used for
	Revision      string // of the connection
	Dispenser     dispenserKey
}

// fetched is what a fetch returns.
type fetched struct {
	credentials aws.Credentials
	// recheckAt is when what the credential rests on must be checked again, even
	// if it lives longer; zero: never. If that check fails for want of an
	// answer, the credential may be used for a short grace more.
	recheckAt time.Time
	verdict   verdictID // that it rests on
	epoch     int       // of its key, read before the verdict was
}

// dispenserKey is what shapes a dispenser's credentials beside the other
// members of a key: they are for one task only.
type dispenserKey struct{ JobID, TaskID, Tool, Prefix, Access string }

const (
	fetchTimeout = 2 * time.Minute
	maxLead      = 10 * time.Minute
	firstBackoff = time.Second
	maxBackoff   = time.Minute
	idleSecret   = time.Hour
	grace        = 15 * time.Minute
	maxFetches   = 4 // of one flight, when what they rest on is purged each time
)

// cache holds credentials by key. A fetch runs in a goroutine of its own, so that
// none of those who wait for it can cancel it for the others. A credential near
// its end is still returned while its successor is fetched.
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
	present     bool
	verdict     verdictID
	expiresAt   time.Time // zero: never
	refreshAt   time.Time // zero: never
	usedAt      time.Time
	backoff     time.Duration
	flight      *flight
}

type flight struct {
	done        chan struct{}
	purges      int  // that matched its key while it was under way
	awaited     bool // by a caller of get, not just for a later one
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
	Hint: "You: try again; the role is being changed, or others prove it and find it unsafe",
}

// get returns the credential of a key. It fetches it if there is none that is
// still usable.
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
	usable := e.usable(now)
	c.renew(ctx, k, e, now, fetch)
	credentials, f := e.credentials, e.flight
	if !usable {
		f.awaited = true
	}
	c.mu.Unlock()
	if usable {
		return credentials, nil
	}
	select {
	case <-f.done:
		return f.credentials, f.err
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
}

// renew begins a fetch if there is no usable credential, or it is due to be
// refreshed, unless a fetch is under way. The cache is locked.
func (c *cache) renew(ctx context.Context, k key, e *entry, now time.Time, fetch func(context.Context) (fetched, error)) {
	if e.flight == nil && (!e.usable(now) || !e.refreshAt.IsZero() && !now.Before(e.refreshAt)) {
		e.flight = &flight{done: make(chan struct{})}
		c.fetches.Add(1)
		go c.run(ctx, k, e, e.flight, fetch)
	}
}

// renewIfDue begins the fetch of a cached credential that is due, without
// waiting for it: for work that goes on long without calling get again.
func (c *cache) renewIfDue(ctx context.Context, k key, fetch func(context.Context) (fetched, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[k]; e != nil && e.present && !c.closed {
		c.renew(ctx, k, e, c.now(), fetch)
	}
}

func (e *entry) usable(now time.Time) bool {
	return e.present && (e.expiresAt.IsZero() || now.Before(e.expiresAt))
}

// run fetches for all who wait. Its context has the values of the first one's,
// but not its end.
func (c *cache) run(ctx context.Context, k key, e *entry, f *flight, fetch func(context.Context) (fetched, error)) {
	defer c.fetches.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	got, err := callFetch(ctx, fetch)
	c.mu.Lock()
	for n := 1; err == nil && got.epoch != f.purges; n++ {
		if n == maxFetches || !f.awaited {
			err = errPurged
			break
		}
		c.mu.Unlock()
		got, err = callFetch(ctx, fetch)
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	defer close(f.done)
	e.flight = nil
	now := c.now()
	if err == nil {
		f.credentials = got.credentials
		e.put(got, now, c.jitter())
		return
	}
	f.err = err
	if e.usable(now) && !errors.Is(err, ErrUnsafe) {
		e.backoff = min(max(2*e.backoff, firstBackoff), maxBackoff)
		e.refreshAt = now.Add(e.backoff + time.Duration(c.jitter()*float64(e.backoff)))
		c.log.WarnContext(ctx, "credential not refreshed ahead of its end", "org", k.Organization, "role", k.RoleARN, "error", err)
		return
	}
	if c.entries[k] == e {
		delete(c.entries, k)
	}
}

func callFetch(ctx context.Context, fetch func(context.Context) (fetched, error)) (got fetched, err error) {
	defer catchPanic(&err)
	return fetch(ctx)
}

// put stores a new credential and plans its refresh: ahead of its end by a sixth
// of its life and some jitter, so that many do not refresh at once.
func (e *entry) put(got fetched, now time.Time, jitter float64) {
	e.credentials, e.present, e.verdict, e.backoff = got.credentials, true, got.verdict, 0
	e.expiresAt, e.refreshAt = time.Time{}, got.recheckAt
	if !got.recheckAt.IsZero() {
		e.expiresAt = got.recheckAt.Add(grace)
	}
	if !got.credentials.CanExpire {
		return
	}
	life := got.credentials.Expires.Sub(now)
	lead := min(life/6, maxLead)
	e.expiresAt = earlier(e.expiresAt, got.credentials.Expires.Add(-min(life/20, 10*time.Second)))
	e.refreshAt = earlier(e.refreshAt, got.credentials.Expires.Add(-lead-time.Duration(jitter*float64(lead)/2)))
}

// earlier returns the earlier of two times, of which the zero one is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// invalidate drops a credential that AWS called expired, if it is still the
// cached one.
func (c *cache) invalidate(k key, bad aws.Credentials) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[k]; e != nil && e.credentials.AccessKeyID == bad.AccessKeyID && e.credentials.SessionToken == bad.SessionToken {
		e.present = false
	}
}

// epoch returns how often the key was purged in the flight under way. A fetch
// must call it before it reads anything that a purge drops.
func (c *cache) epoch(k key) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[k]; e != nil && e.flight != nil {
		return e.flight.purges
	}
	return 0
}

// verdictID is of the verdict that the key's usable credential rests on, zero if
// there is none.
func (c *cache) verdictID(k key) verdictID {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[k]; e != nil && e.usable(c.now()) {
		return e.verdict
	}
	return verdictID{}
}

// purge drops all credentials of the keys that match. Their fetches under way
// that somebody waits for are made again, and no others: nobody can hold up
// another's.
func (c *cache) purge(match func(Subject) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.entries {
		if !match(k.Subject) {
			continue
		}
		e.present = false
		if e.flight != nil {
			e.flight.purges++
		}
	}
}

// sweep removes what has expired and secrets that nobody asks for any more, to
// bound memory.
func (c *cache) sweep(now time.Time) {
	for k, e := range c.entries {
		if e.flight == nil && (!e.usable(now) || e.expiresAt.IsZero() && now.Sub(e.usedAt) > idleSecret) {
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
