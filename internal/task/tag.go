package task

import (
	"context"

	"github.com/rolecall/rolecall/internal/transfer"
)

// tag sets the step's tags on the place's objects, in place of those that
// they have. Objects named without wildcards are not looked for first.
func (s *stage) tag(ctx context.Context) (Outcome, error) {
	at, err := s.open(ctx, source)
	if err != nil {
		return Outcome{}, err
	}
	var objects []transfer.Object
	if len(s.step.Files) == 0 {
		objects = []transfer.Object{{Key: at.place.Key}}
	} else {
		sel := newSelection(s.step.Files, prefixesOf(s.step.Files))
		if objects, err = s.list(ctx, at, sel, false); err != nil {
			return Outcome{}, err
		}
		for _, i := range sel.direct {
			objects = append(objects, transfer.Object{Key: at.place.Key + s.step.Files[i].String()})
		}
	}
	s.observe(Event{Kind: Planned, Files: len(objects)})
	out, err := each(ctx, len(objects), none, func(ctx context.Context, i int) (int64, error) {
		return s.once(ctx, at, objects[i].Key, objects[i].ETag, func() (transfer.Result, error) {
			return transfer.Result{}, transfer.Tag(ctx, at.bucket, objects[i].Key, s.step.Tags)
		})
	})
	return s.end(ctx, out, len(objects), err, "tagged")
}
