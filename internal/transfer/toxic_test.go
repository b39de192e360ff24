package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rs/zerolog"

	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/workdir"
)

// The network between a client and S3 fails at every point of a transfer. The
// transfer must succeed, or end with the right error. What it writes is
// complete or absent, and nothing else is left.

// route is a client's way to S3. Its first connections meet toxics, the others
// are direct.
type route struct {
	to, proxy string   // addresses
	bad       int      // connections that go through the proxy
	lanes     int      // connections at a time
	traffic   *traffic // of the first connection; may be nil

	mu    sync.Mutex
	dials int
}

// newDirectRoute returns a route without a proxy.
func newDirectRoute(t *testing.T, s *server) *route {
	t.Helper()
	at, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	return &route{to: at.Host, lanes: 1}
}

func newRoute(t *testing.T, s *server, bad int, toxics ...string) *route {
	t.Helper()
	r := newDirectRoute(t, s)
	front := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(front, "s3", "127.0.0.1:0", r.to)
	for i, toxic := range toxics {
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name": "%d", %s}`, i, toxic))); err != nil {
			t.Fatal(err)
		}
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	r.proxy, r.bad = proxy.Listen, bad
	return r
}

func (r *route) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	r.mu.Lock()
	r.dials++
	n := r.dials
	r.mu.Unlock()
	address := r.to
	if n <= r.bad {
		address = r.proxy
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil && n == 1 && r.traffic != nil {
		conn = &recordedConn{conn, r.traffic}
	}
	return conn, err
}

// bucket returns a bucket that is reached by the route. With one lane a
// connection has all requests, so that an offset in it is a point of the
// transfer.
func (r *route) bucket(t *testing.T, name string) Bucket {
	transport := &http.Transport{DialContext: r.dial, MaxConnsPerHost: r.lanes, MaxIdleConnsPerHost: r.lanes, ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	return Bucket{Name: name, Owner: owner, Client: withoutPauses(NewClient(ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		Endpoint:    "http://" + r.to, PathStyle: true, UserAgent: "test", HTTP: &http.Client{Transport: transport},
	}))}
}

// withoutPauses returns the client with hardly any time between its attempts.
func withoutPauses(c *Client) *Client {
	quick := fastRetryer{c.wire.retryer}
	c.wire.retryer = quick
	c.Client = s3.New(c.Client.Options(), func(o *s3.Options) { o.Retryer = quick })
	return c
}

type fastRetryer struct{ aws.RetryerV2 }

func (fastRetryer) RetryDelay(int, error) (time.Duration, error) { return time.Millisecond, nil }

// traffic records how many bytes a connection transferred, and at which of them
// the other side began to send.
type traffic struct {
	mu       sync.Mutex
	up, down points
	last     *points
}

type points struct {
	n     int64
	turns []int64
}

func (t *traffic) note(p *points, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n == 0 {
		return
	}
	if t.last != p {
		t.last = p
		p.turns = append(p.turns, p.n)
	}
	p.n += int64(n)
}

type recordedConn struct {
	net.Conn
	tape *traffic
}

// Read records what S3 sends.
func (c *recordedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tape.note(&c.tape.down, n)
	return n, err
}

// Write records what is sent to S3.
func (c *recordedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.tape.note(&c.tape.up, n)
	return n, err
}

// around returns offsets at which a failure may have different effects: where a
// request, a body or an answer begins and ends, in headers, and in the middle.
func (p points) around() []int64 {
	var out []int64
	for i, from := range p.turns {
		to := p.n
		if i+1 < len(p.turns) {
			to = p.turns[i+1]
		}
		out = append(out, from, from+1, from+200, from+(to-from)/2, to-60, to-1)
	}
	out = slices.DeleteFunc(out, func(n int64) bool { return n < 0 || n > p.n })
	slices.Sort(out)
	return slices.Compact(out)
}

// transferCase is a transfer over routes. Its source is in origin, and the key
// is its size.
type transferCase struct {
	name      string
	size      int
	do        func(ctx context.Context, h transferCase, a attempt) error
	badBucket string // the bucket that is reached by the route
}

// attempt is one run of a transferCase.
type attempt struct {
	from, to Bucket
	files    *os.Root         // to put
	into     *os.Root         // to get
	name     string           // of the object or file that is written
	journal  *journal.Journal // may be nil
}

func transferCases(sizes ...int) []transferCase {
	get := func(ctx context.Context, h transferCase, a attempt) error {
		_, err := Get(ctx, a.from, Object{Key: strconv.Itoa(h.size)}, a.into, "file", GetOptions{Marker: "job/0", Journal: a.journal})
		return err
	}
	put := func(ctx context.Context, h transferCase, a attempt) error {
		_, err := Put(ctx, a.to, a.name, a.files, strconv.Itoa(h.size), PutOptions{Marker: "job/0", Journal: a.journal})
		return err
	}
	relay := func(ctx context.Context, h transferCase, a attempt) error {
		_, err := Copy(ctx, a.from, Object{Key: strconv.Itoa(h.size)}, a.to, a.name, PutOptions{Marker: "job/0", Journal: a.journal})
		return err
	}
	var all []transferCase
	for _, size := range sizes {
		all = append(all, transferCase{"get", size, get, "origin"}, transferCase{"put", size, put, "target"},
			transferCase{"copy from", size, relay, "origin"}, transferCase{"copy to", size, relay, "target"})
	}
	return all
}

// testbed has the server and the files for transfers.
type testbed struct {
	*server
	root *os.Root // with the files to put

	mu    sync.Mutex
	known map[string]bool // ids of uploads that a client used
}

func newTestbed(t *testing.T, sizes ...int) *testbed {
	t.Helper()
	f := &testbed{server: newServer(t), root: newRoot(t), known: map[string]bool{}}
	f.setTamper(func(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
		f.mu.Lock()
		f.known[r.URL.Query().Get("uploadId")] = true
		f.mu.Unlock()
		next(w, r)
	})
	for _, size := range sizes {
		f.store(t, strconv.Itoa(size), testBytes(size))
		write(t, f.root, strconv.Itoa(size), testBytes(size))
	}
	return f
}

// try runs the transfer over the route, and checks its result.
func (f *testbed) try(t *testing.T, h transferCase, over *route, name string) error {
	t.Helper()
	a := f.newAttempt(t, name)
	err := h.run(t, over, a)
	f.judge(t, h, a, err)
	return err
}

func (f *testbed) newAttempt(t *testing.T, name string) attempt {
	t.Helper()
	return attempt{from: f.bucket(t, "origin"), to: f.bucket(t, "target"), files: f.root, into: newRoot(t), name: name}
}

func (h transferCase) run(t *testing.T, over *route, a attempt) error {
	if h.badBucket == "origin" {
		a.from = over.bucket(t, "origin")
	} else {
		a.to = over.bucket(t, "target")
	}
	return h.do(t.Context(), h, a)
}

// judge checks that everything is there, or nothing, as the transfer reports.
func (f *testbed) judge(t *testing.T, h transferCase, a attempt, err error) {
	t.Helper()
	var there []byte
	var found error
	if h.name == "get" {
		there, found = a.into.ReadFile("file")
	} else {
		var read bytes.Buffer
		found = f.ReadObject("target", a.name, &read)
		there = read.Bytes()
	}
	var e *Error
	switch {
	case err == nil && (found != nil || !bytes.Equal(there, testBytes(h.size))):
		t.Errorf("%d bytes are there, not the same: %v", len(there), found)
	case err != nil && (!errors.As(err, &e) || (e.Kind != Unreachable && e.Kind != Unavailable)):
		t.Errorf("another error: %v", err)
	case found == nil && !bytes.Equal(there, testBytes(h.size)):
		t.Errorf("%d bytes are there, not all or others", len(there))
	}
	for _, u := range f.Uploads("target") {
		f.mu.Lock()
		known := f.known[u.ID]
		f.mu.Unlock()
		// An upload whose id was lost with the answer is left to Sweep.
		if u.Key == a.name && known && (e == nil || e.Upload != u.ID) {
			t.Errorf("an upload is open; the transfer ended with %v", err)
		}
	}
	for _, file := range files(t, a.into) {
		if workdir.IsTemporary(file) {
			t.Errorf("the temporary file %s is left", file)
		}
	}
}

// A connection that ends at any byte, in either direction, costs one attempt
// and nothing else.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	sizes := map[int]int{1000: 8, 3 * mib: 4, multipartFrom + 1: 3} // to cuts
	f := newTestbed(t, slices.Collect(maps.Keys(sizes))...)
	random := rand.New(rand.NewPCG(1, 2))
	for size, most := range sizes {
		for _, h := range transferCases(size) {
			straight := newDirectRoute(t, f.server)
			straight.traffic = &traffic{}
			if err := f.try(t, h, straight, fmt.Sprint(h.name, h.size)); err != nil {
				t.Fatal(err)
			}
			for stream, passed := range map[string]points{"upstream": straight.traffic.up, "downstream": straight.traffic.down} {
				at := passed.around()
				random.Shuffle(len(at), func(i, j int) { at[i], at[j] = at[j], at[i] })
				if more := chaos(t); more > 0 {
					for range more / 10 {
						at = append(at, random.Int64N(passed.n))
					}
				} else {
					at = at[:min(most, len(at))]
				}
				for i, n := range at {
					reset := i%2 == 1
					t.Run(fmt.Sprintf("%s %d %s at %d %t", h.name, h.size, stream, n, reset), func(t *testing.T) {
						t.Parallel()
						if err := f.try(t, h, newGap(t, f.server, 1, gap{stream, n, reset}), t.Name()); err != nil {
							t.Error(err)
						}
					})
				}
			}
		}
	}
}

// If every connection ends early, a transfer ends with an error, or succeeds.
func TestCutAlways(t *testing.T) {
	t.Parallel()
	sizes := []int{1000, multipartFrom + 1}
	f := newTestbed(t, sizes...)
	for _, h := range transferCases(sizes...) {
		for stream, at := range map[string][]int64{
			"upstream": {0, 300, 1500, 6 * mib}, "downstream": {0, 100, 700, 6 * mib},
		} {
			for i, n := range at {
				t.Run(fmt.Sprintf("%s %d %s at %d", h.name, h.size, stream, n), func(t *testing.T) {
					t.Parallel()
					err := f.try(t, h, newGap(t, f.server, math.MaxInt, gap{stream, n, i%2 == 1}), t.Name())
					if n == 0 && err == nil {
						t.Error("nothing came through, but all is well")
					}
				})
			}
		}
	}
}

// A transfer that failed is resumed over a better network, or undone.
func TestCutThenResumed(t *testing.T) {
	t.Parallel()
	const size = 3*partSize + 1
	f := newTestbed(t, size)
	random := rand.New(rand.NewPCG(5, 6))
	for _, h := range transferCases(size) {
		for i := range 3 + chaos(t)/2 {
			stream := "upstream"
			if h.badBucket == "origin" {
				stream = "downstream"
			}
			n := random.Int64N(partSize)
			t.Run(fmt.Sprintf("%s %d", h.name, n), func(t *testing.T) {
				t.Parallel()
				a := f.newAttempt(t, t.Name())
				a.journal = journal.New()
				rough := newGap(t, f.server, math.MaxInt, gap{stream, n, i%2 == 1})
				rough.lanes = 1 + i%4
				err := h.run(t, rough, a)
				if err == nil || i%3 == 2 { // it succeeded, or shall be undone
					if err := a.journal.Retract(t.Context()); err != nil {
						t.Error(err)
					}
				} else {
					err = h.do(t.Context(), h, a)
					if err != nil {
						t.Error(err)
					}
				}
				f.judge(t, h, a, err)
			})
		}
	}
}

// Slow, late or fragmented traffic, and connections that close late, are no
// error. Connections that go silent or away are one that passes.
func TestRough(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1000, multipartFrom + 1}
	f := newTestbed(t, sizes...)
	both := func(toxic string) []string {
		return []string{toxic + `, "stream": "upstream"`, toxic + `, "stream": "downstream"`}
	}
	for name, c := range map[string]struct {
		bad    int
		toxics []string
	}{
		"latency":        {math.MaxInt, both(`"type": "latency", "attributes": {"latency": 10, "jitter": 9}`)},
		"bandwidth":      {math.MaxInt, both(`"type": "bandwidth", "attributes": {"rate": 40000}`)},
		"slicer":         {math.MaxInt, both(`"type": "slicer", "attributes": {"average_size": 1500, "size_variation": 700}`)},
		"slow close":     {math.MaxInt, both(`"type": "slow_close", "attributes": {"delay": 100}`)},
		"silent once":    {3, both(`"type": "timeout", "attributes": {"timeout": 30}`)},
		"reset at once":  {3, both(`"type": "reset_peer", "attributes": {"timeout": 0}`)},
		"reset a little": {3, both(`"type": "reset_peer", "attributes": {"timeout": 20}`)},
	} {
		for _, h := range transferCases(sizes...) {
			t.Run(fmt.Sprintf("%s %s %d", h.name, name, h.size), func(t *testing.T) {
				t.Parallel()
				over := newRoute(t, f.server, c.bad, c.toxics...)
				over.lanes = 4
				if err := f.try(t, h, over, t.Name()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A listing that breaks off anywhere is never taken for complete.
func TestListCutAnywhere(t *testing.T) {
	t.Parallel()
	const keys = 1100 // two pages
	s := newServer(t)
	for i := range keys {
		if err := s.PutObject("origin", fmt.Sprintf("many/%04d", i), strings.NewReader("")); err != nil {
			t.Fatal(err)
		}
	}
	list := func(over *route) (n int, last error) {
		for _, err := range List(t.Context(), over.bucket(t, "origin"), "many/") {
			if last = err; err == nil {
				n++
			}
		}
		return n, last
	}
	straight := newDirectRoute(t, s)
	straight.traffic = &traffic{}
	if n, err := list(straight); n != keys || err != nil {
		t.Fatal(n, err)
	}
	at := straight.traffic.down.around()
	if chaos(t) == 0 {
		at = slices.Concat(at[:4], at[len(at)-4:])
	}
	for _, bad := range []int{1, math.MaxInt} {
		for i, n := range at {
			count, err := list(newGap(t, s, bad, gap{"downstream", n, i%2 == 1}))
			if (count == keys) != (err == nil) || (err != nil && bad == 1) {
				t.Errorf("%d of %d keys, cut at %d: %v", count, keys, n, err)
			}
		}
	}
}
