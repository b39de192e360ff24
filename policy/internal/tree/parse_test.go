package tree

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// plainValue returns a node as encoding/json would, duplicate names apart.
func plainValue(n *Node) any {
	switch n.Kind {
	case '{':
		m := map[string]any{}
		for _, member := range n.Members {
			m[member.Name] = plainValue(member.Value)
		}
		return m
	case '[':
		list := []any{}
		for _, item := range n.Items {
			list = append(list, plainValue(item))
		}
		return list
	case '"':
		return n.Text
	case '0':
		return json.Number(n.Text)
	case 't':
		return n.Text == "true"
	default:
		return nil
	}
}

// FuzzParse compares the reader with encoding/json: it accepts the same documents, up to
// a depth, and reads the same values from them.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,true,false,null,"x\n\u00e9\ud83d\ude00\ud83d\ud83dx\/"],"b":{}, "c" : [ ] }`,
		`01`, `-`, `1.`, `1e`, `[1,]`, `{"a"}`, `{"a":1,}`, `"\x"`, `"\u12"`, "\"\t\"", ` 1 2`, `tru`, `"\ud83d\u"`, `nulls`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse(string(data))
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
		if diff := cmp.Diff(v, plainValue(n)); diff != "" {
			t.Errorf("%q:\n%s", data, diff)
		}
		if n.Source != string(bytes.TrimSpace(data)) {
			t.Errorf("%q has the source %q", data, n.Source)
		}
	})
}
