package task

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// get brings the place's objects into the working directory.
func (s *work) get(ctx context.Context) (Outcome, error) {
	at, err := s.open(ctx, source)
	if err != nil {
		return Outcome{}, err
	}
	dir, options := s.tools.job.Dir, transfer.GetOptions{Journal: s.tools.job.Journal, Marker: s.marker(), Progress: s.moved, Kept: s.kept}
	f := &search{work: s, at: at, name: s.fileNames()}
	out, err := f.move(ctx, func(ctx context.Context, p piece) (int64, error) {
		res, err := transfer.Get(ctx, at.bucket, p.Object, dir, p.to, options)
		if err != nil {
			return 0, s.objectFault(ctx, err, at, p.Key, at.place.Pointer)
		}
		return s.did(ctx, at, p.Key, res, err)
	})
	return s.end(ctx, out, f.found, err, "fetched")
}

// fileNames returns the names of the files that objects become.
func (s *work) fileNames() func(transfer.Object) (string, error) {
	var files tree
	return func(o transfer.Object) (name string, err error) {
		if len(s.step.Files) == 0 {
			name, err = objectName(s.step.BaseDir, o.Key)
		} else if name, err = localName(s.step.BaseDir, s.step.Place.Key, o.Key); err == nil {
			err = files.add(piece{o, name})
		}
		if err == nil && s.protected(name) {
			err = noName(o.Key, "it would replace the job's document")
		}
		return name, err
	}
}

// protected reports whether the name is a protected file's, which has others too where
// upper and lower case are alike.
func (s *work) protected(name string) bool {
	if len(s.tools.job.Protected) == 0 {
		return false
	}
	there, err := s.tools.job.Dir.Lstat(name)
	return err == nil && slices.ContainsFunc(s.tools.job.Protected, func(f fs.FileInfo) bool { return os.SameFile(f, there) })
}

// did reports a file that was moved, or returns what kept it from being moved.
func (s *work) did(ctx context.Context, at side, name string, res transfer.Result, err error) (int64, error) {
	if err != nil {
		return 0, s.fault(ctx, err, at, at.place.Pointer)
	}
	s.done.Add(1)
	e := Event{Kind: FileDone, Name: name, Bytes: res.Bytes}
	switch {
	case res.Earlier:
		e.Note, e.Reason = rolecall.Kept, "an earlier try or run has done it"
	case res.Already:
		e.Note, e.Reason = rolecall.AlreadyDelivered, "it was there already, with the same bytes"
	case res.Kept > 0:
		e.Note, e.Reason = rolecall.Kept, fmt.Sprintf("%d bytes of it were moved by an earlier try or run", res.Kept)
	}
	s.observe(e)
	return res.Bytes, nil
}

func (s *work) moved(n int64) { s.observe(Event{Kind: Moved, Bytes: n}) }

func (s *work) kept(n int64) { s.observe(Event{Kind: Kept, Bytes: n}) }

// end says, with the error that ended a step or what was set aside, how far the
// step had come.
func (s *work) end(ctx context.Context, out Outcome, planned Event, err error, done string) (Outcome, error) {
	refused := errors.Is(err, errAllRefused)
	if err == nil || refused {
		err = s.aside.err()
	}
	stopped := refused && planned.Files != maxRefused
	if err == nil || planned.Files < 2 && !stopped || ctx.Err() != nil {
		return out, err
	}
	of := fmt.Sprintf("%d files", planned.Files)
	if planned.More {
		of = "the " + of + " listed so far"
	}
	list := append(rolecall.Errors(nil), rolecall.List(err)...)
	last := *list[len(list)-1]
	switch {
	case stopped && planned.Files == 0: // they are not counted
		last.Message += fmt.Sprintf("; the first %d were all refused, and no others were tried", maxRefused)
	case stopped:
		last.Message += fmt.Sprintf("; the first %d of %s were all refused, and no others were tried", maxRefused, of)
	default:
		last.Message += fmt.Sprintf("; %d of %s are %s", out.Files, of, done)
	}
	if out.Files > 0 && s.step.Tool != rolecall.StorageTagS3 { // of tags no account is kept
		last.Message += ", and a retry of the task goes on after them"
	}
	list[len(list)-1] = &last
	return out, list
}
