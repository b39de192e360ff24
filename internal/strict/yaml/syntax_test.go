package yaml

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

// TestSyntax has what people who write YAML get wrong, with the line that is to
// be changed.
func TestSyntax(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"a:\n\tb: 1", "line 2: the line is indented by a tab"},
		{"a:\n  b: 1\n  \tc: 2\nd: 3", "line 3: the line is indented by a tab"},
		{"a: 1\nb 2\nc: 3\n", "line 2: a colon is missing after a name"},
		{"a: 1\n\n# c\nb 2\n\n# d\nc: 3\n", "line 4: a colon is missing after a name"},
		{"a: 1\r\nb 2\r\nc: 3\r\n", "line 2: a colon is missing after a name"},
		{"a: 1\nb: 2\nc", "line 3: a colon is missing after a name"},
		{"a: 1\n  b: 2", "line 2: a colon stands where no name can be"},
		{"a: b: c", "line 1: a colon stands where no name can be"},
		{"a:\n    b: 1\n   c: 2", "line 3: the line does not continue the names before it"},
		{"x:\n  a:\n    b: 1\n   c: 2\n  d: 3", "line 4: the line does not continue the names before it"},
		{"a: 1\n- b", "line 2: the line does not continue the names before it"},
		{"- a\nb: 1", "line 2: the line does not continue the list before it"},
		{"x: 1\na: - b", "line 2: a list item (-) stands where none can be"},
		{"x: 1\na: {b: 1\nc: 2", "line 2: a { is not closed"},
		{"x: 1\na: [1, 2\nc: 2", "line 2: a [ is not closed"},
		{"x: 1\na: {b: c: d}", "line 2: a { is not closed"},
		{"x: 1\na: [1,, 2]", "line 2: a value is missing"},
		{"x: 1\na b\nc: d\ne: f\n", "line 2: a colon is missing after a name"},
		{"x: 1\na:\n  b c\n  d: e\n", "line 3: a colon is missing after a name"},
		{"a: \"b\nc: d\ne: \"f\"\n", "line 1: the text in quotes that begins here ends only in line 3"},
		{"x: 1\na: [\"b]\nc: d\ne: [\"f\"]\n", "line 2: the text in quotes that begins here ends only in line 4"},
		{"x: 1\na: {b: 1,\n  c: 2\nd: 3: 4\n", "line 3: a { is not closed"},
		{"x: 1\na: 'b\nc: d\n", "line 2: the text in quotes that begins here does not end"},
		{"a: 'b\nc: d\n", "line 1: the text in quotes that begins here does not end"},
		{"x: 1\na: @b", "line 2: a value begins with a character that YAML keeps for itself"},
		{"x: 1\na: `b`", "line 2: a value begins with a character that YAML keeps for itself"},
		{"x: 1\na: %b", "line 2: a value begins with a character that YAML keeps for itself"},
		{"x: 1\na: *b", "line 2: *b names no anchor before it"},
		{"x: 1\na: *.mov\n", "line 2: "},
		{"x: 1\na: \"C:\\job\"", "line 2: a backslash in double quotes begins no escape"},
		{"x: 1\na: \"\\u12G4\"", "line 2: a backslash in double quotes begins no escape"},
		{"x: 1\na: | b", "line 2: a text stands behind | or >"},
		{"x: 1\na: & b", "line 2: a & or * stands without the name of an anchor"},
		{"x: 1\na: M\xfcller", "line 2: the text is not UTF-8"},
		{"x: 1\na: \x01", "line 2: a control character is in the text"},
		{"<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> other", "line 1: the line marks a conflict of a merge"},
		{"a: 1\n<<<<<<< HEAD\nb: 1\n", "line 2: the line marks a conflict of a merge"},
		{"%a\nb: 1", "line 1: a line begins with %"},
		{"a: 1\n---\nb: [", "line 3: "},
	} {
		_, err := ToJSON([]byte(c.in))
		got := rolecall.List(err)
		if len(got) != 1 {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if !strings.HasPrefix(got[0].Message, "not YAML at "+c.want) {
			t.Errorf("%q:\n got %s\nwant not YAML at %s", c.in, got[0].Message, c.want)
		}
		if words := len(strings.Fields(got[0].Hint)); !strings.HasPrefix(got[0].Hint, "You: ") || words > 26 {
			t.Errorf("%q has the hint %q", c.in, got[0].Hint)
		}
	}
}

func TestLinesOf(t *testing.T) {
	t.Parallel()
	lines := LinesOf([]byte("# c\na: &p\n  b: [x,\n    y]\nc:\n  d: *p\n"))
	for pointer, want := range map[string]int{"/a": 2, "/a/b": 3, "/a/b/1": 4, "/c/d": 6, "/c/d/b/0": 3, "/c/missing": 5, "/z": 0} {
		if got := lines.Of(pointer); got != want {
			t.Errorf("%q is in line %d, not %d", pointer, got, want)
		}
	}
	if got := LinesOf([]byte("a: [")); len(got) > 0 {
		t.Errorf("what is no YAML has lines: %v", got)
	}
}
