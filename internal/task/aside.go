package task

import (
	"cmp"
	"context"
	"errors"
	"maps"
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
	mu    sync.Mutex
	all   int
	kinds map[string]*asideKind // faults of one kind stand together
}

// asideKind has the faults of one kind.
type asideKind struct {
	first []leftOut // those of the first keys, in their order
	more  int       // that are not kept
}

// leftOut is an object and what is wrong with it.
type leftOut struct {
	key string
	err error
}

// maxRefused is how many objects may be refused while none is done: more of them
// show that the place is at fault, and not its objects.
const maxRefused = 32

// add adds a fault in the order of the keys, and keeps no more than an answer
// lists.
func (k *asideKind) add(f leftOut) {
	at, _ := slices.BinarySearchFunc(k.first, f.key, func(l leftOut, key string) int { return cmp.Compare(l.key, key) })
	k.first = slices.Insert(k.first, at, f)
	if len(k.first) > maxFaults {
		k.first, k.more = slices.Delete(k.first, maxFaults, len(k.first)), k.more+1
	}
}

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
	if l.all >= maxRefused && !done && (kind == string(transfer.Denied) || kind == string(transfer.Refused)) {
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
	l.all++
	if l.kinds == nil {
		l.kinds = map[string]*asideKind{}
	}
	if l.kinds[kind] == nil {
		l.kinds[kind] = &asideKind{}
	}
	l.kinds[kind].add(leftOut{key, faults})
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
	var all rolecall.Errors
	for _, name := range slices.Sorted(maps.Keys(l.kinds)) {
		kind := faultList{more: l.kinds[name].more}
		for _, f := range l.kinds[name].first {
			kind.add("", f.err)
		}
		all = append(all, rolecall.List(kind.err())...)
	}
	return all.Err()
}
