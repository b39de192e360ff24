package task

import (
	"context"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// get brings the place's objects into the working directory.
func (s *stage) get(ctx context.Context) (Outcome, error) {
	at, err := s.open(ctx, source)
	if err != nil {
		return Outcome{}, err
	}
	objects, err := s.find(ctx, at, false)
	if err != nil {
		return Outcome{}, err
	}
	names, err := s.localNames(ctx, objects)
	if err != nil {
		return Outcome{}, err
	}
	s.plan(objects)
	dir := s.tools.job.Dir
	out, err := each(ctx, len(objects), sizes(objects), func(ctx context.Context, i int) (int64, error) {
		return s.once(ctx, at, objects[i].Key, objects[i].ETag, func() (transfer.Result, error) {
			return transfer.Get(ctx, at.bucket, objects[i], dir, names[i], transfer.GetOptions{Progress: s.moved})
		})
	})
	return s.end(ctx, out, len(objects), err, "fetched")
}

// localNames maps all objects to files before any is fetched.
func (s *stage) localNames(ctx context.Context, objects []transfer.Object) ([]string, error) {
	place := s.step.Place
	if len(s.step.Files) == 0 {
		name, err := objectName(s.step.BaseDir, place.Key)
		return []string{name}, s.located(err, place.Pointer)
	}
	var faults faultList
	names := make([]string, len(objects))
	keys := make(map[string]string, len(objects))
	for i, o := range objects {
		name, err := localName(s.step.BaseDir, place.Key, o.Key)
		if err != nil {
			faults.add(s.step.FilesAt, err)
			continue
		}
		names[i], keys[name] = name, o.Key
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	return names, s.located(collisions(ctx, names, func(name string) string { return keys[name] }), s.step.FilesAt)
}

// plan tells how much there is to do.
func (s *stage) plan(objects []transfer.Object) {
	e := Event{Kind: Planned, Files: len(objects)}
	for _, o := range objects {
		e.Bytes += o.Size
	}
	s.observe(e)
}

func (s *stage) moved(n int64) { s.observe(Event{Kind: Moved, Bytes: n}) }

// end says, with the error that ended a step, how far the step had come.
func (s *stage) end(ctx context.Context, out Outcome, of int, err error, done string) (Outcome, error) {
	if err == nil || of < 2 || ctx.Err() != nil {
		return out, err
	}
	list := append(rolecall.Errors(nil), rolecall.List(err)...)
	last := *list[len(list)-1]
	last.Hint = strings.TrimPrefix(fmt.Sprintf("%s; %d of %d files are %s, and a retry of the task goes on after them", last.Hint, out.Files, of, done), "; ")
	list[len(list)-1] = &last
	return out, list
}

func sizes(objects []transfer.Object) func(int) int64 {
	return func(i int) int64 { return objects[i].Size }
}
