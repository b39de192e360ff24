package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "timed" {
		main() // begin runs its own program
		return
	}
	os.Exit(m.Run())
}

// tiny has a large object that moves in parts.
var tiny = stockSizes{large: 17<<20 + 1, small: 30, medium: 3}

func TestAllWorkIsDone(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"ours", "raw"} {
		for _, w := range tiny.works() {
			t.Run(part+" "+w.name(), func(t *testing.T) {
				t.Parallel()
				var unknown bytes.Buffer
				server := newNullServer(tiny.all(), &unknown)
				reel, err := newPatternFile(t.TempDir(), server.pattern)
				if err != nil {
					t.Fatal(err)
				}
				listener := httptest.NewUnstartedServer(server)
				server.patternFile, listener.Listener = &reel, discardingListener{listener.Listener}
				listener.Start()
				defer listener.Close()
				dir := t.TempDir()
				want := map[string]int64{}
				for _, name := range w.names() {
					want[w.set.name+"/"+name] = w.size
					if w.direction == "up" {
						writeFile(t, filepath.Join(dir, name), server.pattern, w.size)
					}
				}
				args := append([]string{part, "-direction", w.direction, "-set", w.set.name, "-url", listener.URL, "-dir", dir}, tiny.args()...)
				if err := run(t.Context(), args, io.Discard); err != nil {
					t.Fatal(err)
				}
				got := map[string]int64{}
				if w.direction == "down" {
					for _, name := range w.names() {
						got[w.set.name+"/"+name] = sameFile(t, filepath.Join(dir, name), server.pattern)
					}
				} else {
					for key, o := range server.buckets["sink"].objects {
						got[key] = o.size
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				if unknown.Len() > 0 {
					t.Error(unknown.String())
				}
			})
		}
	}
}

func writeFile(t *testing.T, name string, pattern []byte, size int64) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, repeated(pattern, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

func sameFile(t *testing.T, name string, pattern []byte) int64 {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, repeated(pattern, int64(len(text)))) {
		t.Errorf("%s has other bytes than the server gives", name)
	}
	return int64(len(text))
}

func repeated(pattern []byte, size int64) []byte {
	return slices.Repeat(pattern, int(size)/len(pattern)+1)[:size]
}

func TestListing(t *testing.T) {
	t.Parallel()
	few := set{"small", 25, 1}
	server := newNullServer([]set{few}, io.Discard)
	for _, test := range []struct {
		delimiter string
		want      []string
	}{
		{"", slices.Sorted(slices.Values(few.names()))},
		{"/", []string{"d0/", "d1/", "d2/", "d3/", "d4/", "d5/", "d6/", "d7/", "d8/", "d9/"}},
	} {
		var got []string
		for token := "start"; token != ""; {
			query := url.Values{"list-type": {"2"}, "prefix": {"small/"}, "max-keys": {"4"}, "delimiter": {test.delimiter}}
			if token != "start" {
				query.Set("continuation-token", token)
			}
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/"+sourceBucket+"?"+query.Encode(), nil))
			var page struct {
				Contents              []struct{ Key string }
				CommonPrefixes        []struct{ Prefix string }
				NextContinuationToken string
			}
			if err := xml.Unmarshal(answer.Body.Bytes(), &page); err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Contents {
				got = append(got, strings.TrimPrefix(c.Key, "small/"))
			}
			for _, c := range page.CommonPrefixes {
				got = append(got, strings.TrimPrefix(c.Prefix, "small/"))
			}
			token = page.NextContinuationToken
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("delimiter %q: %s", test.delimiter, diff)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		asked  string
		off, n int64
		ok     bool
	}{
		{"bytes=0-0", 0, 1, true},
		{"bytes=5-9", 5, 5, true},
		{"bytes=5-99", 5, 5, true},
		{"bytes=5-", 5, 5, true},
		{"bytes=10-", 0, 0, false},
		{"bytes=5-4", 0, 0, false},
		{"bytes=-5", 0, 0, false},
		{"bytes", 0, 0, false},
	} {
		off, n, ok := within(test.asked, 10)
		if ok != test.ok || ok && (off != test.off || n != test.n) {
			t.Errorf("%s: %d, %d, %t", test.asked, off, n, ok)
		}
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := session{self: self, target: &target{}}
	out := filepath.Join(t.TempDir(), "out")
	got, err := s.cost(t.Context(), []command{
		{args: []string{"sh", "-c", "echo $WORD"}, env: []string{"WORD=piped"}},
		{args: []string{"sh", "-c", "cat >" + out}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "piped\n" {
		t.Errorf("the second command got %q, %v", text, err)
	}
	if got.wall <= 0 || got.peak < 1<<20 {
		t.Errorf("it cost %v", got)
	}
	if _, err := s.cost(t.Context(), []command{{args: []string{"sh", "-c", "echo no >&2; exit 3"}}}); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("a command that fails: %v", err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	w := tiny.works()[0]
	w.size = 1 << 30
	seen := func(seconds ...int) []figure {
		var all []figure
		for _, n := range seconds {
			all = append(all, figure{time.Duration(n) * time.Second, time.Duration(2*n) * time.Second, int64(n) << 20})
		}
		return all
	}
	s := session{rounds: 3, server: "null", target: &target{null: true}, clients: "ours,raw,mc,rclone,aws tuned", figures: map[string]map[string][]figure{
		w.name(): {"ours": seen(3, 2, 9), "raw": seen(1, 2), "mc": seen(6), "rclone": seen(12, 10, 14)},
	}}
	var out strings.Builder
	s.table(&out, w)
	want := `
1 × 1024 MiB down, null server, 3 rounds

| client | seconds (least–most) | of raw's | MiB/s | CPU s/GiB | of raw's | peak MiB |
|---|---|---|---|---|---|---|
| ours | 3.00 (2.00–9.00) | 2.00 | 341 | 6.00 | 2.00 | 3 |
| raw | 1.50 (1.00–2.00) | 1.00 | 683 | 3.00 | 1.00 | 2 |
| rclone | 12.00 (10.00–14.00) | 8.00 | 85 | 24.00 | 8.00 | 12 |
| mc | 6.00 (6.00–6.00) | 4.00 | 171 | 12.00 | 4.00 | 6 |
| aws tuned | – | – | – | – | – | – |

- ours, wall: 0.50 of the best peer's (mc), 2.00 of the limit
- ours, CPU: 0.50 of the best peer's (mc), 2.00 of the limit
- ours, memory: 0.50 of the best peer's (mc), 2.00 of the limit
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
