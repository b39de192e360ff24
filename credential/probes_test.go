package credential

import (
	"crypto/rand"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// caught reports whether a role that trusts ids of the pattern fails its
// proof. No id here has a slash, which path.Match treats apart.
func caught(t rapid.TB, right, pattern string) bool {
	t.Helper()
	plan, err := planProbes(rand.Reader, right, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan) > maxProbes {
		t.Fatalf("%d probes", len(plan))
	}
	return slices.ContainsFunc(plan, func(p plannedProbe) bool {
		if p.accept || p.id == nil || p.skip != "" {
			return false
		}
		if *p.id == right {
			t.Fatalf("probe %s sends the right id", p.name)
		}
		match, err := path.Match(pattern, *p.id)
		if err != nil {
			t.Fatal(err)
		}
		return match
	})
}

// What people write with wildcards is caught by the first proof.
func TestWildcardsInIDs(t *testing.T) {
	t.Parallel()
	for right, patterns := range map[string][]string{
		"x-42":                  {"*", "x*", "*42", "x*42", "x-*", "*-42", "x-?2", "?-42", "x-4?", "x?42", "*-*", "x-*2"},
		"acme-42":               {"?cme-42", "acme*", "acme-??", "*cme-42", "a*42", "acme*42", "acme?42"},
		"customers:acme:prod-7": {"customers:*:prod-7", "customers:*", "*:acme:prod-7", "customers:acme:*-7", "customers*prod-7", "customers:acme:prod-*"},
		"a.b_c":                 {"a.*_c", "a*c", "*.b_c", "a.b_*"},
	} {
		for _, pattern := range patterns {
			if match, _ := path.Match(pattern, right); !match {
				t.Fatalf("%s is not %s", right, pattern)
			}
			for range 20 {
				if !caught(t, right, pattern) {
					t.Errorf("%s is trusted as %s", right, pattern)
					break
				}
			}
		}
	}
}

// A wildcard for all that is between two separators is caught: at once where
// there are few of them, else in one of the proofs that follow each other.
func TestWildcardBetweenSeparators(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching("[A-Za-z0-9]{1,12}"), 2, 7).Draw(t, "parts")
		separator := string(rapid.SampledFrom([]byte(strings.ReplaceAll(separators, "/", ""))).Draw(t, "separator"))
		wild := slices.Clone(parts)
		wild[rapid.IntRange(0, len(parts)-1).Draw(t, "which")] = "*"
		proofs := 1
		if len(parts)-1 > maxSeparators {
			proofs = 60
		}
		for range proofs {
			if caught(t, strings.Join(parts, separator), strings.Join(wild, separator)) {
				return
			}
		}
		t.Fatalf("%v is trusted as %v", parts, wild)
	})
}

// A wildcard anywhere is caught in one of the proofs that follow each other.
func TestWildcardAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		right := rapid.StringMatching("[A-Za-z0-9=+,.@:_-]{3,24}").Draw(t, "id")
		at := rapid.IntRange(0, len(right)-1).Draw(t, "at")
		pattern := right[:at] + rapid.SampledFrom([]string{"?", "*"}).Draw(t, "wildcard") + right[at+1:]
		for range 600 {
			if caught(t, right, pattern) {
				return
			}
		}
		t.Fatalf("%s is trusted as %s", right, pattern)
	})
}
