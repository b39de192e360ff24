package credential_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// fuse panics while it is lit, with a secret.
type fuse struct{ lit atomic.Bool }

func (f *fuse) burn() {
	if f.lit.Load() {
		panic(errors.New("planted-secret"))
	}
}

func (f *fuse) Read(p []byte) (int, error) {
	f.burn()
	return len(p), nil
}

func (f *fuse) RoundTrip(r *http.Request) (*http.Response, error) {
	f.burn()
	return http.DefaultTransport.RoundTrip(r)
}

// fusedStore panics in one of its methods.
type fusedStore struct {
	credential.Verdicts
	*fuse
	method string
}

func (s fusedStore) at(method string) {
	if s.method == method {
		s.burn()
	}
}

func (s fusedStore) Get(ctx context.Context, about credential.Subject) (credential.Verdict, error) {
	s.at("Get")
	return s.Verdicts.Get(ctx, about)
}

func (s fusedStore) Put(ctx context.Context, about credential.Subject, old, passing credential.Verdict) error {
	s.at("Put")
	return s.Verdicts.Put(ctx, about, old, passing)
}

func (s fusedStore) Remove(ctx context.Context, about credential.Subject) error {
	s.at("Remove")
	return s.Verdicts.Remove(ctx, about)
}

func (s fusedStore) Release(ctx context.Context, about credential.Subject) error {
	s.at("Release")
	return s.Verdicts.Release(ctx, about)
}

func (s fusedStore) Pin(ctx context.Context, about credential.Subject, id string) (string, error) {
	s.at("Pin")
	return s.Verdicts.Pin(ctx, about, id)
}

// A panic in what a program gives to the vault is an error of the call. It shows
// nothing of the panic's value and leaves nothing locked: the same call works
// when the fault is gone.
func TestPanicIsAnErrorOfTheCall(t *testing.T) {
	t.Parallel()
	role := func(ctx context.Context, b *bench) error {
		_, err := b.Role(acme()).Retrieve(ctx)
		return err
	}
	prove := func(ctx context.Context, b *bench) error {
		_, err := b.Prove(ctx, acme())
		return err
	}
	dispenser := func(ctx context.Context, b *bench) error {
		_, err := b.Dispenser(byBearer()).Retrieve(ctx)
		return err
	}
	release := func(ctx context.Context, b *bench) error {
		return b.Release(ctx, acme())
	}
	identify := func(ctx context.Context, b *bench) error {
		_, err := b.Identify(ctx, acme())
		return err
	}
	try := func(ctx context.Context, b *bench) error {
		if _, err := b.Prove(ctx, acme()); err != nil {
			return err
		}
		_, err := b.Try(ctx, acme())
		return err
	}
	keys := func(o *credential.Options, f *fuse) {
		p := o.Principals["production"]
		given := p.Credentials
		p.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			f.burn()
			return given.Retrieve(ctx)
		})
		o.Principals["production"] = p
	}
	store := func(method string) func(*credential.Options, *fuse) {
		return func(o *credential.Options, f *fuse) { o.Verdicts = fusedStore{o.Verdicts, f, method} }
	}
	event := func(kind credential.EventKind) func(*credential.Options, *fuse) {
		return func(o *credential.Options, f *fuse) {
			o.OnEvent = func(e credential.Event) {
				if e.Kind == kind {
					f.burn()
				}
			}
		}
	}
	for name, c := range map[string]struct {
		place func(*credential.Options, *fuse)
		call  func(context.Context, *bench) error
	}{
		"keys, for a session":  {keys, role},
		"keys, for a proof":    {keys, prove},
		"keys, for a try":      {keys, try},
		"keys, for their name": {keys, identify},
		"secret": {func(o *credential.Options, f *fuse) {
			o.Secrets = func(context.Context, string, string) (credential.Keys, error) {
				f.burn()
				return credential.Keys{AccessKeyID: "AKIA", SecretAccessKey: "s"}, nil
			}
		}, func(ctx context.Context, b *bench) error {
			_, err := b.Secret(credential.SecretRequest{Organization: "acme", Secret: rolecall.Secret{Name: "keys", Type: rolecall.SecretAWSAccessKey}}).Retrieve(ctx)
			return err
		}},
		"bearer": {func(o *credential.Options, f *fuse) {
			o.Bearers = func(context.Context, string, string) (credential.Bearer, error) {
				f.burn()
				return credential.Bearer{Token: bearerToken}, nil
			}
		}, dispenser},
		"tenants": {func(o *credential.Options, f *fuse) {
			given := o.Tenants
			o.Tenants = func(url string) *http.Client {
				f.burn()
				return given(url)
			}
		}, dispenser},
		"network":                  {func(o *credential.Options, f *fuse) { o.HTTPClient = &http.Client{Transport: f} }, role},
		"randomness":               {func(o *credential.Options, f *fuse) { o.Rand = io.Reader(f) }, prove},
		"store's Get":              {store("Get"), role},
		"store's Get, by Claim":    {store("Get"), func(ctx context.Context, b *bench) error { _, err := b.Claim(ctx, acme()); return err }},
		"store's Put":              {store("Put"), role},
		"store's Pin":              {store("Pin"), dispenser},
		"store's Release":          {store("Release"), release},
		"probe reported":           {event(credential.EventProbe), prove},
		"proof reported":           {event(credential.EventProof), prove},
		"proof reported, at work":  {event(credential.EventProof), role},
		"session reported":         {event(credential.EventAssume), role},
		"session reported, by Try": {event(credential.EventAssume), try},
		"dispense reported":        {event(credential.EventDispense), dispenser},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fuse{}
			b, _ := dispenserBench(t, vends("111122223333"), func(o *credential.Options) { c.place(o, f) })
			b.sts.caller = func(key string) string {
				if strings.HasPrefix(key, "ASIA") {
					return "arn:aws:sts::111122223333:assumed-role/vended/acme.01JOB"
				}
				return "arn:aws:sts::873682911326:assumed-role/VTKWorker/i-0worker"
			}
			f.lit.Store(true)
			isInternal(t, c.call(t.Context(), b))
			f.lit.Store(false)
			if err := c.call(t.Context(), b); err != nil {
				t.Errorf("after the panic: %v", err)
			}
		})
	}
}

// isInternal checks that an error is a panic's, and shows nothing of it.
func isInternal(t *testing.T, err error) {
	t.Helper()
	if rolecall.CodeOf(err) != rolecall.Internal {
		t.Fatalf("%v", err)
	}
	stack := false
	for e := err; e != nil; e = errors.Unwrap(e) {
		stack = stack || strings.Contains(e.Error(), "panic_test.go")
		if strings.Contains(e.Error(), "planted") {
			t.Errorf("shown: %v", e)
		}
	}
	if !stack {
		t.Error("nothing in the chain says where the panic was")
	}
}

// A panic in Getenv, which the SDK's cache asks for in a goroutine of its own.
func TestPanicInASource(t *testing.T) {
	t.Parallel()
	principals, err := credential.Open(map[string]credential.Declared{
		"production": {Principal: principal(t, "production", workerARN).Principal, Source: credential.Source{Source: credential.SourceEnvironment}},
	}, credential.SourceOptions{Getenv: func(string) string { panic("planted-secret") }})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, strict, func(o *credential.Options) { o.Principals = principals })
	_, err = b.Role(acme()).Retrieve(t.Context())
	isInternal(t, err)
}

// A panic when drift is reported does not keep work going.
func TestPanicInReportOfDriftEndsTheWork(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]func(stsCall) stsAnswer{
		"unsafe":    func(stsCall) stsAnswer { return stsAnswer{} },
		"recreated": recreatedAs("AROA2"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, strict, func(o *credential.Options) {
				o.OnEvent = func(e credential.Event) {
					if e.Kind == credential.EventDrift {
						panic("planted-secret")
					}
				}
			})
			held := hold(t, b.Vault, acme())
			b.sts.setRule(rule)
			_, err := b.Prove(t.Context(), acme())
			isInternal(t, err)
			if !errors.Is(context.Cause(held), credential.ErrDrift) {
				t.Errorf("the work goes on: %v", context.Cause(held))
			}
		})
	}
}

// A store that panics while a verdict is removed does not keep the work up.
func TestPanicInRemoveEndsTheWork(t *testing.T) {
	t.Parallel()
	f := &fuse{}
	b := newBench(t, strict, func(o *credential.Options) { o.Verdicts = fusedStore{o.Verdicts, f, "Remove"} })
	held := hold(t, b.Vault, acme())
	f.lit.Store(true)
	b.sts.setRule(func(stsCall) stsAnswer { return stsAnswer{} })
	_, err := b.Prove(t.Context(), acme())
	isInternal(t, err)
	if !errors.Is(context.Cause(held), credential.ErrDrift) {
		t.Errorf("the work goes on: %v", context.Cause(held))
	}
}

// To who watches running work, a store that panics is one that cannot be read.
func TestPanicInWatchedStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fuse{}
		b, _ := bubbled(t, strict, func(o *credential.Options) { o.Verdicts = fusedStore{o.Verdicts, f, "Get"} })
		held := hold(t, b.Vault, acme())
		f.lit.Store(true)
		time.Sleep(14 * time.Minute) // of the bubble's fake clock
		synctest.Wait()
		if held.Err() != nil {
			t.Fatalf("ended early: %v", context.Cause(held))
		}
		time.Sleep(2 * time.Minute) // of the bubble's fake clock
		synctest.Wait()
		if cause := context.Cause(held); rolecall.CodeOf(cause) != rolecall.Unavailable {
			t.Errorf("%v", cause)
		}
	})
}
