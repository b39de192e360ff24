package task

import (
	"cmp"
	"context"

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
		var direct []int
		if direct, err = sel.wanted(ctx); err == nil {
			err = s.list(ctx, at, sel, false, add)
		}
		if err == nil {
			err = s.unfound(ctx, sel, at.String())
		}
		for n := 0; err == nil && n < len(direct); n++ {
			key := at.place.Key + s.step.Files[direct[n]].String()
			pointers[key] = s.step.FilesPointer + strict.Pointer(direct[n])
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
			return 0, s.setAside(ctx, at.object(p.Key, pointer), s.objectFault(ctx, err, at, p.Key, pointer))
		}
		s.observe(Event{Kind: FileDone, Name: p.Key})
		return 0, nil
	})
	return s.end(ctx, out, planned, err, "tagged")
}
