package rolecall

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPattern(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern   string
		yes, no   string // separated by spaces
		wantError bool
	}{
		{pattern: "*.mov", yes: "a.mov .mov", no: "d/a.mov a.movx"},
		{pattern: "?.mov", yes: "a.mov é.mov", no: "ab.mov /.mov .mov"},
		{pattern: "**", yes: "a a/b a/b/c"},
		{pattern: "**/*.mov", yes: "a.mov d/a.mov d/e/a.mov", no: "a.mp4 da.movx"},
		{pattern: "d/**", yes: "d/a d/e/a", no: "d da/x"},
		{pattern: "d/**/a", yes: "d/a d/e/a d/e/f/a", no: "d/xa da"},
		{pattern: "a**b", yes: "ab a/b axx/yb", no: "a"},
		{pattern: "a***b", yes: "ab a/b"},
		{pattern: "[x].$^", yes: "[x].$^", no: "x.$^"},
		{pattern: "a/b.mov", yes: "a/b.mov", no: "a/bxmov"},
		{pattern: "", wantError: true},
		{pattern: "/a", wantError: true},
		{pattern: "a/", wantError: true},
		{pattern: "a//b", wantError: true},
		{pattern: "../a", wantError: true},
		{pattern: "a/./b", wantError: true},
		{pattern: "a\x00b", wantError: true},
		{pattern: strings.Repeat("a", 1025), wantError: true},
	} {
		p, err := CompilePattern(tc.pattern)
		if (err != nil) != tc.wantError {
			t.Errorf("%q: error %v", tc.pattern, err)
		}
		if err != nil {
			continue
		}
		for _, name := range strings.Fields(tc.yes) {
			if !p.Match(name) {
				t.Errorf("%q does not match %q", tc.pattern, name)
			}
		}
		for _, name := range strings.Fields(tc.no) {
			if p.Match(name) {
				t.Errorf("%q matches %q", tc.pattern, name)
			}
		}
	}
}

// A backslash in an exclusion takes the meaning from a wildcard, and from itself.
func TestExclusion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text    string
		yes, no string // separated by spaces
		literal bool
		refused string
	}{
		{text: `a*b`, yes: `a*b aXb ab`, no: `a/b`},
		{text: `a\*b`, yes: `a*b`, no: `aXb a\b a\*b`, literal: true},
		{text: `u/\?`, yes: `u/?`, no: `u/x`, literal: true},
		{text: `\*\**`, yes: `** **x`, no: `* x`},
		{text: `a\\*`, yes: `a\ a\x`, no: `a*`},
		{text: `a\\b`, yes: `a\b`, no: `a\\b`, literal: true},
		{text: `\*/`, yes: `*/x */`, no: `a/x`},
		{text: strings.Repeat(`\*`, 1024), yes: strings.Repeat("*", 1024), literal: true},
		{text: `dir\file`, refused: "backslash"},
		{text: `a\`, refused: "backslash"},
		{text: `a\\\`, refused: "backslash"},
		{text: `a\/`, refused: "backslash"},
		{text: strings.Repeat(`*a`, 33), refused: "wildcards"},
		{text: strings.Repeat(`\*`, 1025), refused: "1024"},
		{text: "", refused: "empty"},
	} {
		p, err := CompileExclusion(tc.text)
		if (err != nil) != (tc.refused != "") || err != nil && !strings.Contains(err.Error(), tc.refused) {
			t.Errorf("%q: error %v", tc.text, err)
		}
		if err != nil {
			continue
		}
		if p.Literal() != tc.literal || p.String() != tc.text {
			t.Errorf("%q: literal %v, written %q", tc.text, p.Literal(), p)
		}
		for _, name := range strings.Fields(tc.yes) {
			if !p.Match(name) || !strings.HasPrefix(name, p.Prefix()) {
				t.Errorf("%q does not match %q", tc.text, name)
			}
		}
		for _, name := range strings.Fields(tc.no) {
			if p.Match(name) {
				t.Errorf("%q matches %q", tc.text, name)
			}
		}
	}
}

// Every key can be left out alone, but one that ends in a slash.
func TestExclusionOfOneKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringOfN(rapid.SampledFrom([]rune(`ab/*?\.é`)), 1, 12, -1)
		one, other := key.Draw(t, "key"), key.Draw(t, "other")
		if strings.HasSuffix(one, "/") {
			t.Skip("all below it is left out, too")
		}
		p, err := CompileExclusion(ExclusionOf(one))
		if err != nil || !p.Literal() || p.Prefix() != one || !p.Match(one) {
			t.Fatalf("%q as %q: %v", one, ExclusionOf(one), err)
		}
		if other != one && p.Match(other) {
			t.Fatalf("%q leaves out %q", ExclusionOf(one), other)
		}
	})
}

// naive is the definition of a match, by trying everything.
func naive(p, n string, start bool) bool {
	switch {
	case p == "":
		return n == ""
	case start && strings.HasPrefix(p, "**/") && naive(p[3:], n, true):
		return true
	case strings.HasPrefix(p, "**/") && start:
		for i := range len(n) {
			if n[i] == '/' && naive(p[3:], n[i+1:], true) {
				return true
			}
		}
		return false
	case strings.HasPrefix(p, "**"):
		rest := strings.TrimLeft(p, "*")
		for i := 0; i <= len(n); i++ {
			if naive(rest, n[i:], false) {
				return true
			}
		}
		return false
	case p[0] == '*':
		for i := 0; i <= len(n); i++ {
			if naive(p[1:], n[i:], false) {
				return true
			}
			if i < len(n) && n[i] == '/' {
				return false
			}
		}
		return false
	case n == "":
		return false
	case p[0] == '?':
		return n[0] != '/' && naive(p[1:], n[1:], false)
	default:
		return p[0] == n[0] && naive(p[1:], n[1:], p[0] == '/')
	}
}

func TestPatternIsItsDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab/*?.")), 1, 8, -1).Draw(t, "pattern")
		p, err := CompilePattern(text)
		if err != nil {
			t.Skip("not a pattern")
		}
		name := rapid.StringOfN(rapid.SampledFrom([]rune("ab/.")), 0, 8, -1).Draw(t, "name")
		if got, want := p.Match(name), naive(text, name, true); got != want {
			t.Fatalf("%q on %q: %v, by definition %v", text, name, got, want)
		}
		if p.Match(name) && !strings.HasPrefix(name, strings.TrimSuffix(p.Prefix(), "/")) {
			t.Fatalf("%q matches %q, which does not begin with %q", text, name, p.Prefix())
		}
	})
}

func FuzzCompilePattern(f *testing.F) {
	f.Add("**/*.mov", "a/b.mov")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		p, err := CompilePattern(pattern)
		if err != nil {
			return
		}
		if p.Match(name) && p.Literal() && name != pattern {
			t.Errorf("literal %q matches %q", pattern, name)
		}
	})
}
