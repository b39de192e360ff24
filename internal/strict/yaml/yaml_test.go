package yaml

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

func TestToJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", `{}`},
		{"comment", "# nothing\n", `{}`},
		{"null", "---\n", `{}`},
		{"scalars", "a: 1\nb: -1.5e3\nc: true\nd: null\ne: text\nf: ~\ng: False", `{"a":1,"b":-1.5e3,"c":true,"d":null,"e":"text","f":null,"g":false}`},
		{"date stays text", "Version: 2012-10-17", `{"Version":"2012-10-17"}`},
		{"account ids keep zeros", `"012345678901": {}` + "\n222233334444: {}", `{"012345678901":{},"222233334444":{}}`},
		{"odd numbers are text", "a: 0x10\nb: .inf\nc: 1_000\nd: 010", `{"a":"0x10","b":".inf","c":"1_000","d":"010"}`},
		{"json is yaml", `{"a": ["b", {"c": 1}]}`, `{"a":["b",{"c":1}]}`},
		{"alias", "a: &p {x: [1]}\nb: *p", `{"a":{"x":[1]},"b":{"x":[1]}}`},
		{"quoted", `a: "tab\t\u0001"`, `{"a":"tab\t\u0001"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ToJSON([]byte(c.in))
			if err != nil || string(got) != c.want {
				t.Fatalf("got %s and %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'k'; i++ {
		bomb += string(i) + ": &" + string(i) + " [" + strings.Repeat("*"+string(i-1)+",", 9) + "]\n"
	}
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"repeated", "a: {b: 1, b: 2}\na: 3", []string{"/a/b", "/a"}},
		{"merge", "a: &a {x: 1}\nb: {<<: *a}", []string{"/b/<<"}},
		{"binary", "a: !!binary aGk=", []string{"/a"}},
		{"own tag", "a: [!foo x]", []string{"/a/0"}},
		{"two documents", "a: 1\n---\nb: 2", []string{""}},
		{"syntax", "a: [", []string{""}},
		{"syntax in the second document", "a: 1\n---\nb: [", []string{""}},
		{"mapping as key", "{a: 1}: 2", []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ToJSON([]byte(c.in))
			var got []string
			for _, e := range rolecall.List(err) {
				if e.Code != rolecall.Invalid {
					t.Errorf("code %s: %s", e.Code, e.Message)
				}
				got = append(got, e.Pointer)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, in := range map[string]string{"bomb": bomb, "itself": "a: &a [*a]", "deep": strings.Repeat("[", 1000) + strings.Repeat("]", 1000)} {
		if _, err := ToJSON([]byte(in)); rolecall.CodeOf(err) != rolecall.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzToJSON(f *testing.F) {
	f.Add([]byte("a: &a [1, 2012-10-17, ~]\nb: {c: *a}"))
	f.Add([]byte("? [x]\n: y"))
	f.Add([]byte("a: &a [*a]\n<<: *a"))
	f.Add([]byte("!!bool x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := ToJSON(data)
		switch {
		case err != nil && rolecall.CodeOf(err) != rolecall.Invalid:
			t.Fatalf("error that is not ours: %v", err)
		case err == nil && !json.Valid(out):
			t.Fatalf("not JSON: %s", out)
		}
	})
}
