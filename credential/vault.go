package credential

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/singleflight"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// Principal is a vendor-side identity with its own credentials. The vault
// retrieves them at each call; those of Open are cached.
type Principal struct {
	rolecall.Principal
	Credentials aws.CredentialsProvider
	From        string // where they come from, for messages to the operator; may be empty
}

// Options configure a Vault. Verdicts is needed, and Principals for roles and
// dispensers; all else has a default. A panic in a provider, a store or a
// function given here is an error of the call that it came from; only Now and
// Log, which are called everywhere, must not panic.
type Options struct {
	Principals     map[string]Principal // by name
	VendorAccounts []string             // beside the principals' own
	Verdicts       Verdicts
	// Secrets reads the keys of an organization's secret. They are kept until the
	// secret's Version changes, or nobody has used them for an hour.
	Secrets func(ctx context.Context, organization, name string) (Keys, error)
	// Bearers reads the token of an organization's secret at each request to a
	// dispenser.
	Bearers func(ctx context.Context, organization, name string) (Bearer, error)
	// Tenants returns the client for a URL that a tenant chose: it decides
	// which addresses may be reached. Without it no dispenser is asked.
	Tenants     func(url string) *http.Client
	STSEndpoint string        // empty: AWS's regional ones
	HTTPClient  *http.Client  // for STS; nil: the SDK's
	ProveEvery  time.Duration // zero: 24 hours
	// NewRoles is how many roles and dispensers without a verdict may be proved
	// in an hour because an organization's work as one principal needs them;
	// zero: 20.
	NewRoles int
	// Declared reports whether the operator declared a role, by its ARN, or a
	// dispenser, by its URL, for an organization. Proofs of others by Prove count
	// against NewRoles too. Nil: all are declared.
	Declared func(organization, target string) bool
	// Retired returns the external ids of an organization that were replaced, the
	// last first: proofs want the first two refused. Nil: there are none.
	Retired    func(ctx context.Context, organization string) ([]string, error)
	WatchEvery time.Duration // between looks at the claims of running work; zero: 15 seconds
	Now        func() time.Time
	Rand       io.Reader // seeds the external ids of probes; nil: crypto/rand
	Log        *slog.Logger
	// Intent is called before a session is asked for work, or a dispenser for
	// credentials, and again, with the AccessKeyID, before they are used. Its error
	// refuses them: nobody works with what could not be recorded. Nil: nothing is.
	Intent func(context.Context, Event) error
	// OnEvent is called with each probe, verdict and vended credential, from
	// several goroutines; it must be quick.
	OnEvent func(Event)
}

// Vault vends credentials. It must be made by New and closed.
type Vault struct {
	options  Options
	cache    *cache
	proofs   singleflight.Group
	refusals refusals
	quotas   quotas
	rates    *callRates
	holds    holds

	mu        sync.Mutex
	clients   map[string]*sts.Client        // by region
	callers   map[string]*caller            // by principal's name
	vendors   map[string]bool               // accounts that own keys which were declared as another's
	durations map[durationKey]time.Duration // that STS is known to grant
}

type durationKey struct{ principal, roleARN string }

// New makes a vault. If options are missing or contradictory, it returns all
// faults in one rolecall.Errors, with pointers to the fields.
func New(o Options) (*Vault, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
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
	if o.NewRoles == 0 {
		o.NewRoles = newRoles
	}
	if o.WatchEvery == 0 {
		o.WatchEvery = 15 * time.Second
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	o.Verdicts = recoveringStore{o.Verdicts}
	return &Vault{
		options:   o,
		rates:     newCallRates(),
		cache:     newCache(o.Now, mathrand.Float64, o.Log),
		clients:   map[string]*sts.Client{},
		callers:   map[string]*caller{},
		vendors:   map[string]bool{},
		durations: map[durationKey]time.Duration{},
	}, nil
}

func (o Options) validate() error {
	var faults rolecall.Errors
	for _, name := range slices.Sorted(maps.Keys(o.Principals)) {
		p, at := o.Principals[name], strict.Pointer("Principals", name)
		if p.Name != "" && p.Name != name {
			faults.Add(at+"/Name", fmt.Sprintf("the principal %q is listed as %q", p.Name, name), "You: list a principal under its own name")
		}
		if !rolecall.IsAccountID(p.ARN.Account) {
			faults.Add(at+"/ARN", fmt.Sprintf("the principal %q has no ARN of an account", name), "You: give the ARN of its role or user")
		}
		if p.Credentials == nil {
			faults.Add(at+"/Credentials", fmt.Sprintf("the principal %q has no credentials", name), "You: give a provider, such as one of Open's")
		}
	}
	for i, account := range o.VendorAccounts {
		if !rolecall.IsAccountID(account) {
			faults.Add(strict.Pointer("VendorAccounts", i), fmt.Sprintf("%q is no account id", account), "You: give the twelve digits of an account")
		}
	}
	if o.Verdicts == nil {
		faults.Add("/Verdicts", "a store of verdicts is missing", "You: give Memory(), or a store that outlasts the process")
	}
	if o.Bearers != nil && o.Tenants == nil {
		faults.Add("/Tenants", "bearer tokens are given, but no client to reach dispensers with", "You: give Tenants as well, or leave Bearers out")
	}
	if o.STSEndpoint != "" {
		if u, err := url.Parse(o.STSEndpoint); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			faults.Add("/STSEndpoint", "the endpoint of STS is no URL of http or https", "You: give scheme and host, or leave it out for AWS's own")
		}
	}
	if o.ProveEvery < 0 {
		faults.Add("/ProveEvery", "the time between proofs is negative", "You: leave it out for 24 hours")
	}
	if o.NewRoles < 0 {
		faults.Add("/NewRoles", "the number of new roles is negative", "You: leave it out for 20")
	}
	if o.WatchEvery < 0 {
		faults.Add("/WatchEvery", "the time between looks at claims is negative", "You: leave it out for 15 seconds")
	}
	return faults.Err()
}

// Close ends the calls under way and the work that is held, and waits for the
// vault's own goroutines. Providers fail from then on.
func (v *Vault) Close() {
	v.holds.close()
	v.cache.close()
}

// Provider provides one credential, the same until it nears its end. It is an
// aws.CredentialsProvider, safe for concurrent use, and needs no cache around
// it. Role, Dispenser and Secret make providers.
type Provider struct {
	vault   *Vault
	key     key
	refusal error // of the request itself
	fetch   func(context.Context) (fetched, error)
}

// Retrieve returns a credential that has not expired. Its errors are rolecall's.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if p.refusal != nil {
		return aws.Credentials{}, p.refusal
	}
	return p.vault.cache.get(ctx, p.key, p.fetch)
}

// Invalidate drops a credential that AWS called expired before its time, if
// Retrieve would still return it.
func (p *Provider) Invalidate(bad aws.Credentials) { p.vault.cache.invalidate(p.key, bad) }
