package strict_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rolecall/rolecall/internal/strict"
)

// TestSyntax has what people who write JSON by hand get wrong.
func TestSyntax(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{"{\n \"a\": 1,\n}", "2:8: a comma stands before }, with nothing between"},
		{"[1, 2, ]", "1:6: a comma stands before ], with nothing between"},
		{"{\"a\": 1,, \"b\": 2}", "1:9: a name is expected, not ','"},
		{"[1,, 2]", "1:4: a value is expected, not ','"},
		{"{\n \"a\": 1\n \"b\": 2}", `2:8: a comma is missing after the value of "a"`},
		{"[\"a\" \"b\"]", "1:5: a comma is missing after an item of the list"},
		{"[\"a\"; \"b\"]", "1:5: ; stands after an item of the list"},
		{"{\"say\": \"say \"hi\" to\"}", `1:15: a comma is missing after the value of "say"`},
		{"{\"a\" 1}", `1:5: a colon is missing after the name "a"`},
		{"{\"a\" = 1}", `1:6: = stands after the name "a"`},
		{"{\"a\": }", "1:7: a value is expected, not '}'"},
		{"{\"a\"}", `1:5: a colon is missing after the name "a"`},
		{"[\"a\": 1]", "1:5: a list has no names"},
		{"{\"a\": [\"b\",\n \"c\": 1}", "1:7: the [ that stands here is not closed before the name in line 2"},
		{"{'a': 1}", "1:2: ' stands where double quotes are expected"},
		{"{\"a\": 'x'}", "1:7: ' stands where double quotes are expected"},
		{"{“a”: 1}", "1:2: “ stands where double quotes are expected"},
		{"{\"ä\": «x»}", "1:7: « stands where double quotes are expected"},
		{"{a: 1}", `1:2: a name is expected, and "a:" is not in quotes`},
		{"{\"a\": s3://b/k}", `1:7: a value is expected, and "s3://b/k" is not in quotes`},
		{"{\"a\": wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY}", "1:7: a value is expected, and (what looks like a secret key, and is not shown) is not in quotes"},
		{"{\"a\": True}", "1:7: True is no value of JSON's"},
		{"{\"a\": None}", "1:7: None is no value of JSON's"},
		{"{\"a\": NaN}", "1:7: NaN is no value of JSON's"},
		{"{\"a\": truee}", `1:7: a value is expected, and "truee" is not in quotes`},
		{"{\"a\": {1: 2}}", `1:8: a name is expected, and "1:" is not in quotes`},
		{"{\"a\": {{}}}", "1:8: a name is expected, not {"},
		{"{ // c\n}", "1:3: a comment stands here, which JSON does not have"},
		{"{\"a\": 1 /* c */}", "1:9: a comment stands here, which JSON does not have"},
		{"# c\n{}", "1:1: a comment stands here, which JSON does not have"},
		{"{\"a\": 01}", "1:8: a number goes on as a text"},
		{"{\"a\": 0x1F}", "1:8: a number goes on as a text"},
		{"{\"a\": 1h}", "1:8: a number goes on as a text"},
		{"{\"a\": 1.}", "1:9: a digit of the number is missing"},
		{"{\"a\": 1e}", "1:9: a digit of the number is missing"},
		{"{\"a\": -}", "1:8: a digit of the number is missing"},
		{"{\"a\": .5}", "1:7: . does not begin a number"},
		{"{\"a\": +5}", "1:7: + does not begin a number"},
		{"{\"a\":\n \"x\n\"}", "2:2: the text that begins here does not end in its line"},
		{"{\"a\": \"x\ty\"}", `1:9: a text has the control character '\t'`},
		{`{"a": "C:\job"}`, `1:10: \j is no escape of JSON's`},
		{`{"a": "\u12G4"}`, `1:8: \u stands without its four hexadecimal digits`},
		{`{"a": "\ud800"}`, `1:8: \ud800 is half of a character`},
		{`{"a": "x\ud83d\ud83d"}`, `1:9: \ud83d is half of a character`},
		{`{"a": "\udc00\udc00"}`, `1:8: \udc00 is half of a character`},
		{`{"a": "x}`, "1:7: the text that begins here does not end"},
		{"{\n\"a\": [1}", "2:8: } stands where the [ of line 2 is to be closed"},
		{"{\n\"a\": [1\n", "2:8: the document ends, and the [ of line 2 is not closed"},
		{"{\n\"a\": {\n", "2:7: the document ends, and the { of line 2 is not closed"},
		{"{\"a\":", "1:6: the document ends, and the { of line 1 is not closed"},
		{"", "1:1: the document is empty"},
		{" \n\n", "1:1: the document is empty"},
		{"{}\n{}", "2:1: there is more after the document"},
		{"{} x", "1:4: there is more after the document"},
		{"region: x\n", `1:1: a JSON document begins with { or [, not with "region:"`},
		{"<job/>", "1:1: this looks like HTML or XML"},
		{"\ufeff{}", "1:1: the text begins with a byte order mark"},
		{"\xff\xfe{\x00", "1:1: the text is UTF-16"},
		{"{\n\"a\": \"M\xfcller\"}", "2:8: the text is not UTF-8"},
		{"{\"a\": @}", `1:7: a value is expected, and "@" is not in quotes`},
		{"{\"a\": ?}", "1:7: a value is expected, not '?'"},
		{"{\x00\n\x00", "1:2: the text has a NUL character"},
	} {
		got := strict.Syntax([]byte(tc.in))
		if got == nil {
			t.Errorf("%q passes", tc.in)
			continue
		}
		if text := fmt.Sprintf("%d:%d: %s", got.Line, got.Column, got.Why); text != tc.want {
			t.Errorf("%q:\n got %s\nwant %s", tc.in, text, tc.want)
		}
		if words := len(strings.Fields(got.Hint)); !strings.HasPrefix(got.Hint, "You: ") || words > 26 {
			t.Errorf("%q has the hint %q", tc.in, got.Hint)
		}
	}
}

// FuzzSyntax compares with encoding/json, which does not say what is wrong in
// words that help.
func FuzzSyntax(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,true,false,null,"x\n\u00e9\ud83d"],"b":{}, "c" : [ ] }`, `01`, `-`, `1.`, `1e`, `[1,]`, `{"a"}`, `{"a":1,}`,
		`"\x"`, `"\u12"`, "\"\t\"", ` 1 2`, `tru`, `nulls`, "\xff", "{\"a\":tru\x00", `NULL`, "true", `[True]`, "\ufeff1", `[[[`, `{"`, `[1 `, `[1/`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		wrong := strict.Syntax(data)
		valid := json.Valid(data) && utf8.Valid(data) && !bytes.HasPrefix(data, []byte("\ufeff"))
		switch {
		case wrong == nil && !valid:
			t.Fatalf("%q passes", data)
		case wrong != nil && valid && !strings.Contains(wrong.Why, "deeper") && !strings.Contains(wrong.Why, "half of"):
			t.Fatalf("%q: %v", data, wrong)
		case wrong != nil && (wrong.Hint == "" || wrong.Line < 1 || wrong.Line > 1+bytes.Count(data, []byte("\n")) || wrong.Column < 1):
			t.Fatalf("%q: %+v", data, *wrong)
		}
	})
}

func TestLinesOf(t *testing.T) {
	t.Parallel()
	lines := strict.LinesOf([]byte("{\n\"a\": [1,\n {\"b/c\":\n 2}],\n\"d\":\n\n{}, \"a\": 1\n}"))
	for pointer, want := range map[string]int{
		"/a/0": 2, "/a/1": 3, "/a/1/b~1c": 3, "/d": 5, "/d/missing": 5, "/d/missing/more": 5, "/a": 7, "": 0, "/none": 0,
	} {
		if got := lines.Of(pointer); got != want {
			t.Errorf("%q is in line %d, not %d", pointer, got, want)
		}
	}
	if got := strict.LinesOf([]byte("{")); len(got) > 0 {
		t.Errorf("what is no JSON has lines: %v", got)
	}
}
