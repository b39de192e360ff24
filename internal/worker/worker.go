// Package worker puts the others together: what a process opens once to run
// jobs and checks and to vend credentials, from its settings and its stores.
// The command line and the demo use it, and so will the service.
//
// HTTP clients, limits and rates belong to the process and are here. Each
// organization has a share of the limits: of memory, disk, requests and tasks.
package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/bound"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/tenant"
	"github.com/rolecall/rolecall/internal/transfer"
)

// Settings are the operator's settings.
type Settings struct {
	Vendor      rolecall.Vendor
	Sources     map[string]credential.Source // of the principals' own credentials, by name
	STSEndpoint string                       // empty: AWS's regional ones
	S3Endpoint  string                       // empty: AWS's
	Allow       []netip.Prefix               // addresses that a tenant's URL may reach although they are not public
	Memory      int64                        // limit of bytes for the buffers of all transfers; zero: 256 MiB
	// Retired: see credential.Options; nil: none.
	Retired func(ctx context.Context, organization string) ([]string, error)
	Tasks   int                                           // that run at once, of all jobs; zero: 64
	Log     *slog.Logger                                  // nil: none
	OnEvent func(credential.Event)                        // see credential.Options; nil: none
	Intent  func(context.Context, credential.Event) error // see credential.Options; nil: none
}

// Stores are the worker's stores.
type Stores struct {
	Verdicts credential.Verdicts
	Secrets  tenant.Secrets // nil: none
}

// Worker runs jobs and checks, and provides access to places. Open makes it.
// Close it when all work has ended.
type Worker struct {
	access access.Access
	tasks  *bound.Budget
	log    *slog.Logger
}

const defaultTasks = 64

// Open returns a worker. It contacts nobody.
func Open(s Settings, stores Stores) (*Worker, error) {
	log := cmp.Or(s.Log, slog.New(slog.DiscardHandler))
	declared := map[string]credential.Declared{}
	for name, p := range s.Vendor.Principals {
		declared[name] = credential.Declared{Principal: p, Source: s.Sources[name]}
	}
	principals, err := credential.Open(declared, credential.SourceOptions{STSEndpoint: s.STSEndpoint})
	if err != nil {
		return nil, err
	}
	clients := guard.NewClients(s.Allow)
	options := credential.Options{
		Principals: principals, VendorAccounts: s.Vendor.Accounts, Verdicts: stores.Verdicts, Tenants: clients.Tenant,
		STSEndpoint: s.STSEndpoint, HTTPClient: clients.Operator, Retired: s.Retired, Log: log, OnEvent: logEvents(log, s.OnEvent), Intent: s.Intent,
	}
	if stores.Secrets != nil {
		options.Secrets, options.Bearers = stores.Secrets.Keys, stores.Secrets.Bearer
	}
	vault, err := credential.New(options)
	if err != nil {
		return nil, err
	}
	return &Worker{
		log:   log,
		tasks: bound.New(int64(cmp.Or(s.Tasks, defaultTasks))),
		access: access.Access{
			Vault: vault, Clients: clients, STSEndpoint: s.STSEndpoint, S3Endpoint: s.S3Endpoint,
			Limits: transfer.NewLimits(cmp.Or(s.Memory, transfer.DefaultMemory)), Rates: transfer.NewRates(),
		},
	}, nil
}

// Close ends work that still runs and closes idle connections.
func (w *Worker) Close() {
	w.access.Vault.Close()
	w.access.Clients.Close()
}

// Access returns the access to an organization's places, with its share of the
// process's limits.
func (w *Worker) Access(organization string) *access.Access {
	a := w.access
	a.Limits = a.Limits.Share(organization)
	return &a
}

// Run runs a job; see job.Run. If j.Log is nil, the worker's log is used.
func (w *Worker) Run(ctx context.Context, j job.Job, observe func(job.Event)) rolecall.JobReport {
	j.Log = cmp.Or(j.Log, w.log)
	j.Slots = w.tasks.Share(j.Plan.Organization)
	return job.Run(ctx, j, w.Access(j.Plan.Organization), observe)
}

// Check runs a check; see check.Run. If r.Log is nil, the worker's log is used.
func (w *Worker) Check(ctx context.Context, r check.Request, observe func(check.Event)) rolecall.CheckReport {
	r.Log = cmp.Or(r.Log, w.log)
	return check.Run(ctx, r, w.Access(r.Organization.APIName), observe)
}

// Release ends the organization's claim on the connection's role or dispenser,
// and all work that depends on it. It returns what was released: a role's ARN
// or a dispenser's URL. If the connection has no claim, the error has code
// Invalid.
func (w *Worker) Release(ctx context.Context, org rolecall.Organization, c rolecall.Connection) (string, error) {
	switch source := c.HTTPCredentialSource; {
	case source != nil:
		return source.URL, w.access.Vault.ReleaseDispenser(ctx, credential.DispenserRequest{Organization: org.APIName, Source: *source})
	case c.RoleARN != "":
		return c.RoleARN, w.access.Vault.Release(ctx, credential.Role{Organization: org.APIName, RoleARN: c.RoleARN})
	default:
		return "", &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("the connection %q rests on no claim", c.Name),
			Hint: "You: name a connection with a role or dispenser; the keys of a secret are not claimed",
		}
	}
}
