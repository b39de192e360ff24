package task

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/transfer"
)

// aside has what a step leaves out since it is at fault itself: it does the rest,
// and then fails and names all of it. The zero value is empty.
type aside struct {
	mu      sync.Mutex
	failing int                   // of maxFailing
	kinds   map[string]*asideKind // faults of one kind stand together
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

const (
	// maxRefused is how many of a step's first objects may be refused: where
	// all of them are, the place is at fault, and not its objects.
	maxRefused = 1000
	// maxFailing is how many objects may fail for reasons that may pass, and one of
	// failingShare that are done. Where there are more of them, it is the service
	// that fails.
	maxFailing   = 8
	failingShare = 10
)

// add adds a fault in the order of the keys, and keeps no more than an answer
// lists.
func (k *asideKind) add(f leftOut) {
	at, _ := slices.BinarySearchFunc(k.first, f.key, func(l leftOut, key string) int { return cmp.Compare(l.key, key) })
	k.first = slices.Insert(k.first, at, f)
	if len(k.first) > maxFaults {
		k.first, k.more = slices.Delete(k.first, maxFaults, len(k.first)), k.more+1
	}
}

var (
	// errAside is the error for an object that was set aside.
	errAside = errors.New("set aside")
	// errRefused is the errAside of an object that was refused, as all of its place may be.
	errRefused = fmt.Errorf("refused: %w", errAside)
)

// subject is what may be set aside.
type subject struct {
	key     string // of the object, or the file's name
	name    string // as files and exclude name it
	pointer string
	entry   bool // it is an entry of files and what that may name, not an object
}

// object is the subject for an object of the place.
func (at side) object(key, pointer string) subject {
	return subject{key: key, name: strings.TrimPrefix(key, at.place.Key), pointer: pointer}
}

// setAside sets an object aside that is at fault itself, and returns errAside;
// else the error.
func (s *work) setAside(ctx context.Context, what subject, err error) error {
	kind, own := ownFault(err)
	if !own && s.readsListed(err, what) {
		kind, own = string(kindOf(err)), true
	}
	if !own || ctx.Err() != nil {
		return err
	}
	l := &s.aside
	l.mu.Lock()
	defer l.mu.Unlock()
	if kind == string(transfer.Unavailable) || kind == string(transfer.Unreachable) {
		if l.failing++; int64(l.failing) > max(maxFailing, s.done.Load()/failingShare) {
			return err
		}
	}
	var faults rolecall.Errors
	for _, e := range rolecall.List(s.located(err, what.pointer)) {
		one := *e
		one.Hint = joinHints(one.Hint, s.wayOut(what))
		faults = append(faults, &one)
	}
	if kind != missing {
		s.observe(Event{Kind: Skipped, Note: rolecall.Skipped, Name: what.key, Reason: faults[0].Message})
	}
	if l.kinds == nil {
		l.kinds = map[string]*asideKind{}
	}
	if l.kinds[kind] == nil {
		l.kinds[kind] = &asideKind{}
	}
	l.kinds[kind].add(leftOut{what.key, faults})
	switch transfer.Kind(kind) {
	case transfer.Denied, transfer.Refused, transfer.Malformed, transfer.WrongRegion, transfer.NoBucket:
		return errRefused
	default:
		return errAside
	}
}

// wayOut is the hint with which the step does without the subject; empty if it
// cannot.
func (s *work) wayOut(what subject) string {
	if len(s.step.Files) == 0 || s.step.Tool == rolecall.StorageExists {
		return ""
	}
	named, matched := what.entry, false
	for _, f := range s.step.Files {
		switch {
		case !f.Literal():
			matched = matched || !what.entry && f.Match(what.name)
		case f.String() == what.name:
			named = true
		}
	}
	switch {
	case named && matched:
		return "You: remove it from files and name it in exclude to leave it out"
	case named && len(s.step.Files) == 1:
		return "" // without it the step has nothing to do
	case named:
		return "You: remove it from files to leave it out"
	}
	// A pattern cannot write these, but match them.
	exclusion := rolecall.ExclusionOf(what.name)
	if !utf8.ValidString(exclusion) || strings.ContainsRune(exclusion, 0) {
		exclusion = strings.ReplaceAll(strings.ToValidUTF8(strings.ReplaceAll(exclusion, "\x00", "?"), "\xff"), "\xff", "?")
	}
	p, err := rolecall.CompileExclusion(exclusion)
	switch {
	case err != nil || !p.Match(what.name):
		return ""
	case strings.HasSuffix(what.name, "/"):
		return "You: name it in exclude to leave it out, with all below it"
	case exclusion != what.name:
		text, _ := json.Marshal(exclusion) // as a job has it; of a string there is no error
		return "You: name it in exclude as " + string(text) + " to leave it out"
	default:
		return "You: name it in exclude to leave it out"
	}
}

func joinHints(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + ". " + second
}

// missing is the kind of what is named and not there.
const missing = "missing"

// ownFault reports whether an error is an object's own, of a kind, so that others
// may well be done.
func ownFault(err error) (kind string, own bool) {
	var moving *transfer.Error
	if !errors.As(err, &moving) {
		switch rolecall.CodeOf(err) {
		case rolecall.NotFound:
			return missing, true
		case rolecall.Invalid:
			return "name", true
		default:
			return "", false
		}
	}
	switch moving.Kind {
	case transfer.NotFound, transfer.Denied, transfer.Archived, transfer.Exists, transfer.Changed, transfer.Corrupt, transfer.TooLarge,
		transfer.BadFile, transfer.Malformed, transfer.Unavailable, transfer.Unreachable:
		return string(moving.Kind), true
	case transfer.Refused:
		return string(moving.Kind), awscode.Of(moving.Code) != awscode.Unsupported
	default:
		return "", false
	}
}

// readsListed reports whether an answer is one to reading a listed object, so that
// what it says of the whole bucket, such as that there is none, is not so.
func (s *work) readsListed(err error, what subject) bool {
	var moving *transfer.Error
	if s.listed.Load() == 0 || what.entry || !errors.As(err, &moving) {
		return false
	}
	switch moving.Kind {
	case transfer.NoBucket, transfer.WrongRegion, transfer.Refused:
		return moving.Op == "get" || moving.Op == "head" || moving.Op == "copy" && moving.Bucket == s.step.Place.Bucket && moving.Key == what.key
	default:
		return false
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
