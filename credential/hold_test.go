package credential_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// inProcess serves a fake STS without a network, which no bubble of synctest
// would wait for. Each call takes its latency.
type inProcess struct {
	sts     http.Handler
	latency time.Duration

	mu        sync.Mutex
	now, most int // calls under way
}

func (p *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.now++
	p.most = max(p.most, p.now)
	p.mu.Unlock()
	time.Sleep(p.latency) // of the bubble's fake clock
	w := httptest.NewRecorder()
	p.sts.ServeHTTP(w, r)
	p.mu.Lock()
	p.now--
	p.mu.Unlock()
	return w.Result(), nil
}

// bubbled is a bench for a bubble of synctest, with the bubble's time.
func bubbled(t *testing.T, rule func(stsCall) stsAnswer, change ...func(*credential.Options)) (*bench, *inProcess) {
	t.Helper()
	f := &fakeSTS{rule: rule}
	wire := &inProcess{sts: f}
	b := newBench(t, nil, append([]func(*credential.Options){func(o *credential.Options) {
		o.STSEndpoint, o.HTTPClient, o.Now = "http://sts.test", &http.Client{Transport: wire}, time.Now
	}}, change...)...)
	b.sts = f
	return b, wire
}

// hold takes a credential of a role and holds it.
func hold(t *testing.T, v *credential.Vault, r credential.Role) context.Context {
	t.Helper()
	provider := v.Role(r)
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, release := v.Hold(t.Context(), provider)
	t.Cleanup(release)
	return held
}

// isEnded reports whether held work has ended, and checks its cause.
func isEnded(t *testing.T, cause error, says string) bool {
	t.Helper()
	if cause == nil {
		return false
	}
	if e := rolecall.List(cause)[0]; !errors.Is(cause, credential.ErrClaimEnded) || e.Code != rolecall.Forbidden ||
		!strings.Contains(e.Message, says) || e.Hint == "" || strings.Contains(e.Message, externalID) {
		t.Errorf("ended with %+v, want %q", e, says)
	}
	return true
}

// What ends a claim in the same vault ends at once what is held under it, and
// nothing else.
func TestHoldEndsHere(t *testing.T) {
	t.Parallel()
	other := acme()
	other.RoleARN = "arn:aws:iam::111122223333:role/other"
	staging := acme()
	staging.Principal = "staging"
	open := func(stsCall) stsAnswer { return stsAnswer{} }
	for name, c := range map[string]struct {
		ends    func(t *testing.T, b *bench) error
		says    string
		drift   bool
		staging bool // ends too
	}{
		"proof fails": {func(t *testing.T, b *bench) error {
			b.sts.setRule(open)
			_, err := b.Prove(t.Context(), acme())
			return err
		}, "does not pass its probes any more", true, false},
		"recreated, seen by a proof": {func(t *testing.T, b *bench) error {
			b.sts.setRule(recreatedAs("AROA2"))
			_, err := b.Prove(t.Context(), acme())
			return err
		}, "was recreated", true, false},
		"recreated, seen at work": {func(t *testing.T, b *bench) error {
			b.sts.setRule(recreatedAs("AROA2"))
			r := acme()
			r.JobID = "02JOB"
			_, err := b.Role(r).Retrieve(t.Context())
			return err
		}, "was recreated", true, false},
		"recreated, seen by a try": {func(t *testing.T, b *bench) error {
			b.sts.setRule(recreatedAs("AROA2"))
			_, err := b.Try(t.Context(), acme())
			return err
		}, "was recreated", true, false},
		"release": {func(t *testing.T, b *bench) error { return b.Release(t.Context(), acme()) }, "was released", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, strict, func(o *credential.Options) {
				o.WatchEvery = time.Hour
				o.Principals["staging"] = principal(t, "staging", "arn:aws:iam::873682911326:role/Staging")
			})
			held, another := hold(t, b.Vault, acme()), hold(t, b.Vault, other)
			b.sts.setCaller("arn:aws:sts::873682911326:assumed-role/Staging/i-1")
			third := hold(t, b.Vault, staging)
			b.sts.setCaller("")
			err := c.ends(t, b)
			if c.drift != (len(b.events.of(credential.EventDrift)) == 1) {
				t.Errorf("%+v, %v", b.events.of(credential.EventDrift), err)
			}
			if !isEnded(t, context.Cause(held), c.says) || errors.Is(context.Cause(held), credential.ErrDrift) != c.drift {
				t.Errorf("not ended: %v", context.Cause(held))
			}
			if another.Err() != nil {
				t.Error("what is held of another role has ended")
			}
			if (third.Err() != nil) != c.staging {
				t.Errorf("what another principal holds: %v", context.Cause(third))
			}
		})
	}
}

func recreatedAs(id string) func(stsCall) stsAnswer {
	return func(c stsCall) stsAnswer {
		a := strict(c)
		a.roleID = id
		return a
	}
}

// What ends a claim in another process is seen at the next look at the store,
// and not before.
func TestHoldWatchesTheStore(t *testing.T) {
	t.Parallel()
	subject := subject(func(s *credential.Subject) { s.Principal = workerARN })
	globex := subject
	globex.Organization = "globex"
	another := credential.Verdict{RoleID: "AROA2", Passed: true, First: epoch, Checked: epoch}
	anew := credential.Verdict{RoleID: "AROA1", Passed: true, First: epoch, Checked: epoch}
	for name, c := range map[string]struct {
		happens func(context.Context, credential.Verdicts) error
		says    string // "": goes on
	}{
		"nothing":      {func(context.Context, credential.Verdicts) error { return nil }, ""},
		"withdrawn":    {func(ctx context.Context, s credential.Verdicts) error { return s.Remove(ctx, subject) }, "withdrawn"},
		"released":     {func(ctx context.Context, s credential.Verdicts) error { return s.Release(ctx, subject) }, "withdrawn"},
		"another role": {func(ctx context.Context, s credential.Verdicts) error { return replace(ctx, s, subject, another) }, "was recreated"},
		"released and claimed anew": {func(ctx context.Context, s credential.Verdicts) error {
			return errors.Join(s.Release(ctx, subject), s.Put(ctx, subject, credential.Verdict{}, anew))
		}, "proved anew since"},
		"withdrawn and proved anew": {func(ctx context.Context, s credential.Verdicts) error {
			return errors.Join(s.Remove(ctx, subject), s.Put(ctx, subject, credential.Verdict{}, anew))
		}, "proved anew since"},
		"proved again": {func(ctx context.Context, s credential.Verdicts) error {
			v, err := s.Get(ctx, subject)
			v.Checked = v.Checked.Add(time.Second)
			return errors.Join(err, replace(ctx, s, subject, v))
		}, ""},
		"another's claim": {func(ctx context.Context, s credential.Verdicts) error {
			return errors.Join(s.Release(ctx, subject), s.Put(ctx, globex, credential.Verdict{}, another))
		}, "another organization's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var store credential.Verdicts
				b, _ := bubbled(t, strict, func(o *credential.Options) { store = o.Verdicts })
				held := hold(t, b.Vault, acme())
				if err := c.happens(t.Context(), store); err != nil {
					t.Fatal(err)
				}
				time.Sleep(14 * time.Second) // of the bubble's fake clock
				synctest.Wait()
				if held.Err() != nil {
					t.Errorf("ended early: %v", context.Cause(held))
				}
				time.Sleep(2 * time.Second) // of the bubble's fake clock
				synctest.Wait()
				if isEnded(t, context.Cause(held), c.says) != (c.says != "") {
					t.Errorf("ended: %v", context.Cause(held))
				}
			})
		})
	}
}

// replace puts a verdict in place of the one that is kept.
func replace(ctx context.Context, store credential.Verdicts, s credential.Subject, v credential.Verdict) error {
	old, err := store.Get(ctx, s)
	return errors.Join(err, store.Put(ctx, s, old, v))
}

// A claim that is gone when the work begins ends it at once.
func TestHoldOfNoClaim(t *testing.T) {
	t.Parallel()
	var store credential.Verdicts
	b := newBench(t, strict, func(o *credential.Options) { store = o.Verdicts })
	provider := b.Role(acme())
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Remove(t.Context(), subject(func(s *credential.Subject) { s.Principal = workerARN })); err != nil {
		t.Fatal(err)
	}
	held, release := b.Hold(t.Context(), provider)
	defer release()
	if !isEnded(t, context.Cause(held), "withdrawn") {
		t.Error("goes on")
	}
}

// failing is a store that fails while it is told to.
type failing struct {
	credential.Verdicts
	mu   sync.Mutex
	err  error
	gets int
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gets
}

func (f *failing) Get(ctx context.Context, s credential.Subject) (credential.Verdict, error) {
	f.mu.Lock()
	f.gets++
	err := f.err
	f.mu.Unlock()
	if err != nil {
		return credential.Verdict{}, err
	}
	return f.Verdicts.Get(ctx, s)
}

// A store that fails ends nothing for a quarter of an hour, counted again from
// each answer; then the work ends with an error that may be tried again.
func TestHoldOutlivesTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &failing{}
		b, _ := bubbled(t, strict, func(o *credential.Options) {
			store.Verdicts, o.Verdicts = o.Verdicts, store
		})
		held := hold(t, b.Vault, acme())
		outage := errors.New("outage")
		for range 3 {
			store.set(outage)
			time.Sleep(14 * time.Minute) // of the bubble's fake clock
			synctest.Wait()
			if held.Err() != nil {
				t.Fatalf("ended early: %v", context.Cause(held))
			}
			store.set(nil)
			time.Sleep(time.Minute) // of the bubble's fake clock
		}
		store.set(outage)
		time.Sleep(16 * time.Minute) // of the bubble's fake clock
		synctest.Wait()
		cause := context.Cause(held)
		if rolecall.CodeOf(cause) != rolecall.Unavailable || errors.Is(cause, credential.ErrClaimEnded) || !errors.Is(cause, outage) {
			t.Errorf("%v", cause)
		}
	})
}

// What is held is proved again when that is due, though nobody takes its
// credentials: after five minutes, then daily. A proof that fails ends it.
func TestHeldWorkIsProvedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, _ := bubbled(t, strict)
		held := hold(t, b.Vault, acme())
		for _, step := range []struct {
			after  time.Duration
			proofs int
		}{{4 * time.Minute, 1}, {2 * time.Minute, 2}, {23 * time.Hour, 2}, {2 * time.Hour, 3}} {
			time.Sleep(step.after) // of the bubble's fake clock
			synctest.Wait()
			if n := len(b.events.of(credential.EventProof)); n != step.proofs || held.Err() != nil {
				t.Fatalf("%v later: %d proofs, want %d; %v", step.after, n, step.proofs, context.Cause(held))
			}
		}
		b.sts.setRule(func(stsCall) stsAnswer { return stsAnswer{} })
		time.Sleep(24 * time.Hour) // of the bubble's fake clock
		synctest.Wait()
		if !isEnded(t, context.Cause(held), "does not pass its probes any more") || !errors.Is(context.Cause(held), credential.ErrDrift) {
			t.Errorf("%v", context.Cause(held))
		}
	})
}

// The store is looked at while something is held, and only then; much work on
// one role costs one look.
func TestWatchEndsWithTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &failing{}
		b, _ := bubbled(t, strict, func(o *credential.Options) {
			store.Verdicts, o.Verdicts = o.Verdicts, store
		})
		looks := func() int {
			before := store.count()
			time.Sleep(time.Minute + time.Second) // of the bubble's fake clock
			synctest.Wait()
			return store.count() - before
		}
		provider := b.Role(acme())
		if _, err := provider.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		var releases []context.CancelFunc
		var contexts []context.Context
		for range 10 {
			held, release := b.Hold(t.Context(), provider)
			contexts, releases = append(contexts, held), append(releases, release)
		}
		if n := looks(); n != 4 {
			t.Errorf("%d looks in a minute", n)
		}
		for _, release := range releases {
			release()
		}
		if n := looks(); n != 0 {
			t.Errorf("%d looks when nothing is held", n)
		}
		if cause := context.Cause(contexts[0]); !errors.Is(cause, context.Canceled) {
			t.Errorf("released: %v", cause)
		}
		again, release := b.Hold(t.Context(), provider)
		defer release()
		if n := looks(); n != 4 {
			t.Errorf("%d looks in a minute, later", n)
		}
		b.Close()
		if again.Err() == nil {
			t.Error("goes on after the vault is closed")
		}
		late, release := b.Hold(t.Context(), provider)
		defer release()
		if late.Err() == nil {
			t.Error("held by a closed vault")
		}
	})
}

// Keys of a secret rest on no claim.
func TestHoldOfASecret(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	held, release := b.Hold(ctx, b.Secret(credential.SecretRequest{Organization: "acme", Secret: rolecall.Secret{Name: "keys", Type: rolecall.SecretAWSAccessKey}}))
	defer release()
	if held.Err() != nil {
		t.Errorf("%v", context.Cause(held))
	}
	cancel()
	if held.Err() == nil {
		t.Error("outlives its parent")
	}
}
