package task

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/transfer"
)

// aside has the objects that a step leaves out since they are at fault
// themselves: it does the rest, and then fails and names them. The zero value is
// empty.
type aside struct {
	mu     sync.Mutex
	faults []leftOut
	more   int // that are not kept
}

// leftOut is an object and what is wrong with it.
type leftOut struct {
	key  string
	kind string // faults of one kind stand together
	err  error
}

const (
	maxAside = 10_000 // faults that are kept
	// maxRefused is how many objects may be refused while none is done: more of
	// them show that the place is at fault, and not its objects.
	maxRefused = 32
)

// errAside is the error for an object that was set aside.
var errAside = errors.New("set aside")

// setAside sets an object aside that is at fault itself, and returns errAside;
// else the error. Done reports whether another object of the step is done.
func (s *work) setAside(ctx context.Context, key, pointer string, done bool, err error) error {
	kind, own := ownFault(err)
	if !own || ctx.Err() != nil {
		return err
	}
	l := &s.aside
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.faults) >= maxRefused && !done && (kind == string(transfer.Denied) || kind == string(transfer.Refused)) {
		return err
	}
	var faults rolecall.Errors
	for _, e := range rolecall.List(s.located(err, pointer)) {
		one := *e
		if len(s.step.Files) > 0 {
			one.Hint = joinHints(one.Hint, s.leaveOutHint(key))
		}
		faults = append(faults, &one)
	}
	s.observe(Event{Kind: Skipped, Note: rolecall.Skipped, Name: key, Reason: faults[0].Message})
	if len(l.faults) == maxAside {
		l.more++
	} else {
		l.faults = append(l.faults, leftOut{key, kind, faults})
	}
	return errAside
}

// excludeHint goes with the fault of an object that the step can do without.
const excludeHint = "You: name it in exclude to leave it out"

// leaveOutHint says how to leave an object or file out.
func (s *work) leaveOutHint(key string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(key, s.step.Place.Key), s.step.BaseDir+"/")
	if slices.ContainsFunc(s.step.Files, func(p rolecall.Pattern) bool { return p.Literal() && p.String() == name }) {
		return "You: remove it from files to leave it out"
	}
	return excludeHint
}

func joinHints(first, second string) string {
	if first == "" {
		return second
	}
	return first + ". " + second
}

// ownFault reports whether an error is an object's own, of a kind, so that others
// may well be fetched.
func ownFault(err error) (kind string, own bool) {
	var moving *transfer.Error
	if !errors.As(err, &moving) {
		code := rolecall.CodeOf(err)
		return "name", code == rolecall.Invalid || code == rolecall.NotFound
	}
	switch moving.Kind {
	case transfer.Exists, transfer.NotFound, transfer.Denied, transfer.Archived, transfer.Changed, transfer.Corrupt, transfer.TooLarge, transfer.BadFile:
		return string(moving.Kind), true
	case transfer.Refused:
		return string(moving.Kind), awscode.Of(moving.Code) != awscode.Unsupported
	default:
		return "", false
	}
}

// err returns the faults of all objects, those of a kind together and in order of
// their keys; nil if there are none.
func (l *aside) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.faults, func(a, b leftOut) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.key, b.key)) })
	var all rolecall.Errors
	for i := 0; i < len(l.faults); {
		var kind faultList
		first := i
		for ; i < len(l.faults) && l.faults[i].kind == l.faults[first].kind; i++ {
			kind.add("", l.faults[i].err)
		}
		if i == len(l.faults) {
			kind.more += l.more
		}
		all = append(all, rolecall.List(kind.err())...)
	}
	return all.Err()
}
