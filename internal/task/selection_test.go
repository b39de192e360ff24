package task

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

func patterns(t interface{ Fatalf(string, ...any) }, texts ...string) []rolecall.Pattern {
	var out []rolecall.Pattern
	for _, text := range texts {
		p, err := rolecall.CompilePattern(text)
		if err != nil {
			t.Fatalf("%v", err)
		}
		out = append(out, p)
	}
	return out
}

func TestPrefixesOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ files, want []string }{
		{[]string{"a.mov", "b.mov"}, nil},
		{[]string{"*.mov", "a.mov"}, []string{""}},
		{[]string{"clips/a*", "clips/**", "x?"}, []string{"clips/", "x"}},
		{[]string{"a*", "ab*", "a-b*", "b/*"}, []string{"a", "b/"}},
		{[]string{"**", "a*"}, []string{""}},
	} {
		if diff := cmp.Diff(tc.want, prefixesOf(patterns(t, tc.files...))); diff != "" {
			t.Errorf("%q: %s", tc.files, diff)
		}
	}
}

// Whatever the patterns, listing the prefixes and looking at the direct names
// finds exactly the names that some pattern matches.
func TestSelectionFindsWhatPatternsMatch(t *testing.T) {
	t.Parallel()
	part := rapid.SampledFrom([]string{"a", "b", "ab", "c.mov"})
	glob := rapid.SampledFrom([]string{"a", "b", "ab", "*", "a*", "?", "**", "c.*"})
	join := func(parts []string) string { return strings.Join(parts, "/") }
	rapid.Check(t, func(t *rapid.T) {
		bucket := rapid.SliceOfNDistinct(rapid.Map(rapid.SliceOfN(part, 1, 3), join), 0, 12, rapid.ID[string]).Draw(t, "bucket")
		files := patterns(t, rapid.SliceOfN(rapid.Map(rapid.SliceOfN(glob, 1, 3), join), 1, 5).Draw(t, "files")...)
		sel := newSelection(files, nil, prefixesOf(files))
		seen := map[string]int{}
		for _, prefix := range sel.prefixes {
			for _, name := range bucket {
				wanted, err := sel.match(t.Context(), prefix, name)
				if !strings.HasPrefix(name, prefix) || !wanted {
					continue
				}
				if err := errors.Join(err, sel.take(t.Context(), prefix, name)); err != nil {
					t.Fatal(err)
				}
				seen[name]++
			}
		}
		direct := map[int]bool{}
		for _, i := range sel.direct {
			if name := files[i].String(); slices.Contains(bucket, name) {
				seen[name]++
			}
			direct[i] = true
		}
		unmatched := sel.unmatched()
		for _, name := range bucket {
			want := 0
			if slices.ContainsFunc(files, func(p rolecall.Pattern) bool { return p.Match(name) }) {
				want = 1
			}
			if seen[name] != want {
				t.Fatalf("%q is found %d times, want %d", name, seen[name], want)
			}
		}
		for i, f := range files {
			matches := slices.ContainsFunc(bucket, f.Match)
			_, listed := sel.covering(f.Prefix())
			if slices.Contains(unmatched, i) != (listed && !matches) {
				t.Fatalf("pattern %q: matches %v, listed %v, unmatched %v", f, matches, listed, unmatched)
			}
		}
	})
}

// ending is a context that ends after it was looked at some times.
type ending struct {
	context.Context
	looks int
}

func (e *ending) Err() error {
	if e.looks--; e.looks < 0 {
		return context.Canceled
	}
	return nil
}

// A thousand patterns that each take a while are not all tried when the step
// is over.
func TestSelectionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	sel := &selection{under: map[string][]glob{}, matched: make([]bool, 1000)}
	tried := 0
	for i := range 1000 {
		sel.under[""] = append(sel.under[""], glob{index: i, match: func(string) bool { tried++; return false }})
	}
	for name, do := range map[string]func(context.Context) error{
		"match": func(ctx context.Context) error {
			_, err := sel.match(ctx, "", "name")
			return err
		},
		"take": func(ctx context.Context) error { return sel.take(ctx, "", "name") },
	} {
		tried = 0
		if err := do(&ending{t.Context(), 3}); !errors.Is(err, context.Canceled) || tried != 3*patience {
			t.Errorf("%s: %v after %d patterns", name, err, tried)
		}
	}
}

// Patterns are tried only on names that begin as they do, and each once
// however often it is given.
func TestSelectionTriesFewPatterns(t *testing.T) {
	t.Parallel()
	files := patterns(t, "**", "a/*.mov", "a/*.mov", "b/*.mov", "a/x.mov", "a/*.mov")
	sel := newSelection(files, nil, prefixesOf(files))
	var tried []string
	for i, g := range sel.under[""] {
		text := files[g.index].String()
		sel.under[""][i].match = func(name string) bool {
			tried = append(tried, text)
			return files[g.index].Match(name)
		}
	}
	if err := sel.take(t.Context(), "", "a/y.mov"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"**", "a/*.mov"}, tried); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{3, 4}, sel.unmatched()); diff != "" {
		t.Error(diff)
	}
}

// Of the faults of a million objects few are held.
func TestFaultListsAreBounded(t *testing.T) {
	t.Parallel()
	var l faultList
	for range 1000 {
		l.add("/files", &rolecall.Error{Code: rolecall.Invalid, Message: "no"})
	}
	list := rolecall.List(l.err())
	if len(l.first) != maxFaults || len(list) != maxFaults || list[0].Message != "no" || list[maxFaults-1].Message != "no (and 980 more like it)" {
		t.Errorf("%d are held, %v", len(l.first), list)
	}
	if err := new(faultList).err(); err != nil {
		t.Error(err)
	}
}

// All listings of a step together look at a bounded number of keys.
func TestListingsAreBounded(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<ListBucketResult><Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents></ListBucketResult>")
	}))
	t.Cleanup(server.Close)
	at := side{bucket: transfer.Bucket{Name: "b", Client: transfer.NewClient(transfer.ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), Endpoint: server.URL, PathStyle: true, HTTP: server.Client(),
	})}}
	s := &work{step: rolecall.Step{FilesPointer: pointer + "/files"}}
	s.listed.Store(maxListed - 3)
	var last error
	for range 2 {
		for _, err := range s.listing(t.Context(), at, "") {
			last = err
		}
	}
	e := rolecall.List(last)
	if len(e) != 1 || e[0].Code != rolecall.Invalid || e[0].Pointer != pointer+"/files" {
		t.Errorf("got %v", last)
	}
}
