package job

import (
	"fmt"
	"testing"

	"github.com/rolecall/rolecall"
)

// A report has each note once, of each kind a bounded number, and says how many
// there are more.
func TestNotesAreBounded(t *testing.T) {
	t.Parallel()
	n := newNotes()
	if n.list() == nil {
		t.Error("no notes are null in JSON")
	}
	for range 2 { // tries
		for i := range rolecall.MaxNotes {
			n.add(rolecall.Note{Kind: rolecall.Skipped, Key: fmt.Sprint(i), Message: "m"})
		}
	}
	if got := len(n.list()); got != rolecall.MaxNotes {
		t.Errorf("%d notes", got)
	}
	n.add(rolecall.Note{Kind: rolecall.Skipped, Key: "x", Message: "m"})
	n.add(rolecall.Note{Kind: rolecall.Lost, Key: "x", Message: "m"})
	got := n.list()
	if want := (rolecall.Note{Kind: rolecall.Skipped, Message: "and 1 more like these"}); len(got) != rolecall.MaxNotes+2 || got[len(got)-1] != want {
		t.Errorf("%d notes, the last is %+v", len(got), got[len(got)-1])
	}
}
