package job

import (
	"fmt"
	"slices"
	"sync"

	"github.com/rolecall/rolecall"
)

// notes are those of a task, of all its tries. Use newNotes.
type notes struct {
	mu   sync.Mutex
	kept []rolecall.Note
	many map[rolecall.NoteKind]int // how often there is one of the kind
	seen map[rolecall.Note]bool    // of those kept
}

func newNotes() *notes {
	return &notes{many: map[rolecall.NoteKind]int{}, seen: map[rolecall.Note]bool{}}
}

// add reports whether the note is a new one that is kept.
func (n *notes) add(note rolecall.Note) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen[note] {
		return false
	}
	n.many[note.Kind]++
	if n.many[note.Kind] > rolecall.MaxNotes {
		return false
	}
	n.kept, n.seen[note] = append(n.kept, note), true
	return true
}

// list returns the notes, in order, and how many are left out.
func (n *notes) list() []rolecall.Note {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := append([]rolecall.Note{}, n.kept...)
	for _, kind := range []rolecall.NoteKind{rolecall.Skipped, rolecall.Lost, rolecall.Kept, rolecall.AlreadyDelivered, rolecall.Unused, rolecall.Waited, rolecall.Retried} {
		if more := n.many[kind] - rolecall.MaxNotes; more > 0 {
			out = append(out, rolecall.Note{Kind: kind, Message: fmt.Sprintf("and %d more like these", more)})
		}
	}
	return slices.Clip(out)
}
