package rolecall_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// TestIn names the document of faults, and the lines of those that are known to
// be in it.
func TestIn(t *testing.T) {
	t.Parallel()
	lines := strict.LinesOf([]byte("{\n\"a\": 1}"))
	faults := rolecall.Errors{
		{Code: rolecall.Invalid, Pointer: "/a", Message: "wrong", Hint: "You: correct it"},
		{Code: rolecall.Conflict, Pointer: "/a/b", Message: "missing"},
		{Code: rolecall.Invalid, Pointer: "/c", Message: "missing"},
		{Code: rolecall.Invalid, Message: "too long"},
		{Code: rolecall.NotFound, Message: "no such principal"}, // is about no document
	}
	want := rolecall.Errors{
		{Code: rolecall.Invalid, Pointer: "/a", Message: "f.json, line 2: wrong", Hint: "You: correct it"},
		{Code: rolecall.Conflict, Pointer: "/a/b", Message: "f.json, line 2: missing"},
		{Code: rolecall.Invalid, Pointer: "/c", Message: "f.json: missing"},
		{Code: rolecall.Invalid, Message: "f.json: too long"},
		{Code: rolecall.NotFound, Message: "no such principal"},
	}
	if diff := cmp.Diff(want, faults.In("f.json", lines)); diff != "" {
		t.Error(diff)
	}
}
