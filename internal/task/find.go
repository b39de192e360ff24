package task

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// maxObjects bounds how many objects or files one task works on: their names
// are held in memory.
const maxObjects = 1_000_000

// find gives the objects of the step's place that its patterns name, or its
// one object, in order of their keys. A pattern that names none is an error.
func (s *stage) find(ctx context.Context, at side) ([]transfer.Object, error) {
	if len(s.step.Files) == 0 {
		o, err := s.head(ctx, at, at.place.Key, at.place.Pointer)
		return []transfer.Object{o}, err
	}
	sel := newSelection(s.step.Files, prefixesOf(s.step.Files))
	found, err := s.list(ctx, at, sel)
	if err != nil {
		return nil, err
	}
	heads, err := s.heads(ctx, at, sel)
	found = append(found, heads...)
	sort.Slice(found, func(i, j int) bool { return found[i].Key < found[j].Key })
	return found, err
}

// list gives the objects that the selection takes from its listings. Markers
// that consoles leave for directories are skipped.
func (s *stage) list(ctx context.Context, at side, sel *selection) ([]transfer.Object, error) {
	var found []transfer.Object
	for _, prefix := range sel.prefixes {
		for o, err := range transfer.List(ctx, at.bucket, at.place.Key+prefix) {
			if err != nil {
				return nil, s.fault(ctx, err, at, at.place.Pointer)
			}
			name, below := strings.CutPrefix(o.Key, at.place.Key)
			switch {
			case !below || !sel.match(prefix, name):
			case o.Size == 0 && (name == "" || strings.HasSuffix(name, "/")):
				s.observe(Event{Kind: Skipped, Name: o.Key, Reason: "an empty marker of a directory"})
			case len(found) == maxObjects:
				return nil, &rolecall.Error{
					Code: rolecall.Invalid, Pointer: s.filesPointer(),
					Message: fmt.Sprintf("more than %d objects match", maxObjects), Hint: "divide them among tasks by narrower patterns",
				}
			default:
				sel.take(prefix, name)
				found = append(found, o)
			}
		}
	}
	return found, s.nothingFor(sel, at.String())
}

// nothingFor is the error that names each pattern that matched nothing.
func (s *stage) nothingFor(sel *selection, place string) error {
	var faults rolecall.Errors
	for _, i := range sel.unmatched() {
		faults = append(faults, &rolecall.Error{
			Code: rolecall.NotFound, Pointer: s.filesPointer(i),
			Message: fmt.Sprintf("%q matches nothing in %s", s.step.Files[i].String(), place),
			Hint:    "patterns are relative to the place, and upper and lower case differ",
		})
	}
	return few(faults).Err()
}

// heads looks at the objects that no listing has covered. All that are missing
// are in the error.
func (s *stage) heads(ctx context.Context, at side, sel *selection) ([]transfer.Object, error) {
	var mu sync.Mutex // guards found and faults
	var found []transfer.Object
	var faults rolecall.Errors
	_, err := each(ctx, len(sel.direct), none, func(ctx context.Context, i int) (int64, error) {
		index := sel.direct[i]
		o, err := s.head(ctx, at, at.place.Key+s.step.Files[index].String(), s.filesPointer(index))
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			found = append(found, o)
		case rolecall.CodeOf(err) == rolecall.NotFound:
			faults = append(faults, rolecall.List(err)...)
		default:
			return 0, err
		}
		return 0, nil
	})
	if err != nil {
		return nil, s.fault(ctx, err, at, at.place.Pointer)
	}
	sort.Slice(faults, func(i, j int) bool { return faults[i].Message < faults[j].Message })
	return found, few(faults).Err()
}

// head looks at one object. S3 answers 403 for a missing key to whoever may
// not list all of the bucket, so a denial is looked into by a listing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
func (s *stage) head(ctx context.Context, at side, key, pointer string) (transfer.Object, error) {
	o, err := transfer.Head(ctx, at.bucket, key)
	if err == nil {
		return o, nil
	}
	if kindOf(err) == transfer.Denied {
		there, unlisted := wish{prefix: key, literal: true, match: func(k string) bool { return k == key }}.find(ctx, at.bucket)
		switch {
		case ctx.Err() != nil:
		case unlisted != nil:
			return o, s.hidden(err, at, key, pointer)
		case there == "":
			return o, s.absent(at, key, pointer)
		}
	}
	return o, s.fault(ctx, err, at, pointer)
}
