package transfer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// limitedServer accepts a number of requests per second for a bucket, and
// refuses the others. Buckets without a limit are limited by its answer time
// only.
type limitedServer struct {
	limits map[string]float64

	mu    sync.Mutex
	tally map[string]*tally
}

type tally struct {
	room           float64
	at             time.Time
	taken, refused int
}

func newLimitedServer(limits map[string]float64) *limitedServer {
	return &limitedServer{limits: limits, tally: map[string]*tally{}}
}

func (s *limitedServer) Do(r *http.Request) (*http.Response, error) {
	time.Sleep(10*time.Millisecond + rand.N(20*time.Millisecond)) // of the bubble's fake clock
	bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	now, one := time.Now(), s.of(bucket)
	if limit, ok := s.limits[bucket]; ok {
		one.room = min(one.room+limit*now.Sub(one.at).Seconds(), max(2, limit/4))
		if one.at = now; one.room < 1 {
			one.refused++
			return answer(r, http.StatusServiceUnavailable, strings.NewReader("<Error><Code>SlowDown</Code></Error>"), 36), nil
		}
		one.room--
	}
	one.taken++
	return answer(r, http.StatusOK, strings.NewReader(""), 0), nil
}

func (s *limitedServer) of(bucket string) *tally {
	if s.tally[bucket] == nil {
		s.tally[bucket] = &tally{}
	}
	return s.tally[bucket]
}

// measure counts the requests for a bucket in the time.
func (s *limitedServer) measure(bucket string, d time.Duration) (perSecond, refused float64) {
	count := func() tally {
		s.mu.Lock()
		defer s.mu.Unlock()
		return *s.of(bucket)
	}
	before := count()
	time.Sleep(d) // of the bubble's fake clock
	now := count()
	taken, no := float64(now.taken-before.taken), float64(now.refused-before.refused)
	return taken / d.Seconds(), no / (taken + no)
}

func (s *limitedServer) bucket(name string, rates *Rates) Bucket {
	return Bucket{Name: name, Client: NewClient(ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), Endpoint: "http://s3.invalid", PathStyle: true,
		HTTP: s, Rates: rates,
	})}
}

// keepRequesting requests objects from many goroutines until the context ends,
// one in eight of them by the AWS SDK. It returns a function that waits for
// them.
func keepRequesting(ctx context.Context, t *testing.T, b Bucket, clients int) (wait func()) {
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for ctx.Err() == nil {
				var err error
				if i%8 == 0 {
					_, err = Head(ctx, b, "x")
				} else {
					var resp *http.Response
					if resp, err = b.Client.wire.get(ctx, request{bucket: b, key: "x", header: http.Header{}}); err == nil {
						err = resp.Body.Close()
					}
				}
				if err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	return all.Wait
}

// The rate of requests converges to what the server accepts, with few refusals.
// No request fails, however many are refused at first.
func TestRatesConverge(t *testing.T) {
	t.Parallel()
	for _, limit := range []float64{10, 100} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newLimitedServer(map[string]float64{"b": limit})
				ctx, cancel := context.WithCancel(t.Context())
				wait := keepRequesting(ctx, t, server.bucket("b", nil), 32)
				server.measure("b", 15*time.Second)
				perSecond, refused := server.measure("b", 30*time.Second)
				if perSecond < 0.85*limit || refused > 0.1 {
					t.Errorf("%.1f of %v requests a second, %.1f %% refused", perSecond, limit, 100*refused)
				}
				cancel()
				wait()
			})
		})
	}
}

// Clients of a process share a bucket's rate. Other buckets have their own.
func TestRatesShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit = 40
		server, rates := newLimitedServer(map[string]float64{"b": limit}), NewRates()
		ctx, cancel := context.WithCancel(t.Context())
		first, second := server.bucket("b", rates), server.bucket("b", rates)
		waits := []func(){keepRequesting(ctx, t, first, 16), keepRequesting(ctx, t, second, 16), keepRequesting(ctx, t, server.bucket("other", rates), 2)}
		server.measure("b", 15*time.Second)
		perSecond, refused := server.measure("b", 20*time.Second)
		if perSecond < 0.9*limit || refused > 0.1 {
			t.Errorf("both: %.1f of %v requests a second, %.1f %% refused", perSecond, limit, 100*refused)
		}
		if perSecond, _ := server.measure("other", 5*time.Second); perSecond < 90 { // two, 20 ms each
			t.Errorf("the other: %.1f requests a second", perSecond)
		}
		cancel()
		for _, wait := range waits {
			wait()
		}
		// A new client waits at once.
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		third := server.bucket("b", rates)
		n := 0
		for ; ctx.Err() == nil; n++ {
			if began, err := third.Client.wire.throttle.wait(ctx, "b"); err == nil {
				third.Client.wire.throttle.record("b", began, nil)
			}
		}
		if n > 1.5*limit {
			t.Errorf("a new client sent %d requests in a second", n)
		}
	})
}

// A rate that was lowered recovers when S3 accepts more, and is forgotten.
func TestRatesRecover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rates, at := NewRates(), rateKey{"https://s3.example", "b"}
		began := time.Now()
		for range 4 * minAnswers {
			rates.record(at, began, refused)
		}
		time.Sleep(minWindow) // of the bubble's fake clock
		rates.record(at, began, refused)
		count := func(d time.Duration) (n int) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			for {
				began, err := rates.wait(ctx, at)
				if err != nil {
					return n
				}
				rates.record(at, began, accepted)
				if n++; n == 100_000 {
					return n
				}
			}
		}
		if n := count(time.Second); n > minFirstLimit/2 {
			t.Errorf("%d requests in the first second", n)
		}
		time.Sleep(forgetAfter) // of the bubble's fake clock
		if n := count(time.Second); n < 100_000 {
			t.Errorf("%d requests in a second, later", n)
		}
		if len(rates.rates) != 0 || rates.count.Load() != 0 {
			t.Errorf("%d rates are kept", len(rates.rates))
		}
	})
}

// Rates that have recovered are removed when others are added.
func TestRatesForget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rates := NewRates()
		for i := range 1000 {
			rates.record(rateKey{bucket: fmt.Sprint(i)}, time.Time{}, refused)
			time.Sleep(time.Second) // of the bubble's fake clock
		}
		if n := len(rates.rates); n > 62 {
			t.Errorf("%d rates are kept", n)
		}
	})
}

// answering is a server that answers in 20 ms, or refuses.
func answering(refuses func(n int64) bool) (b Bucket, taken *atomic.Int64) {
	var asked atomic.Int64
	taken = new(atomic.Int64)
	b = doer(func(r *http.Request) (*http.Response, error) {
		time.Sleep(20 * time.Millisecond) // of the bubble's fake clock
		if refuses(asked.Add(1)) {
			return answer(r, http.StatusServiceUnavailable, strings.NewReader("<Error><Code>SlowDown</Code></Error>"), 36), nil
		}
		taken.Add(1)
		return answer(r, http.StatusOK, strings.NewReader(""), 0), nil
	}).bucket()
	b.Client.wire.retryer.(*retryer).attempts = 100 //nolint:forcetypeassert // it is no other
	return b, taken
}

// A refusal now and then delays only the request that it refuses.
func TestRefusalsNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, taken := answering(func(n int64) bool { return n%12 == 0 })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		keepRequesting(ctx, t, b, 32)()
		if rate := b.Client.wire.throttle.rates.rates[rateKey{"http://s3.invalid", "b"}]; rate == nil || rate.accepted != 0 {
			t.Errorf("after %d requests %+v", taken.Load(), rate)
		}
	})
}

// If fewer requests do not help, the rate does not fall further and further.
func TestRefusalsAtAnyRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, taken := answering(func(int64) bool { return rand.IntN(4) == 0 })
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		keepRequesting(ctx, t, b, 32)()
		if n := taken.Load(); n < 1500 { // without Rates 130 per second
			t.Errorf("%d requests in half a minute", n)
		}
	})
}

// After an outage the rate soon recovers.
func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		b, taken := answering(func(int64) bool { return time.Since(began) > 5*time.Second && time.Since(began) < 15*time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		wait := keepRequesting(ctx, t, b, 16)
		time.Sleep(35 * time.Second) // of the bubble's fake clock
		before := taken.Load()
		wait()
		if n := taken.Load() - before; n < 1000 { // of 4000
			t.Errorf("%d requests in five seconds", n)
		}
	})
}

func BenchmarkRates(b *testing.B) {
	t := throttle{NewRates(), "https://s3.example"}
	for b.Loop() {
		began, err := t.wait(b.Context(), "b")
		if err != nil {
			b.Fatal(err)
		}
		t.record("b", began, nil)
	}
}
