package strict_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/internal/strict"
)

// TestHints does what each hint about a document says, in each way that it names:
// then the document has no fault.
func TestHints(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat(`{"inner":`, n) + "{}" + strings.Repeat("}", n) }
	const (
		colon   = "You: write : between a name and its value"
		utf8    = "You: save the file as UTF-8"
		begin   = "You: give a JSON document; it begins with {"
		quotes  = "You: put it into double quotes"
		number  = "You: write it as 12, -0.5 or 1e6, or put a text into double quotes"
		leading = "You: put a text into double quotes; a number has no leading zero"
		comma   = `You: add the comma; or escape a double quote within a text as \"`
		value   = "You: write a text in double quotes, a number, true, false, null, or what stands in { } or [ ]"
		whole   = "You: write the number in digits, without quotes, fraction and exponent"
	)
	var done []string
	for _, c := range []struct {
		wrong, hint string
		followed    []string
	}{
		{`{"name": null}`, "You: give a value, or leave the name out", []string{`{"name": "a"}`, `{}`}},
		{`{"inner": 1}`, `You: write names with values, as in {"name": "value"}`, []string{`{"inner": {"name": "value"}}`}},
		{`{"map": []}`, `You: write names with values, as in {"name": "value"}`, []string{`{"map": {"name": {}}}`}},
		{`{"list": "x"}`, `You: write a list, as in ["first", "second"]`, []string{`{"list": ["first", "second"]}`}},
		{`{"name": ["a"]}`, "You: give one text in double quotes", []string{`{"name": "a"}`}},
		{`{"name": 1}`, "You: put the value into double quotes", []string{`{"name": "1"}`}},
		{`{"flag": "true"}`, "You: write true or false, without quotes", []string{`{"flag": true}`, `{"flag": false}`}},
		{`{"count": "3"}`, whole, []string{`{"count": 3}`}},
		{`{"count": 3e2}`, whole, []string{`{"count": 300}`}},
		{`{"share": "0.5"}`, "You: write a number such as 0.5, without quotes", []string{`{"share": 0.5}`}},
		{`{"name": "a", "name": "b"}`, "You: remove one of the two", []string{`{"name": "a"}`, `{"name": "b"}`}},
		{`{"map": {"k": {}, "k": {}}}`, "You: remove one of the two", []string{`{"map": {"k": {}}}`}},
		{`{"zzzzzzzz": null}`, "You: write one of share, name, count, flag, list, map, raw, any, inner", []string{`{"any": null}`}},
		{`{"nmae": "a"}`, `You: write "name", if that is meant`, []string{`{"name": "a"}`}},

		{"\xff\xfe{\x00}\x00", utf8, []string{`{}`}},
		{"{\x00}\x00", utf8, []string{`{}`}},
		{"{\"name\": \"\xe4\"}", utf8, []string{`{"name": "ä"}`}},
		{"\ufeff{}", "You: save the file as UTF-8 without it", []string{`{}`}},
		{" \n", "You: write a JSON document; it begins with {", []string{`{}`}},
		{`{} {}`, "You: keep one document, and remove what follows its last bracket", []string{`{}`}},
		{deep(70), "You: write it flatter", []string{deep(60)}},
		{`{"name" = "a"}`, colon, []string{`{"name" : "a"}`}},
		{`{"name" "a"}`, colon, []string{`{"name": "a"}`}},
		{`{"list": ["a"}`, "You: close it with ] first", []string{`{"list": ["a"]}`}},
		{"{\"list\": [\"a\",\n\"name\": \"b\"}", "You: close the list with ]", []string{"{\"list\": [\"a\"],\n\"name\": \"b\"}"}},
		{`{"any": ["a": 1]}`, "You: put names with values into { and }", []string{`{"any": [{"a": 1}]}`}},
		{`{"name": "a"; "count": 1}`, "You: separate by commas", []string{`{"name": "a", "count": 1}`}},
		{`{"any": 12abc}`, leading, []string{`{"any": "12abc"}`}},
		{`{"any": 007}`, leading, []string{`{"any": 7}`, `{"any": "007"}`}},
		{`{"name": "a" "count": 1}`, comma, []string{`{"name": "a", "count": 1}`}},
		{`{"name": "say "hi""}`, comma, []string{`{"name": "say \"hi\""}`}},
		{`{"name": "a"`, "You: add the missing }, or see whether the file is whole", []string{`{"name": "a"}`}},
		{`{`, "You: add the missing }, or see whether the file is whole", []string{`{}`}},
		{`{"name": "a",`, "You: add what is missing before the } that closes it, and that; or see whether the file is whole", []string{`{"name": "a", "count": 1}`}},
		{`{"name":`, "You: add what is missing before the } that closes it, and that; or see whether the file is whole", []string{`{"name": "a"}`}},
		{`{"name": "a",}`, "You: remove the comma", []string{`{"name": "a"}`}},
		{`{"name": 'a'}`, `You: write " at both ends`, []string{`{"name": "a"}`}},
		{"{} // it", "You: keep one document, and remove what follows its last bracket", []string{`{}`}},
		{"{\"name\": \"a\" // it\n}", "You: remove the comment", []string{"{\"name\": \"a\"\n}"}},
		{`<job/>`, begin, []string{`{}`}},
		{`{"any": +1}`, "You: begin a number with a digit, or - and a digit", []string{`{"any": 1}`, `{"any": -1}`}},
		{`name: a`, "You: write the document as JSON; YAML is read only where a page says so", []string{`{"name": "a"}`}},
		{`{"name": a}`, quotes, []string{`{"name": "a"}`}},
		{`{name: "a"}`, quotes, []string{`{"name": "a"}`}},
		{`{{"name": "a"}}`, "You: between { and } write names with values; a list stands in [ and ]", []string{`{"inner": {"name": "a"}}`}},
		{`{"any": {[1]}}`, "You: between { and } write names with values; a list stands in [ and ]", []string{`{"any": {"a": [1]}}`, `{"any": [1]}`}},
		{`{"any": *}`, value, []string{`{"any": "*"}`, `{"any": 1}`, `{"any": true}`, `{"any": false}`, `{"any": null}`, `{"any": {}}`, `{"any": []}`}},
		{`{"name": <me@example.com>}`, value, []string{`{"name": "<me@example.com>"}`}},
		{`{, "name": "a"}`, "You: write a name in double quotes, a colon, and its value", []string{`{"count": 1, "name": "a"}`}},
		{`{"any": None}`, "You: write null, or put a text into double quotes", []string{`{"any": null}`, `{"any": "None"}`}},
		{`{"any": -}`, number, []string{`{"any": -12}`, `{"any": -0.5}`, `{"any": 1e6}`, `{"any": "-"}`}},
		{`{"any": 1.}`, number, []string{`{"any": 1}`, `{"any": "1."}`}},
		{"{\"name\": \"a\n\"}", `You: close it with a double quote, or write \n for a line break`, []string{`{"name": "a"}`, `{"name": "a\n"}`}},
		{"{\"name\": \"a\tb\"}", `You: write it as an escape, as \t is for a tab`, []string{`{"name": "a\tb"}`}},
		{"{\"name\": \"a\x01\"}", `You: write it as an escape, as \t is for a tab`, []string{`{"name": "a\u0001"}`}},
		{`{"name": "a}`, "You: close it with a double quote", []string{`{"name": "a"}`}},
		{`{"name": "\u12"}`, `You: write a character as it is, or \\ for a backslash`, []string{`{"name": "é"}`, `{"name": "\\u12"}`}},
		{`{"name": "\ud83d"}`, "You: write the character as it is, or both halves of it", []string{`{"name": "😀"}`, `{"name": "\ud83d\ude00"}`}},
		{`{"name": "C:\in"}`, `You: write \\ for a backslash`, []string{`{"name": "C:\\in"}`}},
	} {
		hints := hintsOf(c.wrong)
		if len(hints) != 1 || hints[0] != c.hint {
			t.Errorf("%s: the hints are %q, not %q", c.wrong, hints, c.hint)
		}
		done = append(done, hints...)
		for _, followed := range c.followed {
			if left := hintsOf(followed); len(left) > 0 || !json.Valid([]byte(followed)) {
				t.Errorf("%s, by %q: there are faults still: %q", followed, hints, left)
			}
		}
	}
	hinttest.Followed(t, ".", done, []string{
		"You: see whether the file is whole", // what is missing is unknown
	})
}

func hintsOf(document string) []string {
	var into struct {
		Share float64 `json:"share"`
		sample
	}
	var faults rolecall.Errors
	strict.Decode([]byte(document), &into, &faults)
	var out []string
	for _, f := range faults {
		out = append(out, f.Hint)
	}
	return out
}
