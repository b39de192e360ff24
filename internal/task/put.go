package task

import (
	"context"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// put delivers files of the working directory.
func (s *work) put(ctx context.Context) (Outcome, error) {
	files, unfit, err := s.files(ctx)
	if err != nil {
		return Outcome{}, err
	}
	if len(files) == 0 {
		return Outcome{}, unfit
	}
	at, err := s.open(ctx, source)
	if err != nil {
		return Outcome{}, err
	}
	planned := Event{Kind: Planned, Files: len(files)}
	for _, f := range files {
		planned.Bytes += f.size
	}
	s.observe(planned)
	out, err := each(ctx, all(files), func(f file) int64 { return f.size }, func(ctx context.Context, f file) (int64, error) {
		res, err := transfer.Put(ctx, at.bucket, f.key, s.tools.job.Dir, f.name, s.putOptions(at.place))
		n, err := s.did(ctx, at, f.name, res, err)
		switch kindOf(err) {
		case transfer.Exists, transfer.Changed, transfer.TooLarge, transfer.BadFile: // the others may well be delivered
			err = s.setAside(ctx, f.name, at.place.Pointer, true, err)
		}
		return n, err
	})
	if err == nil {
		s.sweep(ctx, at)
		err = joined(unfit, s.aside.err())
	}
	return s.end(ctx, out, planned, err, "delivered")
}

// putOptions say how the step writes its objects.
func (s *work) putOptions(place rolecall.Place) transfer.PutOptions {
	o := transfer.PutOptions{
		Overwrite: s.step.Overwrite, Marker: s.marker(), Unmarked: s.step.Unmarked, StorageClass: place.StorageClass, ACL: place.ACL,
		Journal: s.tools.job.Journal, Progress: s.moved, Kept: s.kept,
	}
	if e := place.Encryption; e != nil {
		o.Encryption = transfer.Encryption{Type: e.Type, Key: e.Key}
	}
	return o
}

// joined is the list of the faults of both errors, nil if there are none.
func joined(first, second error) error {
	return append(append(rolecall.Errors(nil), rolecall.List(first)...), rolecall.List(second)...).Err()
}
