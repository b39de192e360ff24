package task

import (
	"cmp"
	"context"
	"sync/atomic"

	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/transfer"
)

// tag sets the step's tags on the place's objects, in place of those that
// they have. Objects named without wildcards are not looked for first.
func (s *work) tag(ctx context.Context) (Outcome, error) {
	at, err := s.open(ctx, source)
	if err != nil {
		return Outcome{}, err
	}
	var found []piece
	var missing error
	var done atomic.Bool
	pointers := map[string]string{} // of objects that are named, by their keys
	add := func(o transfer.Object) error {
		p := piece{Object: transfer.Object{Key: o.Key}}
		switch {
		case len(found) == maxObjects:
			return s.tooManyObjects()
		case !s.hold(p.held()):
			return s.noRoom(len(found))
		}
		found = append(found, p)
		return nil
	}
	if len(s.step.Files) == 0 {
		err = add(transfer.Object{Key: at.place.Key})
	} else {
		sel := newSelection(s.step.Files, s.step.Exclude, prefixesOf(s.step.Files))
		err = s.list(ctx, at, sel, false, add)
		missing = s.nothingFor(sel, at.String())
		for n := 0; err == nil && n < len(sel.direct); n++ {
			name := s.step.Files[sel.direct[n]].String()
			key := at.place.Key + name
			if out, failed := sel.leavesOut(ctx, name); out || failed != nil {
				err = failed
				continue
			}
			pointers[key] = s.step.FilesPointer + strict.Pointer(sel.direct[n])
			err = add(transfer.Object{Key: key})
		}
	}
	if err != nil {
		return Outcome{}, err
	}
	planned := Event{Kind: Planned, Files: len(found)}
	s.observe(planned)
	out, err := each(ctx, all(found), none, func(ctx context.Context, p piece) (int64, error) {
		if err := transfer.Tag(ctx, at.bucket, p.Key, s.step.Tags); err != nil {
			pointer := cmp.Or(pointers[p.Key], at.place.Pointer)
			err = s.objectFault(ctx, err, at, p.Key, pointer)
			if len(s.step.Files) == 0 {
				return 0, err
			}
			return 0, s.setAside(ctx, p.Key, pointer, done.Load(), err)
		}
		done.Store(true)
		s.observe(Event{Kind: FileDone, Name: p.Key})
		return 0, nil
	})
	if err == nil {
		err = joined(missing, s.aside.err())
	}
	return s.end(ctx, out, planned, err, "tagged")
}
