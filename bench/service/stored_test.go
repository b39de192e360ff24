// Package service_test measures rolecall serve as a process of its own.
package service_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/store/storetest"
)

var engines storetest.Engines

func TestMain(m *testing.M) { os.Exit(storetest.Run(m, &engines)) }

// many is how many organizations are stored, and how many connections one of
// them has.
const many = 10_000

// BenchmarkStored measures a service with 10,000 organizations stored: how long
// its start takes, what memory it has while nothing happens, and how long pages
// of its lists take.
func BenchmarkStored(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "rolecall")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", binary, "../../cmd/rolecall").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		b.Run(engine, func(b *testing.B) {
			dir := b.TempDir()
			config, env := "listen: 127.0.0.1:0\nlimits: {requests_per_second: 100000}\n", os.Environ()
			o := store.Options{}
			if engine == "PostgreSQL" {
				o.URL = engines.Database(b)
				config, env = config+"database: {url_env: BENCH_DATABASE}\n", append(env, "BENCH_DATABASE="+o.URL)
			} else {
				opened, err := state.Open(filepath.Join(dir, "rolecall-state"))
				if err != nil {
					b.Fatal(err)
				}
				if o.Path, err = opened.Database(); err != nil {
					b.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "rolecall.yaml"), []byte(config), 0o600); err != nil {
				b.Fatal(err)
			}
			fill(b, o)
			for b.Loop() {
				measure(b, binary, dir, env)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// fill stores the organizations, and the connections of one.
func fill(b *testing.B, o store.Options) {
	b.Helper()
	s, err := store.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	const atOnce = 500
	for begin := 0; begin < many; begin += atOnce {
		err := s.Change(b.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := begin; i < begin+atOnce; i++ {
				name := fmt.Sprintf("organization-%d", i)
				id, err := tx.GenerateID(ctx, name)
				if err != nil {
					return err
				}
				for _, taken := range []string{name, id} {
					if err := tx.TakeName(ctx, taken, name); err != nil {
						return err
					}
				}
				if err := tx.InsertOrganization(ctx, store.Organization{
					ID: fmt.Sprintf("06h2st7231q6qd5768hd%06d", i), APIName: name, Name: "Organization " + strconv.Itoa(i), ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDGenerated, Value: id},
					Jobs: "connections", ManagedBy: "api", Created: tx.Now(), Revision: 1,
				}); err != nil {
					return err
				}
				if err := tx.PutConnection(ctx, store.Connection{
					ID: fmt.Sprintf("06h2st7231q6qd5768he%06d", i), Organization: "organization-0", Status: "verified", Checked: tx.Now(), Verified: tx.Now(), Created: tx.Now(), Changed: tx.Now(), Revision: 1,
					Declared: rolecall.Connection{
						Name: fmt.Sprintf("connection-%d", i), Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: fmt.Sprintf("in/%d/", i), Region: "eu-central-1",
						RoleARN: fmt.Sprintf("arn:aws:iam::111122223333:role/media-%d", i),
					},
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// measure starts the service, and ends it.
func measure(b *testing.B, binary, dir string, env []string) {
	b.Helper()
	var starts []time.Duration
	var url string
	var serve *exec.Cmd
	for range 5 { // the last one stays
		if serve != nil {
			end(b, serve)
		}
		serve = exec.CommandContext(b.Context(), binary, "serve")
		serve.Dir, serve.Env = dir, env
		out, err := serve.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		var log bytes.Buffer
		serve.Stderr = &log
		began := time.Now()
		if err := serve.Start(); err != nil {
			b.Fatal(err)
		}
		if url, err = bufio.NewReader(out).ReadString('\n'); err != nil {
			b.Fatalf("%v\n%s", err, log.String())
		}
		url = strings.TrimSpace(url)
		starts = append(starts, time.Since(began))
	}
	defer end(b, serve)
	time.Sleep(3 * time.Second) // so that what the start allocated is collected: idle memory is measured
	idle := anonymous(b, serve.Process.Pid)
	create := exec.CommandContext(b.Context(), binary, "token", "create", "--operator")
	create.Dir, create.Env = dir, env
	token, err := create.Output()
	if err != nil {
		b.Fatal(err)
	}
	authorization := "Bearer " + strings.TrimSpace(string(token))
	for list, path := range map[string]string{"organizations": "/api/o", "connections": "/api/o/organization-0/connections"} {
		for _, limit := range []int{50, 200} {
			b.ReportMetric(float64(pages(b, url+path, authorization, limit).Microseconds())/1000, fmt.Sprintf("ms-p99-%s-%d", list, limit))
		}
	}
	b.ReportMetric(float64(slices.Max(starts).Milliseconds()), "ms-ready")
	b.ReportMetric(float64(idle)/1024, "MiB-idle")
	b.ReportMetric(float64(anonymous(b, serve.Process.Pid))/1024, "MiB-after")
}

// pages walks a list from end to end until it has read a thousand pages, and
// returns what all but one of a hundred took at most.
func pages(b *testing.B, list, authorization string, limit int) time.Duration {
	b.Helper()
	var times []time.Duration
	cursor, seen := "", 0
	for len(times) < 1000 {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, fmt.Sprintf("%s?limit=%d&cursor=%s", list, limit, cursor), nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", authorization)
		began := time.Now()
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		times = append(times, time.Since(began))
		var page struct {
			Results []json.RawMessage `json:"results"`
			Next    string            `json:"next"`
		}
		if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(text, &page) != nil {
			b.Fatalf("%s: %d, %v\n%s", list, answer.StatusCode, err, text)
		}
		cursor, seen = page.Next, seen+len(page.Results)
		if cursor == "" {
			if seen != many {
				b.Fatalf("%s has %d", list, seen)
			}
			seen = 0
		}
	}
	slices.Sort(times)
	return times[len(times)*99/100]
}

// anonymous is the memory of a process that is not of files, in KiB.
// https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func anonymous(b *testing.B, pid int) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "RssAnon:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(kib)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func end(b *testing.B, serve *exec.Cmd) {
	b.Helper()
	if err := serve.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	if err := serve.Wait(); err != nil {
		b.Error(err)
	}
}
