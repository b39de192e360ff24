package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"
	"strings"
	"sync"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/transfer"
)

// Bounds on what one task takes. The server that lists may be a tenant's, which
// can go on for ever. How many names are held at once, the process's limits say.
const (
	maxObjects = 1_000_000  // objects or files that it works on
	maxListed  = 10_000_000 // keys that it looks at
)

// piece is an object to be moved, and what it becomes: a file's name, or a key.
type piece struct {
	transfer.Object
	to string
}

func (p piece) size() int64 { return p.Size }

// held is about how many bytes the piece takes where it is held.
func (p piece) held() int64 { return p.Held() + int64(len(p.to)) }

// hold takes n bytes for names of the process's memory, until they are dropped or
// the step ends, and reports whether there is room for them.
func (s *work) hold(n int64) bool {
	if !s.tools.limits.Hold(n) {
		return false
	}
	s.held.Add(n)
	return true
}

func (s *work) drop(n int64) {
	s.held.Add(-n)
	s.tools.limits.Drop(n)
}

// tooMany says that a task would take more than it may.
func (s *work) tooMany(what string) error {
	return &rolecall.Error{Code: rolecall.Invalid, Pointer: s.step.FilesPointer, Message: what, Hint: "You: divide them among tasks by narrower patterns"}
}

func (s *work) tooManyObjects() error {
	return s.tooMany(fmt.Sprintf("more objects match than one task takes: %d", maxObjects))
}

// noRoom says that no more names can be held, which may pass: other tasks hold
// some as well.
func (s *work) noRoom(n int) error {
	return &rolecall.Error{
		Code: rolecall.Unavailable, Pointer: s.step.FilesPointer, Message: fmt.Sprintf("there is no memory left to hold more than the names of %d objects or files", n),
		Hint: "You: divide them among tasks by narrower patterns. Operator: give rolecall more --memory",
	}
}

// listing returns the objects whose keys begin with the prefix, until the
// context ends or the step's listings together have grown too long.
func (s *work) listing(ctx context.Context, at side, prefix string) iter.Seq2[transfer.Object, error] {
	return func(yield func(transfer.Object, error) bool) {
		for o, err := range transfer.List(ctx, at.bucket, prefix) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && s.listed.Add(1) > maxListed {
				err = s.tooMany(fmt.Sprintf("more than %d objects are to be looked at in %s", maxListed, at))
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// list yields the objects that the selection takes from its listings, in order
// of their keys. Markers that consoles leave for directories are taken only on
// demand, and that of the place itself never: the other place has its own.
func (s *work) list(ctx context.Context, at side, sel *selection, markers bool, give func(transfer.Object) error) error {
	for _, prefix := range sel.prefixes {
		for o, err := range s.listing(ctx, at, at.place.Key+prefix) {
			name, below := strings.CutPrefix(o.Key, at.place.Key)
			wanted := false
			if err == nil && below {
				wanted, err = sel.match(ctx, prefix, name)
			}
			if err != nil {
				err = s.fault(ctx, err, at, at.place.Pointer)
				if kind, _ := ownFault(err); kind != string(transfer.Denied) || len(sel.prefixes)+len(sel.direct) == 1 {
					return err
				}
				if err = s.setAside(ctx, subject{key: at.place.Key + prefix, pointer: at.place.Pointer, entry: true}, err); !errors.Is(err, errAside) {
					return err
				}
				sel.giveUp(prefix)
				break
			}
			switch {
			case !wanted:
				continue
			case o.Size == 0 && (name == "" || strings.HasSuffix(name, "/") && !markers):
				s.observe(Event{Kind: Skipped, Note: rolecall.Skipped, Name: o.Key, Reason: "an empty marker of a directory"})
				continue
			}
			if err := sel.take(ctx, prefix, name); err != nil {
				return err
			}
			if err := give(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// unfound sets aside each pattern that matched nothing, and notes what exclude has
// in vain, when all has been looked at.
func (s *work) unfound(ctx context.Context, sel *selection, place string) error {
	for _, entry := range sel.unused() {
		s.observe(unused(entry))
	}
	for _, i := range sel.unmatched() {
		text, pointer := s.step.Files[i].String(), s.step.FilesPointer+strict.Pointer(i)
		err := s.setAside(ctx, subject{key: text, name: text, pointer: pointer, entry: true}, s.unmatched(text, place, sel.left[sel.same[i]]))
		if !errors.Is(err, errAside) {
			return err
		}
	}
	return nil
}

// unmatched says that a pattern matches nothing in the place, or only what exclude
// leaves out.
func (s *work) unmatched(text, place string, leftOut bool) *rolecall.Error {
	e := &rolecall.Error{
		Code: rolecall.NotFound, Message: fmt.Sprintf("%q matches nothing in %s", text, place),
		Hint: cmp.Or(refusal.OddKeyHint(s.step.Place.Key), "You: write patterns relative to the place; upper and lower case differ"),
	}
	if leftOut {
		e.Message += " but what exclude leaves out"
		e.Hint = "You: remove from exclude what leaves out all that it matches, or remove it from files"
	}
	return e
}

func unused(entry string) Event {
	return Event{Kind: Unused, Note: rolecall.Unused, Name: entry, Reason: "this entry of exclude leaves nothing out"}
}

// heads asks for the objects that no listing covers, and returns them in order of
// their keys. Those that are missing or refused are set aside.
func (s *work) heads(ctx context.Context, at side, sel *selection) ([]transfer.Object, error) {
	wanted, err := sel.wanted(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex // guards found
	var found []transfer.Object
	_, err = each(ctx, all(wanted), none, func(ctx context.Context, index int) (int64, error) {
		key, pointer := at.place.Key+s.step.Files[index].String(), s.step.FilesPointer+strict.Pointer(index)
		o, err := s.head(ctx, at, key, pointer)
		if err != nil {
			return 0, s.setAside(ctx, at.object(key, pointer), err)
		}
		mu.Lock()
		defer mu.Unlock()
		found = append(found, o)
		return 0, nil
	})
	sort.Slice(found, func(i, j int) bool { return found[i].Key < found[j].Key })
	return found, err
}

// head asks for one object.
func (s *work) head(ctx context.Context, at side, key, pointer string) (transfer.Object, error) {
	o, err := transfer.Head(ctx, at.bucket, key)
	if err == nil {
		return o, nil
	}
	if kindOf(err) == transfer.Denied {
		return o, s.deniedObject(ctx, err, at, key, pointer)
	}
	return o, s.fault(ctx, err, at, pointer)
}

// objectFault is the fault of a request for an object that was listed or named.
// Where S3 says no more than that it may not be listed, the object may be missing.
func (s *work) objectFault(ctx context.Context, err error, at side, key, pointer string) error {
	if answer := refusal.Read(err); answer.Kind == transfer.Denied && answer.Denial.Action == listAction {
		return s.deniedObject(ctx, err, at, key, pointer)
	}
	return s.fault(ctx, err, at, pointer)
}

// listAction is what S3 asks for where an object is missing.
const listAction = "s3:ListBucket"

// deniedObject looks into a denial by a listing: S3 answers 403 for a missing key
// to whoever may not list all of the bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
func (s *work) deniedObject(ctx context.Context, err error, at side, key, pointer string) error {
	there, unlisted := s.isListed(ctx, at, key)
	switch {
	case ctx.Err() != nil:
	case unlisted != nil:
		return s.hidden(err, at, key, pointer)
	case !there:
		return absent(at, key, pointer)
	}
	return s.fault(ctx, err, at, pointer)
}

// isListed reports whether a listing has the key: as the first that begins with
// it, if at all.
func (s *work) isListed(ctx context.Context, at side, key string) (bool, error) {
	o, ok, err := transfer.ListFirst(ctx, at.bucket, key)
	if ok {
		s.listed.Add(1)
	}
	return o.Key == key, err
}
