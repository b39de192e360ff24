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

// copy streams objects from one place to the other, each with its own
// credentials; nothing touches the disk.
func (s *stage) copy(ctx context.Context) (Outcome, error) {
	from, err := s.open(ctx, source)
	if err != nil {
		return Outcome{}, err
	}
	to, err := s.open(ctx, destination)
	if err != nil {
		return Outcome{}, err
	}
	objects, err := s.find(ctx, from, true)
	if err != nil {
		return Outcome{}, err
	}
	keys, err := s.destinationKeys(objects)
	if err != nil {
		return Outcome{}, err
	}
	s.plan(objects)
	out, err := each(ctx, len(objects), sizes(objects), func(ctx context.Context, i int) (int64, error) {
		return s.once(ctx, to, objects[i].Key, objects[i].ETag, func() (transfer.Result, error) {
			res, err := transfer.Copy(ctx, from.bucket, objects[i], to.bucket, keys[i], s.putOptions(to.place))
			if at := blamed(err, objects[i].Key, from, to); err != nil {
				err = s.fault(ctx, err, at, at.place.Pointer)
			}
			return res, err
		})
	})
	return s.end(ctx, out, len(objects), err, "copied")
}

// blamed is the end of a copy at which it failed.
func blamed(err error, key string, from, to side) side {
	var e *transfer.Error
	if errors.As(err, &e) && e.Bucket == from.bucket.Name && e.Key == key {
		return from
	}
	return to
}

// destinationKeys maps the objects' keys to the destination's.
func (s *stage) destinationKeys(objects []transfer.Object) ([]string, error) {
	from, to := s.step.Place, s.step.Destination
	if len(s.step.Files) == 0 {
		return []string{to.Key}, nil
	}
	var faults faultList
	refuse := func(message, hint string) {
		faults.add(s.step.FilesAt, &rolecall.Error{Code: rolecall.Invalid, Message: message, Hint: hint})
	}
	keys := make([]string, len(objects))
	for i, o := range objects {
		rest := strings.TrimPrefix(o.Key, from.Key)
		keys[i] = to.Key + rest
		parts := strings.Split(rest, "/")
		switch {
		case len(keys[i]) > maxKey:
			refuse(fmt.Sprintf("the object %q cannot be copied: its new key would have %d bytes, S3 takes %d", o.Key, len(keys[i]), maxKey), "give a shorter prefix")
		case slices.Contains(parts, "..") || slices.Contains(parts, "."):
			// Servers between here and a bucket may clean such a path, and so leave the place.
			refuse(fmt.Sprintf("the object %q cannot be copied: its key has a part . or ..", o.Key), "leave it out by the patterns in files, or have it renamed in the bucket")
		}
	}
	return keys, faults.err()
}
