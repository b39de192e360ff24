package task

import (
	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// scopeOf is what a session for one end of a step may do: this step's
// operations on this place, nothing wider. The same end in another task of
// the job has the same scope, so that they share a credential.
func scopeOf(step rolecall.Step, end end) policy.Scope {
	place := end.of(step)
	s := policy.Scope{Bucket: place.Bucket}
	if len(step.Files) > 0 {
		s.Prefixes = []string{place.Key}
	} else {
		s.Objects = []string{place.Key}
	}
	switch {
	case step.Tool == rolecall.StorageExists:
		s.Operations = []policy.Operation{policy.List}
	case step.Tool == rolecall.StorageTagS3:
		s.Operations = []policy.Operation{policy.Tag}
		if listed(step.Files) {
			s.Operations = append(s.Operations, policy.List)
		}
	case writes(step, end):
		// What is there is compared with ours.
		s.Operations = []policy.Operation{policy.Write, policy.Read}
		if place.ACL != "" {
			s.Operations = append(s.Operations, policy.ACL)
		}
		s.KMSKey = writeKey(place.Encryption)
	default:
		// Without ListBucket nobody can tell a missing object from a denied one.
		s.Operations = []policy.Operation{policy.Read, policy.List}
		s.KMSKey = policy.AnyKey
	}
	return s
}

// besides are operations that the step is better off with at one end, those it
// can best do without last. The customer's role need not allow them.
func (s *stage) besides(at side) []policy.Operation {
	var out []policy.Operation
	switch {
	case s.step.Tool != rolecall.StorageCopy:
	case at.end == source:
		out = append(out, policy.ReadTags)
	default:
		out = append(out, policy.Tag)
	}
	if writes(s.step, at.end) && !s.step.Overwrite {
		out = append(out, policy.List) // what is in the way shows before parts are sent
	}
	if at.sweeps {
		out = append(out, policy.Sweep)
	}
	return out
}

// writeKey is the KMS key that writing may use. Where the job names none, it
// is the bucket's default key, which only the bucket's owner knows.
func writeKey(e *rolecall.Encryption) string {
	switch {
	case e != nil && e.Type == "AES256":
		return ""
	case e != nil && e.Key != "":
		return e.Key
	default:
		return policy.AnyKey
	}
}

// end is one of the two places of a step.
type end string

const (
	source      end = "source"
	destination end = "destination" // of a copy
)

func (e end) of(step rolecall.Step) rolecall.Place {
	if e == destination {
		return step.Destination
	}
	return step.Place
}

func writes(step rolecall.Step, e end) bool {
	return step.Tool == rolecall.StoragePut || e == destination
}

// listed tells whether any of the patterns has wildcards, so that only a
// listing can say what it names.
func listed(files []rolecall.Pattern) bool {
	for _, f := range files {
		if !f.Literal() {
			return true
		}
	}
	return false
}
