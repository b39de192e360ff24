package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// listing is a bucket and what of it is meant, as patterns of s3:prefix.
type listing struct {
	bucket   string
	prefixes []string // empty: all
}

// listings returns the buckets of objects, each with the prefixes that the objects
// are below, or the connection's. A bucket that is not named whole is left out,
// and so is one that is not the connection's.
func (p *pass) listings(objects []string) []listing {
	home, below := p.connectionARNs()
	var out []listing
	for _, r := range objects {
		bucket, key, slash := strings.Cut(r, "/")
		t := targetOf(r)
		if message, _ := p.malformed(r); message != "" || t.other || strings.ContainsAny(bucket, "*?$") || home != "" && bucket != home {
			continue
		}
		if home != "" {
			_, key, slash = strings.Cut(below, "/")
		}
		i := slices.IndexFunc(out, func(l listing) bool { return l.bucket == bucket })
		whole := i >= 0 && len(out[i].prefixes) == 0
		if i < 0 {
			i, out = len(out), append(out, listing{bucket: bucket})
		}
		prefix := prefixOf(key)
		switch {
		case whole || !slash || prefix == "*":
			out[i].prefixes = nil
		case !slices.Contains(out[i].prefixes, prefix):
			out[i].prefixes = append(out[i].prefixes, prefix)
		}
	}
	return out
}

// prefixOf returns the pattern of the prefixes that the objects of a pattern are
// listed by: what stands before its first wildcard, and a star.
func prefixOf(key string) string {
	for i := range len(key) {
		if (key[i] == '*' || key[i] == '?') && !strings.HasSuffix(key[:i], "${") {
			return key[:i] + "*"
		}
	}
	return key
}

// objectsOf returns the objects of a bucket that are meant: those below the
// prefix if it is the connection's, those that the document lists if it lists
// by a prefix. Of a bucket that is not the connection's there are none.
func (p *pass) objectsOf(bucket string) []string {
	if home, objects := p.connectionARNs(); home == bucket {
		return []string{objects}
	} else if home != "" {
		return nil
	}
	var out []string
	for _, s := range p.allows() {
		if s.grants("s3:ListBucket") == nil || !slices.Contains(s.Get("Resource").Strings(), bucket) {
			continue
		}
		limited := false
		for _, c := range s.on("s3:prefix") {
			if c.holdsWithout() {
				continue
			}
			for _, prefix := range c.values.Strings() {
				limited = limited || prefix != ""
				if object := bucket + "/" + strings.TrimSuffix(prefix, "*") + "*"; prefix != "" && !slices.Contains(out, object) {
					out = append(out, object)
				}
			}
		}
		if !limited {
			return []string{bucket + "/*"}
		}
	}
	if out == nil {
		return []string{bucket + "/*"}
	}
	return out
}

// part is what becomes of some actions of a statement.
type part struct {
	actions   []string
	resources []string
	prefixes  []string // of s3:prefix; empty: no condition is added
}

// divide sets other resources for actions of the statement. They stay in it where
// no other actions are left there.
func (s *statement) divide(actions []*tree.Node, parts []part) {
	whole, at := s.Clone(), s
	left := s.Get("Action").Without(actions...)
	if left != nil {
		s.Set("Action", left)
	}
	for i, part := range parts {
		if left != nil || i > 0 {
			n := whole.Clone()
			n.Remove("Sid")
			at.insertAfter(n)
			at = &statement{Node: n, document: s.document, allow: s.allow, deny: s.deny}
		}
		if whole.Get("Action").Kind == '[' {
			at.Set("Action", tree.List(part.actions...))
		} else {
			at.Set("Action", single(part.actions))
		}
		at.Set("Resource", single(part.resources))
		if len(part.prefixes) > 0 && len(at.on("s3:prefix")) == 0 {
			at.addCondition("StringLike", "s3:prefix", single(part.prefixes))
		}
	}
}
