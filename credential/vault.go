package credential

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/singleflight"

	"github.com/rolecall/rolecall"
)

// Principal is a vendor-side identity with its own credentials, which are
// asked for at each call: Open's are cached.
type Principal struct {
	rolecall.Principal
	Credentials aws.CredentialsProvider
}

// Options configure a Vault. Principals and Verdicts are needed, all else has
// a default.
type Options struct {
	Principals     map[string]Principal // by name
	VendorAccounts []string             // beside the principals' own
	Verdicts       Verdicts
	// Secrets reads the keys of an organization's secret at each use.
	Secrets func(ctx context.Context, organization, name string) (Keys, error)
	// Bearers reads the token of an organization's secret at each use.
	Bearers func(ctx context.Context, organization, name string) (Bearer, error)
	// Tenants gives the client for a URL that a tenant chose: it decides which
	// addresses may be reached. Without it no dispenser is asked.
	Tenants     func(url string) *http.Client
	STSEndpoint string        // empty: AWS's regional ones
	HTTPClient  *http.Client  // for STS; nil: the SDK's
	ProveEvery  time.Duration // zero: 24 hours
	WatchEvery  time.Duration // between looks at the claims of running work; zero: 15 seconds
	Now         func() time.Time
	Rand        io.Reader // seeds the external ids of probes; nil: crypto/rand
	Log         *slog.Logger
	// OnEvent is told of each probe, verdict and vended credential, from
	// several goroutines; it must be quick.
	OnEvent func(Event)
}

// Vault vends credentials. It must be made by New and closed.
type Vault struct {
	options  Options
	cache    *cache
	proofs   singleflight.Group
	refusals refusals
	holds    holds

	mu        sync.Mutex
	clients   map[string]*sts.Client        // by region
	callers   map[string]*caller            // by principal's name
	vendors   map[string]bool               // accounts that keys turned out to be of
	durations map[durationKey]time.Duration // that STS was found to grant
}

type durationKey struct{ principal, roleARN string }

// New makes a vault.
func New(o Options) *Vault {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ProveEvery == 0 {
		o.ProveEvery = 24 * time.Hour
	}
	if o.WatchEvery == 0 {
		o.WatchEvery = 15 * time.Second
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	return &Vault{
		options:   o,
		cache:     newCache(o.Now, mathrand.Float64, o.Log),
		clients:   map[string]*sts.Client{},
		callers:   map[string]*caller{},
		vendors:   map[string]bool{},
		durations: map[durationKey]time.Duration{},
	}
}

// Close ends the calls under way and what is held, and waits for its own
// goroutines. Providers fail from then on.
func (v *Vault) Close() {
	v.holds.close()
	v.cache.close()
}

// Provider gives one credential, the same until it nears its end. It is an
// aws.CredentialsProvider, safe for concurrent use, and needs no cache around
// it.
type Provider struct {
	vault   *Vault
	key     key
	refusal error // of the request itself
	fetch   func(context.Context) (fetched, error)
}

// Retrieve gives a credential that lives. Its errors are rolecall's.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if p.refusal != nil {
		return aws.Credentials{}, p.refusal
	}
	return p.vault.cache.get(ctx, p.key, p.fetch)
}

// Invalidate drops a credential that AWS called expired before its time, if
// it is still the one that Retrieve gives.
func (p *Provider) Invalidate(bad aws.Credentials) { p.vault.cache.invalidate(p.key, bad) }

// EventKind tells what an event is about.
type EventKind string

// The kinds of event.
const (
	EventProbe  EventKind = "probe"  // one probe was answered
	EventProof  EventKind = "proof"  // all probes were; Passed tells the verdict
	EventAssume EventKind = "assume" // a role was assumed for work
	EventDrift  EventKind = "drift"  // a role that had passed changed; Reason tells how
)

// Event tells what the vault did. It holds no secret and no external id.
type Event struct {
	Kind         EventKind     `json:"event"`
	Time         time.Time     `json:"time"`
	Organization string        `json:"organization"`
	Principal    string        `json:"principal"`
	RoleARN      string        `json:"role_arn"`
	SessionName  string        `json:"session_name"`
	Probe        *Probe        `json:"probe,omitempty"`
	Passed       bool          `json:"passed,omitempty"`
	Reason       string        `json:"reason,omitempty"`
	Region       string        `json:"region,omitempty"` // whose STS assumed the role
	Policy       []byte        `json:"-"`
	Duration     time.Duration `json:"-"`
	AccessKeyID  string        `json:"access_key_id,omitempty"`
	Expires      time.Time     `json:"expires,omitzero"`
}
