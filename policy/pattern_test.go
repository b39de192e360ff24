package policy

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func plenty() *budget {
	b := budget(maxWork)
	return &b
}

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
		if got := compile(glob, syntax{wildcards: true}).match(plenty(), text, fold); got != want {
			t.Errorf("%q on %q: %v, want %v", glob, text, got, want)
		}
	})
}

// A hostile pattern costs its length and the text's, not their product.
func TestMatchIsLinear(t *testing.T) {
	t.Parallel()
	p := compile(strings.Repeat("*a", 2000)+"b", syntax{wildcards: true})
	work := plenty()
	if p.match(work, strings.Repeat("a", 4000), false) {
		t.Error("matches")
	}
	if took := maxWork - *work; took > 10_000 {
		t.Errorf("took %d comparisons", took)
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
		if !ok || !p.match(plenty(), want, false) {
			t.Errorf("%q does not give %q", text, want)
		}
	}
	for _, text := range []string{"${x}", "${}", "${k}", "${k, 'd'}", "${x,'d'}", "${x, d}", "${ aws:username}"} {
		if p, ok := compile(text, syntax{variables: true}).resolve(r); ok {
			t.Errorf("%q resolves to %+v", text, p)
		}
	}
}

// Many keys are found as few are: in any case, the first in byte order.
func TestValuesOfManyKeys(t *testing.T) {
	t.Parallel()
	in := Request{Principal: "arn:aws:iam::111122223333:user/u", Context: map[string][]string{"k": {"2"}, "K": {"1"}, "AWS:PrincipalAccount": {"3"}}}
	for _, more := range []int{0, 2 * manyKeys} {
		for i := range more {
			in.Context["more"+string(rune('a'+i))] = []string{"x"}
		}
		r := newRequest(in)
		got := strings.Join([]string{
			r.values("k")[0], r.values(keyPrincipalAccount)[0], r.values(keyPrincipalARN)[0],
		}, " ")
		if want := "1 3 arn:aws:iam::111122223333:user/u"; got != want || r.values("none") != nil {
			t.Errorf("%d keys: %s, want %s", len(in.Context), got, want)
		}
	}
}
