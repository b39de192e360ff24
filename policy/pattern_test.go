package policy

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The matcher agrees with a regular expression made of the pattern.
func TestMatchLikeRegexp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		glob := rapid.StringOf(rapid.RuneFrom([]rune("aAbé:/*?.$"))).Draw(t, "glob")
		text := rapid.StringOf(rapid.RuneFrom([]rune("aAbé:/.$"))).Draw(t, "text")
		if rapid.Bool().Draw(t, "near") {
			text = strings.NewReplacer("*", text, "?", "b").Replace(glob)
		}
		fold := rapid.Bool().Draw(t, "fold")
		expr := "^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(glob)) + "$"
		if fold {
			expr = "(?i)" + expr
		}
		want := regexp.MustCompile("(?s)" + expr).MatchString(text)
		if got := compile(glob, syntax{wildcards: true}).match(text, fold); got != want {
			t.Errorf("%q on %q: %v, want %v", glob, text, got, want)
		}
	})
}

// A hostile pattern costs the product of the lengths, not their power.
func TestMatchIsNotExponential(t *testing.T) {
	t.Parallel()
	p := compile(strings.Repeat("*a", 2000)+"b", syntax{wildcards: true})
	text := strings.Repeat("a", 4000)
	start := time.Now()
	if p.match(text, false) {
		t.Error("matches")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestCompileVariables(t *testing.T) {
	t.Parallel()
	r := newRequest(Request{Context: map[string][]string{"aws:userName": {"b*b"}, "k": {"1", "2"}, "empty": {""}}})
	for text, want := range map[string]string{
		"${aws:username}":          "b*b",
		"-${AWS:USERNAME}-":        "-b*b-",
		"${x, 'a, b'}":             "a, b",
		"${x, ''}":                 "",
		"${empty, 'd'}":            "",
		"${*}${?}${$}{x}":          "*?${x}",
		"${unclosed":               "${unclosed",
		"$":                        "$",
		"${aws:username, 'other'}": "b*b",
	} {
		p, ok := compile(text, syntax{wildcards: true, variables: true}).resolve(r)
		if !ok || !p.match(want, false) {
			t.Errorf("%q does not give %q", text, want)
		}
	}
	for _, text := range []string{"${x}", "${}", "${k}", "${k, 'd'}", "${x,'d'}", "${x, d}", "${ aws:username}"} {
		if p, ok := compile(text, syntax{variables: true}).resolve(r); ok {
			t.Errorf("%q resolves to %+v", text, p)
		}
	}
}
