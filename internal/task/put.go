package task

import (
	"context"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// put delivers files of the working directory.
func (s *work) put(ctx context.Context) (Outcome, error) {
	files, err := s.files(ctx)
	if err != nil || len(files) == 0 {
		return s.end(ctx, Outcome{}, Event{}, err, "")
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
		if err != nil {
			what := at.object(f.key, at.place.Pointer)
			what.key = f.name
			err = s.setAside(ctx, what, err)
		}
		return n, err
	})
	if err == nil && s.aside.err() == nil {
		s.sweep(ctx, at)
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
