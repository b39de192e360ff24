package task

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
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
		sel := newSelection(files, prefixesOf(files))
		seen := map[string]int{}
		for _, prefix := range sel.prefixes {
			for _, name := range bucket {
				if strings.HasPrefix(name, prefix) && sel.match(prefix, name) {
					sel.take(prefix, name)
					seen[name]++
				}
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
