package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/seal"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/store/storetest"
	"github.com/rolecall/rolecall/policy"
)

var engines storetest.Engines

func TestMain(m *testing.M) { os.Exit(storetest.Run(m, &engines)) }

// checker is a worker whose checks do what the test says.
type checker struct {
	check func(context.Context, check.Request) rolecall.CheckResult
}

func (c *checker) Check(ctx context.Context, r check.Request, _ func(check.Event)) rolecall.CheckReport {
	return rolecall.CheckReport{Organization: r.Organization.APIName, Connection: r.Connection.Name, Result: c.check(ctx, r)}
}

func (c *checker) Access(string) *access.Access { return nil }

func (c *checker) Release(context.Context, rolecall.Organization, rolecall.Connection) (string, error) {
	return "", nil
}

// lab is a service with an organization acme and its connection masters, and
// checks by the test.
type lab struct {
	*testing.T
	*service.Service
	*checker
	db   *store.Store
	call service.Call
}

func newLab(t *testing.T, o store.Options) *lab {
	t.Helper()
	keyring, err := service.NewKeyring(seal.New)
	if err != nil {
		t.Fatal(err)
	}
	arn, err := rolecall.ParseARN("arn:aws:iam::999988887777:role/worker")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{T: t, db: storetest.Open(t, o), checker: &checker{}, call: service.Call{Actor: service.Host()}}
	l.Service = service.New(service.Options{Store: l.db, Keyring: keyring, Settings: service.Settings{
		Vendor: rolecall.Vendor{Principals: map[string]rolecall.Principal{"production": {Name: "production", ARN: arn, Default: true}}}, Worker: l.checker,
	}})
	t.Cleanup(l.Close)
	if _, err := l.CreateOrganization(t.Context(), l.call, service.Given(service.NewOrganization{APIName: "acme"})); err != nil {
		t.Fatal(err)
	}
	l.put("masters", "media")
	return l
}

// put makes a connection, or changes it.
func (l *lab) put(name, role string) {
	l.Helper()
	_, _, err := l.PutConnection(l.Context(), l.call, "acme", name, service.Given(rolecall.Connection{
		Purpose: rolecall.Source, Bucket: "acme-masters", Region: "eu-central-1", RoleARN: "arn:aws:iam::111122223333:role/" + role,
	}))
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) start() service.Check {
	l.Helper()
	begun, err := l.StartCheck(l.Context(), l.call, "acme", "masters", nil)
	if err != nil {
		l.Fatal(err)
	}
	return begun
}

// ended returns a check once it has ended.
func (l *lab) ended(of service.Check) service.Check {
	l.Helper()
	for {
		found, further, err := l.WatchCheck(l.Context(), l.call, "acme", "masters", of.ID)
		if err != nil {
			l.Fatal(err)
		}
		if further == nil {
			return found
		}
		<-further
	}
}

// claim is what a proof of the connection's role stores at its end.
func (l *lab) claim(ctx context.Context, r check.Request) error {
	passed := credential.Verdict{Passed: true, RoleID: "AROA1", First: time.Now(), Checked: time.Now()}
	return l.db.Verdicts().Put(ctx, credential.Subject{
		Organization: r.Organization.APIName, Principal: r.Principal.ARN.String(), RoleARN: r.Connection.RoleARN, ExternalID: r.Organization.ExternalIDFor(r.Connection),
	}, credential.Verdict{}, passed)
}

// claimed reports whether acme has a claim on a role.
func (l *lab) claimed(role string) (has bool) {
	l.Helper()
	err := l.db.View(l.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		has, err = tx.HasClaim(ctx, credential.Subject{Organization: "acme", RoleARN: "arn:aws:iam::111122223333:role/" + role})
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	return has
}

func (l *lab) status() service.Connection {
	l.Helper()
	c, err := l.Connection(l.Context(), l.call, "acme", "masters")
	if err != nil {
		l.Fatal(err)
	}
	return c
}

// A proof that is under way while its connection is removed or changed, or its
// external id replaced, claims nothing when it ends, and its report counts for
// nothing, even if the proof does not notice that it was to end.
func TestOutdatedCheckClaimsNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(l *lab) error{
		"nothing": func(*lab) error { return nil },
		"deleted": func(l *lab) error { return l.DeleteConnection(l.Context(), l.call, "acme", "masters") },
		"made again": func(l *lab) error {
			defer l.put("masters", "media")
			return l.DeleteConnection(l.Context(), l.call, "acme", "masters")
		},
		"another role": func(l *lab) error { l.put("masters", "other"); return nil },
		"organization": func(l *lab) error { _, err := l.DeleteOrganization(l.Context(), l.call, "acme"); return err },
		"another external id": func(l *lab) error {
			_, err := l.RotateExternalID(l.Context(), l.call, "acme", service.Given(service.NewRotation{}))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines.Each(t, func(t *testing.T, o store.Options) {
				l := newLab(t, o)
				proving, changed, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
				l.check = func(ctx context.Context, r check.Request) rolecall.CheckResult {
					close(proving)
					<-changed
					result <- l.claim(context.WithoutCancel(ctx), r)
					return rolecall.CheckPass
				}
				begun := l.start()
				<-proving
				if err := change(l); err != nil {
					t.Fatal(err)
				}
				close(changed)
				err := <-result
				if still := name == "nothing"; (err == nil) != still || l.claimed("media") != still {
					t.Errorf("%v; claimed: %v", err, l.claimed("media"))
				}
				if name == "another external id" {
					if found := l.ended(begun); !found.Interrupted {
						t.Errorf("%+v", found)
					}
					if c := l.status(); c.Status != service.Pending {
						t.Errorf("%+v", c)
					}
				}
			})
		})
	}
}

// A connection that works with the old external id goes on with it, although a
// check that began with it ends well after a new one was made.
func TestRotationOutlastsACheck(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		l := newLab(t, o)
		proving, changed := make(chan struct{}, 1), make(chan struct{}, 1)
		l.check = func(context.Context, check.Request) rolecall.CheckResult {
			proving <- struct{}{}
			<-changed
			return rolecall.CheckPass
		}
		changed <- struct{}{}
		l.ended(l.start())
		<-proving
		begun := l.start()
		<-proving
		rotation, err := l.RotateExternalID(t.Context(), l.call, "acme", service.Given(service.NewRotation{}))
		if err != nil {
			t.Fatal(err)
		}
		changed <- struct{}{}
		l.ended(begun)
		if c := l.status(); len(c.ExternalIDs) != 2 || c.ExternalIDs[0] != rotation.New || c.ExternalIDs[1] != rotation.Old {
			t.Errorf("%v after %+v", c.ExternalIDs, rotation)
		}
		changed <- struct{}{}
		l.ended(l.start()) // with the new one
		if c := l.status(); len(c.ExternalIDs) != 1 || c.ExternalIDs[0] != rotation.New {
			t.Errorf("%v after %+v", c.ExternalIDs, rotation)
		}
	})
}

// A claim ends with the last connection that names its role.
func TestClaimsEndWithTheirConnections(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		l := newLab(t, o)
		l.check = func(ctx context.Context, r check.Request) rolecall.CheckResult {
			if err := l.claim(ctx, r); err != nil {
				t.Error(err)
			}
			return rolecall.CheckPass
		}
		l.ended(l.start())
		l.put("others", "MEDIA") // the same role to AWS
		l.put("masters", "another")
		if !l.claimed("media") {
			t.Error("the claim on a role that is named ended")
		}
		if err := l.DeleteConnection(t.Context(), l.call, "acme", "others"); err != nil {
			t.Fatal(err)
		}
		if l.claimed("media") {
			t.Error("the claim on a role that nobody names goes on")
		}
		l.ended(l.start())
		if !l.claimed("another") {
			t.Error("no claim on the other role")
		}
		l.put("masters", "media")
		if l.claimed("another") {
			t.Error("the claim on a role that was replaced goes on")
		}
	})
}

// An organization proves so many new roles in an hour and no more, however many
// requests come at once; those that it has a claim on, or proved just now, are
// not new.
func TestNewRolesAreLimited(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		l := newLab(t, o)
		l.check = func(ctx context.Context, r check.Request) rolecall.CheckResult {
			if r.Connection.Name != "masters" {
				return rolecall.CheckFail
			}
			if err := l.claim(ctx, r); err != nil && !l.claimed("media") {
				t.Error(err)
			}
			return rolecall.CheckPass
		}
		l.ended(l.start())
		var all sync.WaitGroup
		var began atomic.Int64
		var limited atomic.Pointer[service.TooManyError]
		var passed atomic.Pointer[string]
		for i := range 30 {
			name := fmt.Sprintf("c%d", i)
			l.put(name, name)
			all.Go(func() {
				_, err := l.StartCheck(t.Context(), l.call, "acme", name, nil)
				var many *service.TooManyError
				switch {
				case err == nil:
					began.Add(1)
					passed.Store(&name)
				case errors.As(err, &many):
					limited.Store(many)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		// The first check, of masters, was of a new role then.
		if began.Load() != 19 || limited.Load() == nil || limited.Load().After <= 50*time.Minute || limited.Load().After > time.Hour {
			t.Fatalf("%d began; %+v", began.Load(), limited.Load())
		}
		l.ended(l.start())
		for err := error(l.conflict()); err != nil; { // until the one before has ended
			if _, err = l.StartCheck(t.Context(), l.call, "acme", *passed.Load(), nil); err != nil && rolecall.CodeOf(err) != rolecall.Conflict {
				t.Fatal(err)
			}
		}
		l.put("masters", "another")
		if _, err := l.StartCheck(t.Context(), l.call, "acme", "masters", nil); !errors.As(err, new(*service.TooManyError)) {
			t.Errorf("another new role: %v", err)
		}
	})
}

func (l *lab) conflict() error { return &rolecall.Error{Code: rolecall.Conflict} }

// Checks of an organization that run at once are bounded, and so is what their
// policies take; those of others begin.
func TestChecksAtOnceAreLimited(t *testing.T) {
	t.Parallel()
	l := newLab(t, store.Options{Path: filepath.Join(t.TempDir(), "rolecall.db")})
	l.check = func(ctx context.Context, _ check.Request) rolecall.CheckResult {
		<-ctx.Done()
		return rolecall.CheckFail
	}
	if _, err := l.CreateOrganization(t.Context(), l.call, service.Given(service.NewOrganization{APIName: "globex"})); err != nil {
		t.Fatal(err)
	}
	admin := service.Call{Actor: account.Actor{Kind: account.KindService, Role: account.Admin, Organization: "acme", ID: "a"}}
	start := func(name string, n service.NewCheck) error {
		l.put(name, "media")
		_, err := l.StartCheck(t.Context(), admin, "acme", name, service.Given(n))
		return err
	}
	large := service.NewCheck{Policies: map[policy.Kind]json.RawMessage{"permissions": json.RawMessage(`[` + strings.Repeat(`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}`+strings.Repeat(" ", 100<<10)+"},", 8) + `{"Statement":[]}]`)}}
	for i := range 3 {
		if err := start(fmt.Sprintf("large%d", i), large); (err == nil) != (i < 2) || err != nil && !errors.As(err, new(*service.TooManyError)) {
			t.Fatalf("%d with large policies: %v", i, err)
		}
	}
	for i := range 49 {
		if err := start(fmt.Sprintf("c%d", i), service.NewCheck{}); (err == nil) != (i < 48) || err != nil && !errors.As(err, new(*service.TooManyError)) {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if _, _, err := l.PutConnection(t.Context(), l.call, "globex", "masters", service.Given(rolecall.Connection{Purpose: rolecall.Source, Bucket: "globex-masters"})); err != nil {
		t.Fatal(err)
	}
	if _, err := l.StartCheck(t.Context(), l.call, "globex", "masters", nil); err != nil {
		t.Errorf("of another organization: %v", err)
	}
	whole := json.RawMessage(`{"Statement":[]` + strings.Repeat(" ", 128<<10) + `}`)
	if err := start("whole", service.NewCheck{Policies: map[policy.Kind]json.RawMessage{"trust": whole}}); rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("larger than any policy: %v", err)
	}
}
