package cli_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/reserved"
	"github.com/rolecall/rolecall/sandbox"
)

// A process that is killed at any point of a job leaves what another takes up:
// in the end the bytes are right, and nothing else is anywhere.

// moment is a point of a request to S3 at which the process that sent it dies.
type moment struct {
	operation string // empty: any
	nth       int    // of those, from 1
	come      string // how far it has come, one of these
}

const (
	arrival  = "arrival"   // S3 has not seen it
	inBody   = "in body"   // half of its body is at S3
	answered = "answered"  // S3 has done it, but was not heard
	inAnswer = "in answer" // half of the answer was heard
	later    = "later"     // some milliseconds ago
)

// killer stands between a process and the sandbox.
type killer struct {
	*site
	url string

	mu    sync.Mutex
	at    moment
	count int
	kill  func() // ends the process and waits for its end
}

func newKiller(t *testing.T, s *site) *killer {
	t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	k := &killer{site: s}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host },
		ModifyResponse: func(r *http.Response) error {
			hit, ok := r.Request.Context().Value(hitKey{}).(moment)
			switch {
			case !ok:
			case hit.come == answered:
				k.strike()
			case hit.come == inAnswer:
				r.Body = k.halved(r.Body, r.ContentLength)
			case hit.come == later:
				time.AfterFunc(rand.N(5*time.Millisecond), k.strike)
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0), // what breaks, breaks as it should
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hit, ok := k.due(r); ok {
			switch {
			case hit.come == arrival, hit.come == inBody && r.ContentLength == 0:
				k.strike()
				panic(http.ErrAbortHandler)
			case hit.come == inBody:
				r.Body = k.halved(r.Body, r.ContentLength)
			}
			r = r.WithContext(context.WithValue(r.Context(), hitKey{}, hit))
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	k.url = front.URL
	return k
}

type hitKey struct{}

// due tells whether this is the request.
func (k *killer) due(r *http.Request) (moment, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.URL.Path == "/" || (k.at.operation != "" && sandbox.S3Operation(r) != k.at.operation) {
		return moment{}, false
	}
	k.count++
	return k.at, k.count == k.at.nth
}

// set says when the process that is to be started dies.
func (k *killer) set(at moment, kill func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at, k.count, k.kill = at, 0, kill
}

func (k *killer) strike() {
	k.mu.Lock()
	kill := k.kill
	k.mu.Unlock()
	if kill != nil {
		kill()
	}
}

// halved strikes when half of a body has passed.
func (k *killer) halved(body io.ReadCloser, length int64) io.ReadCloser {
	return &halved{ReadCloser: body, left: length / 2, strike: k.strike}
}

type halved struct {
	io.ReadCloser
	left   int64
	strike func()
}

// Read reads until half is read.
func (h *halved) Read(p []byte) (int, error) {
	if h.left <= 0 {
		h.strike()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := h.ReadCloser.Read(p[:min(int64(len(p)), h.left)])
	h.left -= int64(n)
	return n, err
}

// casualty is a job that is killed again and again.
type casualty struct {
	*killer
	dir  string
	want map[string][32]byte // by key, or by name below the working directory
	work string              // get, put, copy by S3, copy through memory, or get and put
}

const large = 25 << 20 // more than three parts

func newCasualty(t *testing.T, work string, seed uint64) *casualty {
	t.Helper()
	c := &casualty{dir: t.TempDir(), want: map[string][32]byte{}, work: work}
	if err := os.CopyFS(c.dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	random := rand.NewChaCha8(key)
	for name, size := range map[string]int{"large.mov": large, "some.mov": 300 << 10, "small.mov": 100, "empty.mov": 0} {
		data := make([]byte, size)
		random.Read(data) //nolint:errcheck // it never fails
		c.want[name] = sha256.Sum256(data)
		at := "masters/in"
		if work == "put" {
			at = "work"
		}
		if err := os.MkdirAll(filepath.Join(c.dir, at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.dir, at, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, filepath.Join(c.dir, "sandbox.yaml"), func(cfg *sandbox.Config, _ *sandbox.Options) {
		media := cfg.Accounts["111122223333"].Roles["media"]
		cfg.Accounts["111122223333"].Roles["courier"] = &sandbox.Role{Trust: media.Trust, Policies: media.Policies}
	})
	c.killer = newKiller(t, s)
	config := filepath.Join(c.dir, "rolecall.yaml")
	(&site{url: c.url}).fillIn(t, config)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if work == "relay" {
		// Of two roles neither may do both: the bytes come through here.
		before, after, _ := bytes.Cut(text, []byte("delivery: {"))
		text = slices.Concat(before, []byte("delivery: {"), bytes.Replace(after, []byte("role/media"), []byte("role/courier"), 1))
		if err := os.WriteFile(config, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	get := `{"tool": "storage:get", "parameters": {"connection": "masters", "files": ["*.mov"]}}`
	put := `{"tool": "storage:put", "parameters": {"connection": "delivery", "files": ["*.mov"]}}`
	relay := `{"tool": "storage:copy", "parameters": {"source": {"connection": "masters"}, "destination": {"connection": "delivery"}, "files": ["*.mov"]}}`
	tasks := map[string]string{"get": get, "put": put, "get and put": get + "," + put, "copy": relay, "relay": relay}[work]
	if err := os.WriteFile(filepath.Join(c.dir, "job.json"), []byte(`{"tasks": [`+tasks+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// run runs the job until it ends or is killed, and tells which.
func (c *casualty) run(t *testing.T, at moment) (report rolecall.JobReport, killed bool) {
	t.Helper()
	run := command(t, c.dir, "run", "job.json", "--org", "acme", "--workdir", "work", "--output", "json")
	var out, said bytes.Buffer
	run.Stdout, run.Stderr = &out, &said
	started, gone := make(chan struct{}), make(chan struct{})
	c.set(at, func() {
		<-started
		run.Process.Kill() //nolint:errcheck // it may have ended
		<-gone
	})
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	err := run.Wait()
	c.set(moment{}, nil)
	close(gone)
	if status, ok := run.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return report, true
	}
	if err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &said)
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	return report, false
}

// label is the id of the job that was killed, if it came so far.
func (c *casualty) label(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(c.dir, "work", reserved.Dir, "*.journal"))
	if err != nil || len(found) == 0 {
		return ""
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("\n")) {
		return ""
	}
	var begun struct{ Label string }
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&begun); err != nil {
		t.Fatal(err)
	}
	return begun.Label
}

// complete tells what is there, but should not be, or is not there.
func (c *casualty) complete(t *testing.T) (faults []string) {
	t.Helper()
	delivered, local := map[string][32]byte{}, map[string][32]byte{}
	for key, data := range c.objects(t, "acme-delivery") {
		delivered[strings.TrimPrefix(key, "out/")] = sha256.Sum256([]byte(data))
	}
	work := filepath.Join(c.dir, "work")
	if err := fs.WalkDir(os.DirFS(work), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || (d.IsDir() && name != reserved.Dir) {
			return err
		}
		if d.IsDir() {
			// Between removing a journal and its directory there is time to die.
			if left, err := os.ReadDir(filepath.Join(work, name)); err != nil || len(left) > 0 {
				faults = append(faults, fmt.Sprintf("journals are left: %v, %v", left, err))
			}
			return fs.SkipDir
		}
		data, err := os.ReadFile(filepath.Join(work, name))
		local[name] = sha256.Sum256(data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	wantLocal, wantDelivered := c.want, c.want
	switch c.work {
	case "get":
		wantDelivered = nil
	case "copy", "relay":
		wantLocal = nil
	}
	if !maps.Equal(wantDelivered, delivered) {
		faults = append(faults, fmt.Sprintf("delivered are %q, or with other bytes", slices.Sorted(maps.Keys(delivered))))
	}
	if !maps.Equal(wantLocal, local) {
		faults = append(faults, fmt.Sprintf("in the working directory are %q, or with other bytes", slices.Sorted(maps.Keys(local))))
	}
	return faults
}

// survive kills the job at each moment, and then holds its end against what
// it would have been without.
func (c *casualty) survive(t *testing.T, moments []moment) (kills int) {
	t.Helper()
	id := ""
	for _, at := range append(moments, moment{}) {
		report, killed := c.run(t, at)
		if !killed {
			if report.Status != rolecall.Completed || (id != "" && report.ID != id) {
				t.Errorf("job %s ended as %+v", id, report)
			}
			if _, err := os.Lstat(filepath.Join(c.dir, "work", reserved.Dir)); !errors.Is(err, fs.ErrNotExist) {
				t.Error("the directory of journals is left: ", err)
			}
			break
		}
		kills++
		now := c.label(t)
		if now == "" && len(c.complete(t)) == 0 {
			break // it died after its work
		}
		if id != "" && now != id {
			t.Errorf("job %s became %q", id, now)
		}
		id = now
	}
	c.noUploads(t)
	for _, fault := range c.complete(t) {
		t.Error(fault)
	}
	return kills
}

// TestKilled kills where it hurts most.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		work    string
		moments []moment
	}{
		"before the upload's id is known": {"put", []moment{{"CreateMultipartUpload", 1, answered}}},
		"among parts, twice":              {"put", []moment{{"UploadPart", 2, inBody}, {"UploadPart", 1, arrival}}},
		"before completion is known":      {"get and put", []moment{{"GetObject", 2, inAnswer}, {"CompleteMultipartUpload", 1, answered}}},
		"in a copy by S3":                 {"copy", []moment{{"", 4, answered}}},
		"in a copy through memory":        {"relay", []moment{{"UploadPart", 2, inBody}, {"CompleteMultipartUpload", 1, arrival}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if kills := newCasualty(t, c.work, 1).survive(t, c.moments); kills != len(c.moments) {
				t.Errorf("killed %d times, not %d", kills, len(c.moments))
			}
		})
	}
}

// TestKilledAnywhere kills at random, as often as `make chaos` says.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	rounds, err := strconv.Atoi(cmp.Or(os.Getenv("ROLECALL_CHAOS"), "0"))
	if err != nil {
		t.Fatal(err)
	}
	works := []string{"get", "put", "copy", "relay", "get and put"}
	for seed := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, 3))
		var moments []moment
		for range 1 + random.IntN(4) {
			moments = append(moments, moment{"", 1 + random.IntN(12), []string{arrival, inBody, answered, inAnswer, later}[random.IntN(5)]})
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := newCasualty(t, works[seed%5], seed)
			t.Log(c.work, moments)
			t.Logf("killed %d times", c.survive(t, moments))
		})
	}
}
