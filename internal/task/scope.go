package task

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// operations are what a step does at one of its ends, and nothing more. The
// same end in another task of the job has the same ones, so that they share a
// credential.
func operations(step rolecall.Step, end end) []policy.Operation {
	switch {
	case step.Tool == rolecall.StorageExists:
		return []policy.Operation{policy.List}
	case step.Tool == rolecall.StorageTagS3 && listed(step.Files):
		return []policy.Operation{policy.Tag, policy.List}
	case step.Tool == rolecall.StorageTagS3:
		return []policy.Operation{policy.Tag}
	case writes(step, end):
		// What is there is compared with ours.
		return []policy.Operation{policy.Write, policy.Read}
	default:
		// Without ListBucket nobody can tell a missing object from a denied one.
		return []policy.Operation{policy.Read, policy.List}
	}
}

// optionalOperations are those that the step is better off with at one end,
// those it can best do without last.
func (s *work) optionalOperations(at side) []policy.Operation {
	var out []policy.Operation
	switch {
	case s.step.Tool == rolecall.StorageTagS3 && !listed(s.step.Files):
		out = append(out, policy.List) // tells a missing object from a denied one
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

// listed reports whether any of the patterns has wildcards, so that only a
// listing can say what it names.
func listed(files []rolecall.Pattern) bool {
	for _, f := range files {
		if !f.Literal() {
			return true
		}
	}
	return false
}

// commonDirectory returns the part of a prefix, ending in a slash, that all
// files that the patterns name have in common; it may be empty. A session that
// reads them needs no more.
func commonDirectory(files []rolecall.Pattern) string {
	var common string
	for i, f := range files {
		if i == 0 {
			common = f.Prefix()
		}
		for !strings.HasPrefix(f.Prefix(), common) {
			common = common[:len(common)-1]
		}
	}
	return common[:strings.LastIndexByte(common, '/')+1]
}

// namedKeys returns the keys that the files name below a place, each once; nil
// if only a listing can say them.
func namedKeys(prefix string, files []rolecall.Pattern) []string {
	if listed(files) {
		return nil
	}
	var keys []string
	for _, f := range files {
		keys = append(keys, prefix+f.String())
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
