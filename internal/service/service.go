// Package service is what the service does: every operation authorizes,
// validates, changes and audits, here and nowhere else. The HTTP API, the web
// pages and the command line translate to it.
//
// Who may do what is package account's, and how things are stored package
// store's, which only this package uses.
package service

import (
	"cmp"
	"context"
	"log/slog"
	"sync"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/store"
)

// Worker does the work of the service.
type Worker interface {
	check.Checker
	Access(organization string) *access.Access
	Release(ctx context.Context, o rolecall.Organization, c rolecall.Connection) (string, error)
}

var errNoPrincipal = &rolecall.Error{
	Code: rolecall.Unavailable, Message: "no principal is declared, so nobody can use the connection",
	Hint: "Operator: declare a principal in rolecall.yaml and send SIGHUP to rolecall serve",
}

// Options are what New needs.
type Options struct {
	Store    *store.Store
	Settings Settings
	// Keyring has the keys outside the database.
	Keyring *Keyring
	// Anchor keeps the heads of organizations' audit records outside the
	// database; nil: nobody does.
	Anchor func([]byte) error
	Heads  []byte // what Anchor has kept; nil: nothing yet
	// URL is where people find the service: links begin with it.
	URL string
	Log *slog.Logger // nil: none
}

// Service has the operations. New makes it. Close it before its store.
type Service struct {
	store   *store.Store
	keyring *Keyring
	sealer  sealer
	url     string
	log     *slog.Logger

	checks   checks
	tools    tools
	refusals *refusals

	generationMu sync.Mutex
	generation   *generation // in force

	work sync.WaitGroup
	ctx  context.Context //nolint:containedctx // of the work that outlives the requests that begin it
	stop context.CancelFunc
}

// New returns a service. Start it before it takes requests.
func New(o Options) *Service {
	s := &Service{
		store: o.Store, keyring: o.Keyring, url: o.URL, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), checks: checks{running: map[string]*running{}}, refusals: newRefusals(),
		generation: &generation{Settings: o.Settings},
	}
	s.sealer = sealer{store: o.Store, keyring: o.Keyring, anchor: o.Anchor, given: o.Heads, log: s.log, logged: map[string]int64{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Start ends what an earlier process left behind, and begins what goes on while
// the service runs. Only the one that serves may call it.
func (s *Service) Start(ctx context.Context) error {
	err := s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.EndInterruptedChecks(ctx) })
	if err == nil {
		s.work.Go(func() { s.sealer.run(s.ctx) })
	}
	return err
}

// Close interrupts the work that goes on and waits for it to end.
func (s *Service) Close() {
	s.stop()
	s.work.Wait()
	s.use(Settings{})
}

// Ready returns an error if the service cannot work.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ready(ctx) }

// Call is who calls an operation, and how.
type Call struct {
	Actor     account.Actor
	RequestID string // for the audit record and the log
	// Key makes a call that creates something repeatable for a day: empty, or
	// what the caller sent as Idempotency-Key.
	Key string
	// DryRun has a change checked, answered and not made.
	DryRun bool
	// Fault is what is wrong with the call beside its body. It is returned only
	// to those who may make it.
	Fault error
	// Matches reports whether what is to be changed may have this revision; zero
	// is that of what is not there. Nil: any.
	Matches func(revision int64) bool
}

// Body reads what a caller sent into a document, a pointer, and returns the
// text of it too. It is called only after the caller was found to be allowed to
// send it.
type Body func(document any) (text []byte, err error)

// Given is the body of a caller that has the document itself.
func Given[T any](v T) Body {
	return func(document any) ([]byte, error) {
		*document.(*T) = v //nolint:forcetypeassert // an operation has one type of document
		return nil, nil
	}
}

// Page asks for a part of a list.
type Page struct {
	Limit  int    // 0: 50; at most 200
	Cursor string // of the page before this one, as it was given
}

// List is a page of a list. Next is the cursor of the next page, empty on the
// last.
type List[T any] struct {
	Results []T    `json:"results"`
	Next    string `json:"next,omitempty"`
}
