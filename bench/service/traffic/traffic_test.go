// Package traffic_test measures how long rolecall serve, as a process of its
// own, takes for requests while many come.
package traffic_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/store/storetest"
)

var engines storetest.Engines

func TestMain(m *testing.M) { os.Exit(storetest.Run(m, &engines)) }

// The traffic: so many actors, of so many organizations, ask so often.
const (
	organizations = 10
	actors        = 50
	perSecond     = 200
	lasts         = 30 * time.Second
)

// BenchmarkTraffic sends requests at their times, whether earlier ones were
// answered or not, seven reads to three writes, and reports the percentiles of
// the time from when each was to be sent to its last byte.
func BenchmarkTraffic(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "rolecall")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", binary, "../../../cmd/rolecall").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		b.Run(engine, func(b *testing.B) {
			s := &service{b: b, binary: binary, dir: b.TempDir(), env: os.Environ()}
			config := "listen: 127.0.0.1:0\n"
			if engine == "PostgreSQL" {
				config += "database: {url_env: BENCH_DATABASE}\n"
				s.env = append(s.env, "BENCH_DATABASE="+engines.Database(b))
			}
			if err := os.WriteFile(filepath.Join(s.dir, "rolecall.yaml"), []byte(config), 0o600); err != nil {
				b.Fatal(err)
			}
			s.start()
			s.fill()
			for b.Loop() {
				s.measure()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

type service struct {
	b           *testing.B
	binary, dir string
	env         []string
	url         string
	tokens      [][2]string // organization and secret of each actor
}

func (s *service) command(args ...string) *exec.Cmd {
	c := exec.CommandContext(s.b.Context(), s.binary, args...)
	c.Dir, c.Env, c.Stderr = s.dir, s.env, os.Stderr
	return c
}

func (s *service) start() {
	s.b.Helper()
	c := s.command("serve")
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	out, err := c.StdoutPipe()
	if err != nil {
		s.b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		s.b.Fatal(err)
	}
	s.b.Cleanup(func() { _ = c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.b.Fatal(err)
	}
	s.url = strings.TrimSpace(line)
}

// fill makes the organizations, 20 connections each, and the actors.
func (s *service) fill() {
	s.b.Helper()
	out, err := s.command("token", "create", "--operator").Output()
	if err != nil {
		s.b.Fatal(err)
	}
	operator := strings.TrimSpace(string(out))
	for o := range organizations {
		org := fmt.Sprintf("org-%d", o)
		s.must(operator, http.MethodPost, "/api/o", fmt.Sprintf(`{"api_name":%q}`, org))
		for c := range 20 {
			s.must(operator, http.MethodPut, fmt.Sprintf("/api/o/%s/connections/c-%d", org, c), connection(c, 0))
		}
		for range actors / organizations {
			var made struct{ Token string }
			if err := json.Unmarshal(s.must(operator, http.MethodPost, "/api/o/"+org+"/tokens", `{"role":"admin"}`), &made); err != nil {
				s.b.Fatal(err)
			}
			s.tokens = append(s.tokens, [2]string{org, made.Token})
		}
	}
}

func connection(c, n int) string {
	return fmt.Sprintf(`{"purpose":"source","bucket":"masters","prefix":"in/%d/","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media-%d"}`, n, c)
}

func (s *service) must(token, method, path, body string) []byte {
	s.b.Helper()
	status, text, err := s.do(s.b.Context(), token, method, path, body)
	if err != nil || status/100 != 2 {
		s.b.Fatalf("%s %s: %d, %v\n%s", method, path, status, err, text)
	}
	return text
}

func (s *service) do(ctx context.Context, token, method, path, body string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	got, err := transport.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	return got.StatusCode, text, err
}

var transport = &http.Transport{MaxIdleConnsPerHost: actors}

// measure sends the traffic.
func (s *service) measure() {
	s.b.Helper()
	var mu sync.Mutex
	var all, writes []time.Duration
	failed := map[int]int{}
	var sent sync.WaitGroup
	begun := time.Now()
	for n := range int(lasts.Seconds()) * perSecond {
		at := begun.Add(time.Duration(n) * time.Second / perSecond)
		time.Sleep(time.Until(at)) // requests come at a rate
		actor := s.tokens[n%actors]
		sent.Go(func() {
			method, path, body := ask(actor[0], n)
			status, _, err := s.do(s.b.Context(), actor[1], method, path, body)
			took := time.Since(at)
			mu.Lock()
			defer mu.Unlock()
			if all = append(all, took); method != http.MethodGet {
				writes = append(writes, took)
			}
			if err != nil || status/100 != 2 {
				failed[status]++
			}
		})
	}
	sent.Wait()
	if len(failed) > 0 {
		s.b.Errorf("failed, by status: %v", failed)
	}
	for name, took := range map[string][]time.Duration{"": all, "writes-": writes} {
		slices.Sort(took)
		for _, p := range []int{50, 99} {
			s.b.ReportMetric(float64(took[len(took)*p/100].Microseconds())/1000, fmt.Sprintf("%sp%d-ms", name, p))
		}
	}
	s.b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "max-ms")
}

// ask is the n-th request, by an actor of an organization.
func ask(org string, n int) (method, path, body string) {
	root, c := "/api/o/"+org, rand.IntN(20)
	switch n / actors % 10 {
	case 0:
		return http.MethodPut, fmt.Sprintf("%s/connections/c-%d", root, c), connection(c, n)
	case 1:
		return http.MethodPost, root + "/tokens", `{"role":"viewer"}`
	case 2:
		return http.MethodPut, fmt.Sprintf("%s/secrets/s-%d", root, c), `{"type":"text","value":"abc","host":"vend.example.com"}`
	case 3:
		return http.MethodGet, root + "/connections", ""
	case 4:
		return http.MethodGet, root + "/audit", ""
	case 5:
		return http.MethodGet, root + "/tokens", ""
	case 6:
		return http.MethodGet, fmt.Sprintf("%s/connections/c-%d/checks", root, c), ""
	case 7:
		return http.MethodGet, root, ""
	default:
		return http.MethodGet, fmt.Sprintf("%s/connections/c-%d", root, c), ""
	}
}
