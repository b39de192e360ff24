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

// The network between a client and S3 fails at every point of a transfer. Then
// the transfer must end right or with an error that says so; what is written is
// whole or not there, and nothing stays behind.

// road is a client's way to S3. Its first connections meet toxics, the others
// go straight.
type road struct {
	to, proxy string // addresses
	bad       int    // connections that go through the proxy
	lanes     int    // connections at a time
	tape      *tape  // of the first connection; may be nil

	mu    sync.Mutex
	dials int
}

// newStraight is a road without a proxy.
func newStraight(t *testing.T, s *server) *road {
	t.Helper()
	at, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	return &road{to: at.Host, lanes: 1}
}

func newRoad(t *testing.T, s *server, bad int, toxics ...string) *road {
	t.Helper()
	r := newStraight(t, s)
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

func (r *road) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	r.mu.Lock()
	r.dials++
	n := r.dials
	r.mu.Unlock()
	address := r.to
	if n <= r.bad {
		address = r.proxy
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil && n == 1 && r.tape != nil {
		conn = &taped{conn, r.tape}
	}
	return conn, err
}

// bucket is a bucket at the road's end. With one lane a connection carries all
// requests, so that an offset into it is a point of the transfer.
func (r *road) bucket(t *testing.T, name string) Bucket {
	transport := &http.Transport{DialContext: r.dial, MaxConnsPerHost: r.lanes, MaxIdleConnsPerHost: r.lanes, ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	return Bucket{Name: name, Owner: owner, Client: hurried(NewClient(ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		Endpoint:    "http://" + r.to, PathStyle: true, UserAgent: "test", HTTP: &http.Client{Transport: transport},
	}))}
}

// hurried is the client with next to no time between its attempts.
func hurried(c *Client) *Client {
	quick := hasty{c.wire.retryer}
	c.wire.retryer = quick
	c.Client = s3.New(c.Client.Options(), func(o *s3.Options) { o.Retryer = quick })
	return c
}

type hasty struct{ aws.RetryerV2 }

// RetryDelay is a moment.
func (hasty) RetryDelay(int, error) (time.Duration, error) { return time.Millisecond, nil }

// tape notes how many bytes a connection carried, and at which of them the
// other side began to speak.
type tape struct {
	mu       sync.Mutex
	up, down points
	last     *points
}

type points struct {
	n     int64
	turns []int64
}

func (t *tape) note(p *points, n int) {
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

type taped struct {
	net.Conn
	tape *tape
}

// Read notes what S3 says.
func (c *taped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tape.note(&c.tape.down, n)
	return n, err
}

// Write notes what is said to S3.
func (c *taped) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.tape.note(&c.tape.up, n)
	return n, err
}

// around gives offsets at which something may go wrong differently: where a
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

// haul is a transfer over roads: what is read is at origin, under its size.
type haul struct {
	name string
	size int
	do   func(ctx context.Context, h haul, a errand) error
	far  string // the bucket to which the road is rough
}

// errand is a haul that is done.
type errand struct {
	from, to Bucket
	files    *os.Root         // to put
	into     *os.Root         // to get
	name     string           // of what is made
	journal  *journal.Journal // may be nil
}

func hauls(sizes ...int) []haul {
	get := func(ctx context.Context, h haul, a errand) error {
		_, err := Get(ctx, a.from, Object{Key: strconv.Itoa(h.size)}, a.into, "file", GetOptions{Marker: "job/0", Journal: a.journal})
		return err
	}
	put := func(ctx context.Context, h haul, a errand) error {
		_, err := Put(ctx, a.to, a.name, a.files, strconv.Itoa(h.size), PutOptions{Marker: "job/0", Journal: a.journal})
		return err
	}
	relay := func(ctx context.Context, h haul, a errand) error {
		_, err := Copy(ctx, a.from, Object{Key: strconv.Itoa(h.size)}, a.to, a.name, PutOptions{Marker: "job/0", Journal: a.journal})
		return err
	}
	var all []haul
	for _, size := range sizes {
		all = append(all, haul{"get", size, get, "origin"}, haul{"put", size, put, "target"},
			haul{"copy from", size, relay, "origin"}, haul{"copy to", size, relay, "target"})
	}
	return all
}

// field is where hauls happen.
type field struct {
	*server
	root *os.Root // with the files to put

	mu    sync.Mutex
	known map[string]bool // ids of uploads that a client used
}

func newField(t *testing.T, sizes ...int) *field {
	t.Helper()
	f := &field{server: newServer(t), root: newRoot(t), known: map[string]bool{}}
	f.meddle(func(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
		f.mu.Lock()
		f.known[r.URL.Query().Get("uploadId")] = true
		f.mu.Unlock()
		next(w, r)
	})
	for _, size := range sizes {
		f.have(t, strconv.Itoa(size), noise(size))
		write(t, f.root, strconv.Itoa(size), noise(size))
	}
	return f
}

// haul does it over the road, and holds what became of it against the promise.
func (f *field) haul(t *testing.T, h haul, over *road, name string) error {
	t.Helper()
	a := f.errand(t, name)
	err := h.over(t, over, a)
	f.judge(t, h, a, err)
	return err
}

func (f *field) errand(t *testing.T, name string) errand {
	t.Helper()
	return errand{from: f.bucket(t, "origin"), to: f.bucket(t, "target"), files: f.root, into: newRoot(t), name: name}
}

func (h haul) over(t *testing.T, over *road, a errand) error {
	if h.far == "origin" {
		a.from = over.bucket(t, "origin")
	} else {
		a.to = over.bucket(t, "target")
	}
	return h.do(t.Context(), h, a)
}

// judge asks that all of it is there, or nothing, as the transfer says.
func (f *field) judge(t *testing.T, h haul, a errand, err error) {
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
	case err == nil && (found != nil || !bytes.Equal(there, noise(h.size))):
		t.Errorf("%d bytes are there, not the same: %v", len(there), found)
	case err != nil && (!errors.As(err, &e) || (e.Kind != Unreachable && e.Kind != Unavailable)):
		t.Errorf("another error: %v", err)
	case found == nil && !bytes.Equal(there, noise(h.size)):
		t.Errorf("%d bytes are there, not all or others", len(there))
	}
	for _, u := range f.Uploads("target") {
		f.mu.Lock()
		known := f.known[u.ID]
		f.mu.Unlock()
		// One whose id never came, as the answer was lost, is left to Sweep.
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

// A connection that ends at any byte, in either direction, costs an attempt,
// and no more than that.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	sizes := map[int]int{1000: 8, 3 * mib: 4, multipartFrom + 1: 3} // to cuts
	f := newField(t, slices.Collect(maps.Keys(sizes))...)
	random := rand.New(rand.NewPCG(1, 2))
	for size, most := range sizes {
		for _, h := range hauls(size) {
			straight := newStraight(t, f.server)
			straight.tape = &tape{}
			if err := f.haul(t, h, straight, fmt.Sprint(h.name, h.size)); err != nil {
				t.Fatal(err)
			}
			for stream, passed := range map[string]points{"upstream": straight.tape.up, "downstream": straight.tape.down} {
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
						if err := f.haul(t, h, newGap(t, f.server, 1, gap{stream, n, reset}), t.Name()); err != nil {
							t.Error(err)
						}
					})
				}
			}
		}
	}
}

// Where no connection gets further, a transfer ends with an error, or right.
func TestCutAlways(t *testing.T) {
	t.Parallel()
	sizes := []int{1000, multipartFrom + 1}
	f := newField(t, sizes...)
	for _, h := range hauls(sizes...) {
		for stream, at := range map[string][]int64{
			"upstream": {0, 300, 1500, 6 * mib}, "downstream": {0, 100, 700, 6 * mib},
		} {
			for i, n := range at {
				t.Run(fmt.Sprintf("%s %d %s at %d", h.name, h.size, stream, n), func(t *testing.T) {
					t.Parallel()
					err := f.haul(t, h, newGap(t, f.server, math.MaxInt, gap{stream, n, i%2 == 1}), t.Name())
					if n == 0 && err == nil {
						t.Error("nothing came through, but all is well")
					}
				})
			}
		}
	}
}

// What the network has ended is taken up over a better one, or taken back.
func TestCutThenTakenUp(t *testing.T) {
	t.Parallel()
	const size = 3*partSize + 1
	f := newField(t, size)
	random := rand.New(rand.NewPCG(5, 6))
	for _, h := range hauls(size) {
		for i := range 3 + chaos(t)/2 {
			stream := "upstream"
			if h.far == "origin" {
				stream = "downstream"
			}
			n := random.Int64N(partSize)
			t.Run(fmt.Sprintf("%s %d", h.name, n), func(t *testing.T) {
				t.Parallel()
				a := f.errand(t, t.Name())
				a.journal = journal.New()
				rough := newGap(t, f.server, math.MaxInt, gap{stream, n, i%2 == 1})
				rough.lanes = 1 + i%4
				err := h.over(t, rough, a)
				if err == nil || i%3 == 2 { // it needed no more, or is not wanted any more
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

// What is slow, late, in crumbs or shy to close is no fault; what goes silent
// or away is one, that passes.
func TestRough(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1000, multipartFrom + 1}
	f := newField(t, sizes...)
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
		for _, h := range hauls(sizes...) {
			t.Run(fmt.Sprintf("%s %s %d", h.name, name, h.size), func(t *testing.T) {
				t.Parallel()
				over := newRoad(t, f.server, c.bad, c.toxics...)
				over.lanes = 4
				if err := f.haul(t, h, over, t.Name()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A listing that breaks off anywhere is never taken for the whole.
func TestListCutAnywhere(t *testing.T) {
	t.Parallel()
	const keys = 1100 // two pages
	s := newServer(t)
	for i := range keys {
		if err := s.PutObject("origin", fmt.Sprintf("many/%04d", i), strings.NewReader("")); err != nil {
			t.Fatal(err)
		}
	}
	list := func(over *road) (n int, last error) {
		for _, err := range List(t.Context(), over.bucket(t, "origin"), "many/") {
			if last = err; err == nil {
				n++
			}
		}
		return n, last
	}
	straight := newStraight(t, s)
	straight.tape = &tape{}
	if n, err := list(straight); n != keys || err != nil {
		t.Fatal(n, err)
	}
	at := straight.tape.down.around()
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
