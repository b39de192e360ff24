package tree

import "testing"

// What is not changed is written as it was read: IAM takes characters above
// U+00FF only as JSON's escapes.
func TestUnchangedIsAsWritten(t *testing.T) {
	t.Parallel()
	n := MustParse([]byte(`{ "Version" : "2012-10-17", "a": ["\u65e5\/", 1.50, true, null], "Statement": {"b": "c"} }`))
	n.Set("Version", Text("2008-10-17"))
	n.Statements().Items[0].Set("d", List("e", "<&>"))
	want := `{"Version":"2008-10-17","a":["\u65e5\/",1.50,true,null],"Statement":[{"b":"c","d":["e","<&>"]}]}`
	if got := string(n.JSON()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	n := MustParse([]byte(`{"a":[{"b/c":{"~":"x"}}]}`))
	n.Locate("")
	for pointer, want := range map[string]string{"": "", "/a/0/b~1c/~0": "x", "/a/1": "none", "/a/-1": "none", "/a/x": "none", "/b": "none", "/a/0/b~1c/~0/y": "none"} {
		switch found := n.Follow(pointer); {
		case found == nil && want != "none", found != nil && (found.Text != want || found.Pointer != pointer):
			t.Errorf("%s: %+v", pointer, found)
		}
	}
}
