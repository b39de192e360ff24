package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// located sets the pointer of err's faults, where they have none of their own
// into the step.
func (s *work) located(err error, pointer string) error {
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

// points reports whether a pointer leads into the step, which may stand in
// another format than the native one.
func (s *work) points(pointer string) bool {
	for _, at := range []string{strict.Pointer("tasks", s.step.Index), s.step.Place.Pointer, s.step.Destination.Pointer, s.step.FilesPointer} {
		if rest, below := strings.CutPrefix(pointer, at); at != "" && below && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// fault words what went wrong at one end of the step for the one who must
// act. AWS's own text stays in the cause, for the log.
func (s *work) fault(ctx context.Context, err error, at side, pointer string) error {
	var own *rolecall.Error
	var list rolecall.Errors
	var moving *transfer.Error
	switch {
	case ctx.Err() != nil:
		return err
	case errors.As(err, &own), errors.As(err, &list):
		return s.located(err, pointer)
	case errors.As(err, &moving):
		e := s.word(moving, at)
		if at.place.EndpointURL != "" && at.place.Connection == "" && guard.Closed(err) {
			pointer += "/s3_endpoint_url"
		}
		e.Pointer = pointer
		return e
	default:
		return &rolecall.Error{Code: rolecall.Internal, Pointer: pointer, Message: "internal error", Hint: "You: report this as a fault of rolecall's, with the log", Err: err}
	}
}

// permissions are what S3 asks for each operation of a transfer.
var permissions = map[string]struct{ verb, action string }{
	"list": {"list", "s3:ListBucket"},
	"head": {"read", "s3:GetObject"},
	"get":  {"read", "s3:GetObject"},
	"put":  {"write", "s3:PutObject"},
	"copy": {"write", "s3:PutObject"},
	"tag":  {"tag", "s3:PutObjectTagging"},
}

// asked is what a transfer asked of one end, as far as a refusal's words need it.
func (s *work) asked(e *transfer.Error, at side) refusal.Request {
	p := permissions[e.Op]
	if e.Op == "copy" && at.end == source {
		p = permissions["get"]
	}
	place := at.place
	place.Region = at.region
	opened := at.end == source && s.listed.Load() > 0
	return refusal.Request{
		Place: place, Endpoint: cmp.Or(place.EndpointURL, s.tools.access.S3Endpoint), Key: e.Key,
		Verb: p.verb + " " + refusal.Object(e.Bucket, e.Key), Action: p.action, Opened: opened,
		KMS: p.action == "s3:GetObject" || p.action == "s3:PutObject", Owner: true,
		Unpaid: !place.RequesterPays && !opened, // such a bucket would not be listed either
	}
}

// word says what went wrong: refusals as internal/refusal words them, what
// happens between a place and the disk here.
func (s *work) word(e *transfer.Error, at side) *rolecall.Error {
	object := refusal.Object(e.Bucket, e.Key)
	say := func(code rolecall.Code, message, hint string) *rolecall.Error {
		return &rolecall.Error{Code: code, Message: message, Hint: hint, Err: e}
	}
	switch e.Kind {
	case transfer.Exists:
		return say(rolecall.Conflict, object+" exists already and is not what this task would write", "You: set overwrite to replace it, or deliver to another place")
	case transfer.Changed:
		return say(rolecall.Conflict, "what was read for "+object+" changed while it was read", "You: try again when nothing writes to it any more")
	case transfer.Corrupt:
		return corrupt(e, object)
	case transfer.TooLarge:
		return say(rolecall.Invalid, object+" is larger than S3 takes", "")
	case transfer.DiskFull:
		return say(rolecall.Unavailable, "the disk of the working directory has no room for "+object, "Operator: make room, or give a larger working directory")
	case transfer.DiskFailed:
		return say(rolecall.Unavailable, "the system under the working directory fails at the file for "+object,
			"Operator: look at the disk, and at how many files may be open; retries on the task try again by themselves")
	case transfer.BadFile:
		return say(rolecall.Invalid, "the file in the working directory for "+object+" is not a regular file that can be opened, or cannot be one",
			"You: look for what an earlier run left in its place (link, device, directory, or file where it needs a directory) or removed; none is replaced")
	}
	if e.Code == awscode.MetadataTooLarge {
		return say(rolecall.Invalid, "the metadata for "+object+" are more than the 2 KiB that S3 takes", "Customer: shorten the source's x-amz-meta-* headers. You: or set marker to false; it is kept beside them")
	}
	answer := refusal.Read(e)
	r, ok := answer.To(s.asked(e, at))
	if !ok {
		return say(rolecall.Internal, "internal error", "You: report this as a fault of rolecall's, with the log")
	}
	if e.Kind == transfer.Denied && answer.Meaning == awscode.Denied && !answer.OfKey() {
		r.Hint += unsent(answer, e.Op, at.place)
	}
	if e.Kind == transfer.NotFound && at.end == source && s.listed.Load() > 0 { // the key is the listing's
		r.Message = object + " was listed, and is not there any more"
		r.Hint = "You: run it again when nothing removes objects there"
	}
	if mayBeCondition(answer) && at.place.EndpointURL != "" && writes(s.step, at.end) && !s.step.Overwrite {
		r.Hint = "You: set overwrite where nothing can be lost by it; the service may not know conditional writes (If-None-Match). Else " + r.Hint
	}
	return r.Err("", e)
}

// mayBeCondition reports whether a server may refuse a request for its If-None-Match,
// which services other than S3 need not know: it says no other cause.
func mayBeCondition(a refusal.Answer) bool {
	return a.Kind == transfer.Refused && slices.Contains([]awscode.Meaning{"", awscode.Unsupported, awscode.Malformed}, a.Meaning) &&
		slices.Contains([]string{"", "UnknownError", "NotImplemented", "InvalidRequest", "InvalidArgument"}, a.Code)
}

// unsent names, for the end of a hint, what the step may send for the request to
// pass: what the bucket's policy may demand by a Deny, of which S3 says nothing.
func unsent(answer refusal.Answer, op string, place rolecall.Place) string {
	var members []string
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"encryption", place.Encryption != nil}, {"acl", place.ACL != ""}, {"storage_class", place.StorageClass != ""},
	} {
		if !m.set {
			members = append(members, m.name)
		}
	}
	demands := answer.Bare() || answer.Denial.Explicit && answer.Denial.Layer == policy.DeniedByResource
	if permissions[op].action == "s3:PutObject" && demands && len(members) > 0 {
		return ". You: set " + strings.Join(members, ", ") + " in the " + refusal.DeclaredIn(place) + ", if the bucket's policy demands it"
	}
	return ""
}

// corrupt names both checksums, where they are known. What was found here is not
// tried again: an object that S3 made of wrong bytes would be in its own way, and
// one whose bytes are not those of its checksum stays so, since TLS finds what
// connections do to bytes. So it ends as a failure like any other (exit code 1), as
// with other tools, and not as something that may pass (4).
func corrupt(e *transfer.Error, object string) *rolecall.Error {
	out := &rolecall.Error{
		Err:  e,
		Code: rolecall.Unavailable, Message: "the bytes of " + object + " are not those that its checksum promises",
		Hint: "You: try again; if it stays so, the object is damaged",
	}
	m := e.Mismatch
	if m == nil {
		return out
	}
	out.Code, out.Message = rolecall.Conflict, out.Message+fmt.Sprintf(": they have the %s %s, not %s", m.Algorithm, m.Got, m.Want)
	out.Hint = "Customer: store the object again. You: run it once more first, if the connection has no TLS"
	if m.Stored {
		out.Code, out.Message = rolecall.Conflict, fmt.Sprintf("S3 says that it has %s with the %s %s, not %s", object, m.Algorithm, m.Got, m.Want)
		out.Hint = "Customer: do not use the object; remove it. You: or replace it by a task with overwrite"
	}
	return out
}

// absent is the error for an object that a listing does not show.
func absent(at side, key, pointer string) *rolecall.Error {
	return &rolecall.Error{Code: rolecall.NotFound, Pointer: pointer, Message: refusal.NoObject(at.place.Bucket, key), Hint: refusal.MissingHint(key)}
}

// hidden says that an object is either missing or denied, and that nobody
// without ListBucket can tell which.
func (s *work) hidden(err error, at side, key, pointer string) error {
	op := "get"
	if s.step.Tool == rolecall.StorageTagS3 {
		op = "tag"
	}
	q := s.asked(&transfer.Error{Op: op, Bucket: at.place.Bucket, Key: key}, at)
	q.Missing = true
	r, _ := refusal.Read(err).To(q)
	return r.Err(pointer, err)
}

func kindOf(err error) transfer.Kind {
	var e *transfer.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}
