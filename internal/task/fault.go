package task

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/transfer"
)

// located gives err's faults the pointer, where they have none of their own
// into the step.
func (s *stage) located(err error, pointer string) error {
	var out rolecall.Errors
	for _, e := range rolecall.List(err) {
		if !s.points(e.Pointer) {
			under := *e
			under.Pointer = pointer
			e = &under
		}
		out = append(out, e)
	}
	return out.Err()
}

// points tells whether a pointer leads into the step, which may stand in
// another format than the native one.
func (s *stage) points(pointer string) bool {
	for _, at := range []string{strict.Pointer("tasks", s.step.Index), s.step.Place.Pointer, s.step.Destination.Pointer, s.step.FilesAt} {
		if rest, below := strings.CutPrefix(pointer, at); at != "" && below && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// fault words what went wrong at one end of the step for the one who must
// act. AWS's own text stays in the cause, for the log.
func (s *stage) fault(ctx context.Context, err error, at side, pointer string) error {
	var own *rolecall.Error
	var list rolecall.Errors
	var moving *transfer.Error
	switch {
	case ctx.Err() != nil:
		return err
	case errors.As(err, &own), errors.As(err, &list):
		return s.located(err, pointer)
	case at.place.EndpointURL != "" && guard.Closed(err):
		if at.place.Connection == "" {
			pointer += "/s3_endpoint_url"
		}
		return &rolecall.Error{
			Code: rolecall.Forbidden, Pointer: pointer, Err: err, Message: "the endpoint may not be reached",
			Hint: "it takes https and a public address, or an address that the operator lists in network.allow; the cause is in the operator's log",
		}
	case errors.As(err, &moving):
		e := s.word(moving, at)
		e.Pointer, e.Err = pointer, err
		return e
	default:
		return &rolecall.Error{Code: rolecall.Internal, Pointer: pointer, Message: "internal error", Hint: "look in the log for the cause", Err: err}
	}
}

// word gives code, message and hint of a transfer's error.
func (s *stage) word(e *transfer.Error, at side) *rolecall.Error {
	object := "s3://" + e.Bucket
	if e.Key != "" {
		object += "/" + e.Key
	}
	object = fmt.Sprintf("%q", object)
	say := func(code rolecall.Code, message, hint string) *rolecall.Error {
		return &rolecall.Error{Code: code, Message: message, Hint: hint}
	}
	switch e.Kind {
	case transfer.NotFound:
		return say(rolecall.NotFound, "there is no object "+object, "upper and lower case differ in keys")
	case transfer.NoBucket:
		return say(rolecall.NotFound, fmt.Sprintf("there is no bucket %q", e.Bucket), "look for a typing mistake in its name")
	case transfer.Denied:
		return denied(e, at, object)
	case transfer.BadCredentials:
		return say(rolecall.Unauthenticated, fmt.Sprintf("S3 does not accept the credentials for %s", object), s.whoseKeys(at))
	case transfer.Expired:
		return say(rolecall.Unauthenticated, "the credentials for "+object+" have expired and no newer ones came", s.whoseKeys(at))
	case transfer.Exists:
		return say(rolecall.Conflict, object+" exists already and is not what this task would write", "set overwrite to replace it, or deliver to another place")
	case transfer.Changed:
		return say(rolecall.Conflict, "what was read for "+object+" changed while it was read", "try again when nothing writes to it any more")
	case transfer.Archived:
		return say(rolecall.Conflict, object+" is archived and cannot be read", "the bucket's owner restores it from its storage class first")
	case transfer.Corrupt:
		return corrupt(e, object)
	case transfer.Malformed:
		return say(rolecall.Invalid, fmt.Sprintf("the server of the bucket %q does not answer as S3 does", e.Bucket), "look at s3_endpoint_url, where one is given: it must lead to a service that speaks S3's protocol")
	case transfer.TooLarge:
		return say(rolecall.Invalid, object+" is larger than S3 takes", "")
	case transfer.WrongRegion:
		return say(rolecall.Invalid, fmt.Sprintf("the bucket %q is not in the region %q", e.Bucket, at.region), "correct the region of the connection or location, or leave it out")
	case transfer.Refused:
		if e.Code == awscode.MetadataTooLarge {
			return say(rolecall.Invalid, "the metadata for "+object+" are more than the 2 KiB that S3 takes", "the source's x-amz-meta-* headers must be shorter, for the mark of the task is kept beside them")
		}
		hint := "compare encryption, storage class and acl with what the bucket's owner requires"
		if at.place.EndpointURL != "" && writes(s.step, at.end) && !s.step.Overwrite {
			hint = "the service may not know conditional writes (If-None-Match): set overwrite where nothing can be lost by it; else " + hint
		}
		return say(rolecall.Invalid, refusal(e, object), hint)
	case transfer.Unavailable:
		return say(rolecall.Unavailable, "S3 is overloaded or failing, at "+object+tried(e), "try again later; retries on the task do so by themselves")
	case transfer.Unreachable, transfer.Canceled: // by a timeout of the connection: the job's own end is no fault
		return say(rolecall.Unavailable, fmt.Sprintf("the connection to the bucket %q failed", e.Bucket)+tried(e), "look at the network between here and there, and at s3_endpoint_url where one is given")
	case transfer.DiskFull:
		return say(rolecall.Unavailable, "the disk of the working directory has no room for "+object, "the operator makes room, or gives a larger working directory")
	case transfer.DiskFailed:
		return say(rolecall.Unavailable, "the system under the working directory fails at the file for "+object,
			"the operator looks at the disk, and at how many files may be open; retries on the task try again by themselves")
	case transfer.BadFile:
		return say(rolecall.Invalid, "the file in the working directory for "+object+" is not a regular file that can be opened, or cannot be one",
			"links, devices and directories are neither followed nor replaced; look for an earlier task that left one there, or took the file away")
	default:
		return say(rolecall.Internal, "internal error", "look in the log for the cause")
	}
}

// corrupt tells both checksums, where they are known. An object that S3 made
// of wrong bytes is not tried again: it would be in its own way.
func corrupt(e *transfer.Error, object string) *rolecall.Error {
	out := &rolecall.Error{
		Code: rolecall.Unavailable, Message: "the bytes of " + object + " are not those that its checksum promises",
		Hint: "try again; if it stays so, the object is damaged",
	}
	m := e.Mismatch
	if m == nil {
		return out
	}
	out.Message += fmt.Sprintf(": they have the %s %s, not %s", m.Algorithm, m.Got, m.Want)
	if m.Stored {
		out.Code, out.Message = rolecall.Conflict, fmt.Sprintf("S3 says that it has %s with the %s %s, not %s", object, m.Algorithm, m.Got, m.Want)
		out.Hint = "the object must not be used: remove it, or replace it by a task with overwrite"
	}
	return out
}

// tried says how often and how long was tried.
func tried(e *transfer.Error) string {
	if e.Attempts == 0 {
		return ""
	}
	return fmt.Sprintf(", after %d attempts in %v", e.Attempts, e.Took.Round(time.Second))
}

// refusal names AWS's code for a request that S3 does not take as it is. Its
// codes are a closed vocabulary; its texts stay in the log.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func refusal(e *transfer.Error, object string) string {
	switch awscode.Of(e.Code) {
	case awscode.NoACLs:
		return fmt.Sprintf("the bucket %q takes no acl: its owner enforces ownership of all objects", e.Bucket)
	case awscode.KeyDisabled, awscode.KeyMissing, awscode.KeyUnusable:
		return "the KMS key for " + object + " is disabled or does not exist"
	case awscode.NoStorageClass:
		return "the bucket does not take the storage class for " + object
	default:
		if code := awscode.Shown(e.Code); code != "" {
			return "S3 refuses the request for " + object + " with " + code
		}
		return "S3 refuses the request for " + object
	}
}

func (s *stage) whoseKeys(at side) string {
	if at.place.Secret.Name != "" {
		return fmt.Sprintf("the organization's secret %q is to be renewed", at.place.Secret.Name)
	}
	if at.place.Dispenser != nil {
		return "try again; if it stays so, the dispenser's owner looks at what it gives"
	}
	return "try again; if it stays so, look at the role's revocation policies and at the worker's clock"
}

func kindOf(err error) transfer.Kind {
	var e *transfer.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}
