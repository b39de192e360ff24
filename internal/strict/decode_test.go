package strict_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

type sample struct {
	Name  string            `json:"name"`
	Count int               `json:"count"`
	Flag  bool              `json:"flag"`
	List  []string          `json:"list"`
	Map   map[string]sample `json:"map"`
	Raw   json.RawMessage   `json:"raw"`
	Any   any               `json:"any"`
	embedded
}

type embedded struct {
	Inner *sample `json:"inner"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		want     []string // pointer: message (hint)
	}{
		{"whole", `{"name":"a","count":3,"flag":true,"list":["x"],"map":{"k":{"name":"b"}},"raw":{"z": [1]},"inner":{"name":"c"},"any":[1]}`, nil},
		{"null is absent", `{"list":null,"map":null,"inner":null,"any":null}`, nil},
		{"unknown", `{"nmae":"a","zzzzzzzz":1}`, []string{
			`/nmae: unknown field "nmae" (You: write "name", if that is meant)`,
			`/zzzzzzzz: unknown field "zzzzzzzz" (You: write one of name, count, flag, list, map, raw, any, inner)`,
		}},
		{"types, all in one answer", `{"name":1,"count":"3","flag":0,"list":{},"map":{"a/b":{"count":1.5}},"inner":[]}`, []string{
			`/name: must be a string, not a number (You: put the value into double quotes)`,
			`/count: must be a whole number, not a string (You: write the number in digits, without quotes, fraction and exponent)`,
			`/flag: must be true or false, not a number (You: write true or false, without quotes)`,
			`/list: must be a list, not an object (You: write a list, as in ["first", "second"])`,
			`/map/a~1b/count: must be a whole number, not "1.5" (You: write the number in digits, without quotes, fraction and exponent)`,
			`/inner: must be an object, not a list (You: write names with values, as in {"name": "value"})`,
		}},
		{"case matters", `{"Name":"a"}`, []string{`/Name: unknown field "Name" (You: write "name", if that is meant)`}},
		{"repeated", `{"name":"a","name":"b","map":{"k":{},"k":{}}}`, []string{
			`/name: "name" is given twice (You: remove one of the two)`, `/map/k: "k" is given twice (You: remove one of the two)`,
		}},
		{"top level", `[]`, []string{`must be an object, not a list (You: write names with values, as in {"name": "value"})`}},
		{"syntax", "{\n  \"name\": nope}", []string{`not JSON at line 2, column 11: a value is expected, and "nope" is not in quotes (You: put it into double quotes)`}},
		{"deep", strings.Repeat(`{"inner":`, 70) + "1" + strings.Repeat("}", 70), []string{`the document nests deeper than 64 (You: write it flatter)`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var s sample
			var faults rolecall.Errors
			strict.Decode([]byte(tc.in), &s, &faults)
			if diff := cmp.Diff(tc.want, lines(faults)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if tc.name == "whole" {
				if s.Name != "a" || s.Count != 3 || !s.Flag || s.Map["k"].Name != "b" || string(s.Raw) != `{"z": [1]}` || s.Inner.Name != "c" {
					t.Errorf("decoded %+v", s)
				}
			}
		})
	}
}

// lines gives faults as "pointer: message (hint)".
func lines(faults rolecall.Errors) []string {
	var out []string
	for _, e := range faults {
		s := e.Error()
		if e.Hint != "" {
			s += " (" + e.Hint + ")"
		}
		out = append(out, s)
	}
	return out
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"a","list":["x"],"map":{"k":{}},"raw":[1,2]}`))
	f.Add([]byte(`{"inner":{"inner":{"nmae":1}}} x`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want sample
		var faults rolecall.Errors
		if strict.Decode(data, &got, &faults); len(faults) > 0 {
			return
		}
		// What we accept, the standard decoder accepts with the same result.
		dec := json.NewDecoder(bytes.NewReader(data))
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if got.Name != want.Name || got.Count != want.Count || len(got.List) != len(want.List) {
			t.Fatalf("got %+v, encoding/json %+v", got, want)
		}
	})
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"role-arn": "role_arn", "Location": "location", "locaton": "location", "xyzzy": "", "": "",
	} {
		if got := strict.Nearest(word, []string{"location", "role_arn"}); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
