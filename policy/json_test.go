package policy

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// plainValue gives a node as encoding/json would, duplicate names apart.
func (n *node) plainValue() any {
	switch n.kind {
	case '{':
		m := map[string]any{}
		for i, name := range n.names {
			m[name] = n.items[i].plainValue()
		}
		return m
	case '[':
		list := []any{}
		for i := range n.items {
			list = append(list, n.items[i].plainValue())
		}
		return list
	case '"':
		return n.text
	case '0':
		return json.Number(n.text)
	case 't':
		return n.text == "true"
	default:
		return nil
	}
}

// FuzzReadJSON holds the reader to encoding/json: it accepts the same documents, up to
// a depth, and reads the same values from them.
func FuzzReadJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,true,false,null,"x\n\u00e9\ud83d\ude00\ud83d\ud83dx\/"],"b":{}, "c" : [ ] }`,
		`01`, `-`, `1.`, `1e`, `[1,]`, `{"a"}`, `{"a":1,}`, `"\x"`, `"\u12"`, "\"\t\"", ` 1 2`, `tru`, `"\ud83d\u"`, `nulls`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := readJSON(string(data))
		want := json.Valid(data) && utf8.Valid(data)
		if err != nil {
			if want && !strings.Contains(err.Error(), "nests deeper") {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		if !want {
			t.Fatalf("%q was read", data)
		}
		var v any
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, n.plainValue()); diff != "" {
			t.Errorf("%q:\n%s", data, diff)
		}
		if n.source != string(bytes.TrimSpace(data)) {
			t.Errorf("%q has the source %q", data, n.source)
		}
	})
}
