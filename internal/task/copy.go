package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// copy copies objects from one place to the other, each with its own
// credentials; nothing touches the disk.
func (s *work) copy(ctx context.Context) (Outcome, error) {
	from, err := s.open(ctx, source)
	if err != nil {
		return Outcome{}, err
	}
	to, err := s.open(ctx, destination)
	if err != nil {
		return Outcome{}, err
	}
	s.wait.on("the copies from " + from.String() + " to " + to.String())
	options := s.putOptions(to.place)
	options.CopyClient = s.both(ctx, from, to)
	f := &search{work: s, at: from, markers: true, last: overlapping(from.place, to.place), name: s.newKey}
	out, err := f.move(ctx, func(ctx context.Context, p piece) (int64, error) {
		res, err := transfer.Copy(ctx, from.bucket, p.Object, to.bucket, p.to, options)
		if err == nil && res.TagsLost && s.tagsLost.CompareAndSwap(false, true) {
			s.observe(Event{Kind: Lost, Note: rolecall.Lost, Name: p.Key, Reason: "its tags, and maybe those of others, could not be kept: the roles may not read them, or not write them"})
		}
		if err == nil && res.TagsHidden && s.tagsLost.CompareAndSwap(false, true) {
			s.observe(Event{Kind: Lost, Note: rolecall.Lost, Name: p.Key, Reason: "the tags of the objects in " + from.String() + ", if they have any, are not kept: s3:GetObjectTagging is not allowed there"})
		}
		if err == nil && len(res.Dropped) > 0 {
			s.observe(Event{Kind: Lost, Note: rolecall.Lost, Name: p.Key, Reason: strings.Join(res.Dropped, " and ") + " is not kept: set it on the copy, if it is wanted there"})
		}
		end := failedEnd(err, p.Key, from, to)
		if err != nil && end.end == source {
			return 0, s.objectFault(ctx, err, from, p.Key, from.place.Pointer)
		}
		return s.did(ctx, end, p.Key, res, err)
	})
	if err == nil && s.aside.err() == nil {
		s.sweep(ctx, to)
	}
	return s.end(ctx, out, f.found, err, "copied")
}

// overlapping reports whether the copies may lie where their sources are listed:
// a listing that goes on while they are made would find them too.
func overlapping(from, to rolecall.Place) bool {
	return from.Bucket == to.Bucket && (strings.HasPrefix(from.Key, to.Key) || strings.HasPrefix(to.Key, from.Key))
}

// failedEnd is the end of a copy at which it failed.
func failedEnd(err error, key string, from, to side) side {
	var e *transfer.Error
	if errors.As(err, &e) && e.Bucket == from.bucket.Name && e.Key == key {
		return from
	}
	return to
}

// newKey returns the key of an object's copy.
func (s *work) newKey(o transfer.Object) (string, error) {
	from, to := s.step.Place, s.step.Destination
	if len(s.step.Files) == 0 {
		return to.Key, nil
	}
	refuse := func(why, hint string) (string, error) {
		return "", &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("the object %q cannot be copied: %s", o.Key, why), Hint: hint}
	}
	rest := strings.TrimPrefix(o.Key, from.Key)
	parts := strings.Split(rest, "/")
	switch key := to.Key + rest; {
	case len(key) > maxKey:
		return refuse(fmt.Sprintf("its new key would have %d bytes, S3 takes %d", len(key), maxKey), "You: give a shorter prefix")
	case slices.Contains(parts, "..") || slices.Contains(parts, "."):
		// Servers between here and a bucket may clean such a path, and so leave the place.
		return refuse("its key has a part . or ..", "Customer: rename the object in the bucket")
	default:
		return key, nil
	}
}
