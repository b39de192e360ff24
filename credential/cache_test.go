package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
)

type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newTestCache(t *testing.T) (*cache, *testClock) {
	clock := &testClock{now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	c := newCache(clock.Now, func() float64 { return 0.5 }, slog.New(slog.DiscardHandler))
	t.Cleanup(c.close)
	return c, clock
}

// numbered fetches credentials with ids 1, 2, … that live for life.
type numbered struct {
	cache *cache
	clock *testClock
	life  time.Duration
	mu    sync.Mutex
	n     int
	fail  error
}

func (f *numbered) fetch(context.Context) (fetched, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.fail != nil {
		return fetched{}, f.fail
	}
	c := aws.Credentials{AccessKeyID: fmt.Sprint(f.n), SecretAccessKey: "s", CanExpire: f.life > 0, Expires: f.clock.Now().Add(f.life)}
	return fetched{credentials: c, epoch: f.cache.epoch(key{})}, nil
}

func (f *numbered) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *numbered) setFail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

// Keys that differ in one component have different credentials. The test uses
// reflection, so that a new component cannot be forgotten.
func TestEachComponentOfTheKeyMisses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var base key
		change := func(v reflect.Value, seed int) {
			switch v.Kind() {
			case reflect.String:
				v.SetString(fmt.Sprint("value ", seed))
			case reflect.Int64:
				v.SetInt(int64(seed))
			default:
				rt.Fatalf("teach this test about %s", v.Type())
			}
		}
		fields := leaves(reflect.TypeFor[key]())
		of := func(k *key, field reflect.StructField) reflect.Value {
			return reflect.ValueOf(k).Elem().FieldByIndex(field.Index)
		}
		for _, field := range fields {
			if rapid.Bool().Draw(rt, "set") {
				change(of(&base, field), rapid.IntRange(1, 3).Draw(rt, "value"))
			}
		}
		c, clock := newTestCache(t)
		source := &numbered{cache: c, clock: clock, life: time.Hour}
		take := func(k key) string {
			got, err := c.get(t.Context(), k, source.fetch)
			if err != nil {
				rt.Fatal(err)
			}
			return got.AccessKeyID
		}
		seen := map[string]string{take(base): "the base"}
		for _, field := range fields {
			other := base
			change(of(&other, field), 4)
			name := field.Name
			id := take(other)
			if before, shared := seen[id]; shared {
				rt.Fatalf("another %s shares the credential of %s", name, before)
			}
			seen[id] = name
			if take(other) != id || take(base) != "1" {
				rt.Fatalf("%s: the same key misses", name)
			}
		}
	})
}

// leaves are the fields of a struct and of the structs in it.
func leaves(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Type.Kind() == reflect.Struct })
}

// Every field of a request reaches the key, except the task's label: tasks with
// different labels share a credential.
func TestEachFieldOfARequestReachesTheKey(t *testing.T) {
	t.Parallel()
	vault, err := New(Options{Verdicts: Memory()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vault.Close)
	vary(t, Role{}, nil, func(v any) key { return vault.Role(v.(Role)).key })
	vary(t, SecretRequest{}, nil, func(v any) key { return vault.Secret(v.(SecretRequest)).key })
}

func vary(t *testing.T, zero any, except map[string]bool, keyOf func(any) key) {
	t.Helper()
	base := keyOf(zero)
	typ := reflect.TypeOf(zero)
	for i := range typ.NumField() {
		v := reflect.New(typ).Elem()
		name := typ.Field(i).Name
		switch f := v.Field(i); f.Interface().(type) {
		case string:
			f.SetString("other")
		case []byte:
			f.SetBytes([]byte("other"))
		case time.Duration:
			f.SetInt(int64(time.Minute))
		case rolecall.Secret:
			f.Set(reflect.ValueOf(rolecall.Secret{Version: "other"}))
		default:
			t.Fatalf("teach this test about %s", f.Type())
		}
		if same := keyOf(v.Interface()) == base; same != except[name] {
			t.Errorf("%s.%s: the key is the same: %v", typ.Name(), name, same)
		}
	}
}

func TestRefreshAheadServesTheOldOne(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	source := &numbered{cache: c, clock: clock, life: time.Hour}
	k := key{Subject: Subject{Organization: "acme"}}
	take := func() string {
		t.Helper()
		got, err := c.get(t.Context(), k, source.fetch)
		if err != nil {
			t.Fatal(err)
		}
		return got.AccessKeyID
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "1"}, {44 * time.Minute, "1"}, {4 * time.Minute, "1"}, {0, "2"}, {40 * time.Minute, "2"}, {19*time.Minute + 55*time.Second, "3"}, {0, "3"}} {
		clock.advance(step.after)
		if got := take(); got != step.want {
			t.Errorf("%s later: credential %s, want %s", step.after, got, step.want)
		}
		(&Provider{vault: &Vault{cache: c}, key: k}).Idle()
	}
}

func TestFailedRefreshBacksOff(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	source := &numbered{cache: c, clock: clock, life: time.Hour}
	k := key{Subject: Subject{Organization: "acme"}}
	take := func() (string, error) {
		got, err := c.get(t.Context(), k, source.fetch)
		(&Provider{vault: &Vault{cache: c}, key: k}).Idle()
		return got.AccessKeyID, err
	}
	if _, err := take(); err != nil {
		t.Fatal(err)
	}
	outage := errors.New("outage")
	source.setFail(outage)
	clock.advance(50 * time.Minute)
	for range 9 * 60 {
		if id, err := take(); id != "1" || err != nil {
			t.Fatalf("%s, %v", id, err)
		}
		clock.advance(time.Second)
	}
	if n := source.count(); n < 8 || n > 20 {
		t.Errorf("%d attempts in nine minutes", n-1)
	}
	clock.advance(time.Minute)
	if _, err := take(); !errors.Is(err, outage) {
		t.Errorf("after its end: %v", err)
	}
	source.setFail(nil)
	if id, err := take(); err != nil || id == "1" {
		t.Errorf("%s, %v", id, err)
	}
}

func TestUnsafeRefreshDropsTheOldOne(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	source := &numbered{cache: c, clock: clock, life: time.Hour}
	k := key{Subject: Subject{Organization: "acme"}}
	if _, err := c.get(t.Context(), k, source.fetch); err != nil {
		t.Fatal(err)
	}
	source.setFail(fmt.Errorf("drift: %w", ErrUnsafe))
	clock.advance(50 * time.Minute)
	_, _ = c.get(t.Context(), k, source.fetch)
	(&Provider{vault: &Vault{cache: c}, key: k}).Idle()
	if got, err := c.get(t.Context(), k, source.fetch); !errors.Is(err, ErrUnsafe) {
		t.Errorf("%s, %v", got.AccessKeyID, err)
	}
}

// What was fetched before a purge is not returned after it.
func TestPurgeReachesFetchesUnderWay(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	source := &numbered{cache: c, clock: clock, life: time.Hour}
	purged := false
	fetch := func(ctx context.Context) (fetched, error) {
		got, err := source.fetch(ctx)
		if !purged {
			purged = true
			c.purge(func(Subject) bool { return true })
		}
		return got, err
	}
	if got, err := c.get(t.Context(), key{}, fetch); err != nil || got.AccessKeyID != "2" {
		t.Errorf("%s, %v", got.AccessKeyID, err)
	}
}

// What others purge neither repeats a fetch nor drops its result.
func TestPurgeOfAnotherHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	source := &numbered{cache: c, clock: clock, life: time.Hour}
	fetch := func(ctx context.Context) (fetched, error) {
		got, err := source.fetch(ctx)
		if source.count() < 10 {
			c.purge(func(s Subject) bool { return s.Organization == "other" })
		}
		return got, err
	}
	if got, err := c.get(t.Context(), key{}, fetch); err != nil || got.AccessKeyID != "1" {
		t.Errorf("%s, %v", got.AccessKeyID, err)
	}
}

// A fetch whose ground is purged each time ends with an error.
func TestEndlessPurgesEnd(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	source := &numbered{cache: c, clock: clock, life: time.Hour}
	fetch := func(ctx context.Context) (fetched, error) {
		got, err := source.fetch(ctx)
		if source.count() < 100 {
			c.purge(func(Subject) bool { return true })
		}
		return got, err
	}
	if got, err := c.get(t.Context(), key{}, fetch); rolecall.CodeOf(err) != rolecall.Unavailable || got.HasKeys() {
		t.Errorf("%s, %v", got.AccessKeyID, err)
	}
	if n := source.count(); n != maxFetches {
		t.Errorf("%d fetches", n)
	}
}

func TestCacheForgets(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	sessions := &numbered{cache: c, clock: clock, life: time.Hour}
	secrets := &numbered{cache: c, clock: clock}
	for i := range 1000 {
		for _, source := range []*numbered{sessions, secrets} {
			if _, err := c.get(t.Context(), key{Subject: Subject{Organization: fmt.Sprint(i)}, Secret: fmt.Sprint(source.life)}, source.fetch); err != nil {
				t.Fatal(err)
			}
		}
		clock.advance(time.Minute)
	}
	if n := len(c.entries); n > 130 {
		t.Errorf("%d credentials are held", n)
	}
}

func TestCloseEndsFetches(t *testing.T) {
	t.Parallel()
	c, _ := newTestCache(t)
	entered := make(chan struct{})
	taken := make(chan error, 1)
	go func() {
		_, err := c.get(t.Context(), key{}, func(ctx context.Context) (fetched, error) {
			close(entered)
			<-ctx.Done()
			return fetched{}, ctx.Err()
		})
		taken <- err
	}()
	<-entered
	c.close()
	if err := <-taken; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A clock that is set back in the middle of a call leaves nothing locked.
func TestClockSetBackInACall(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	source := &numbered{cache: c, clock: clock, life: time.Hour}
	if _, err := c.get(t.Context(), key{}, source.fetch); err != nil {
		t.Fatal(err)
	}
	calls := 0
	c.now = func() time.Time {
		calls++
		return clock.Now().Add(time.Duration(max(0, 2-calls)) * 2 * time.Hour)
	}
	if got, err := c.get(t.Context(), key{}, source.fetch); err != nil || got.AccessKeyID != "2" {
		t.Errorf("%s, %v", got.AccessKeyID, err)
	}
}
