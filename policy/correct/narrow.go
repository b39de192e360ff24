package correct

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// use is what the connection does, as the statements of its kit say it.
type use []usage

type usage struct {
	actions, resources []string
	conditions         *tree.Node // nil: none
}

// useOf reads it from the role's permissions: for a bucket's or key's policy
// only what these can decide.
func useOf(permissions *policy.Document, kind policy.Kind) use {
	var u use
	for _, s := range statements(readDocument(permissions)) {
		actions := s.Get("Action").Strings()
		if service, _, _ := strings.Cut(actions[0], ":"); kind.Decides(service) {
			u = append(u, usage{actions, s.Get("Resource").Strings(), s.Get("Condition")})
		}
	}
	return u
}

func (u use) actions() (out []string) {
	for _, one := range u {
		out = union(out, one.actions)
	}
	return out
}

func (u use) resources() (out []string) {
	for _, one := range u {
		out = union(out, one.resources)
	}
	return out
}

// union returns a list with those of another that it lacks.
func union(list, more []string) []string {
	for _, m := range more {
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// stillDenied returns what a Deny goes on to deny a principal that is excepted
// from it: other actions, on other resources, and under other conditions than
// the connection's. It is false where statements cannot say that without denying
// more than before, or less.
func (u use) stillDenied(kind policy.Kind, deny *tree.Node, principal string) ([]*tree.Node, bool) {
	if len(u) == 0 {
		return nil, true
	}
	mine := ofPrincipal(deny, principal)
	var out []*tree.Node
	for _, part := range []func(policy.Kind, *tree.Node) (*tree.Node, bool){u.otherActions, u.otherResources} {
		still, ok := part(kind, mine.Clone())
		if !ok {
			return nil, false
		}
		if still != nil {
			out = append(out, still)
		}
	}
	for _, one := range u {
		denied := slices.DeleteFunc(slices.Clone(one.actions), func(a string) bool { return !speaksOf(deny, a) })
		if one.conditions == nil || len(denied) == 0 {
			continue
		}
		for _, operator := range one.conditions.Members {
			for _, key := range operator.Value.Members {
				still, ok := unless(mine.Clone(), operator.Name, key)
				if !ok {
					return nil, false
				}
				still.Rename(actionElement(still), "Action", tree.List(denied...))
				out = append(out, still)
			}
		}
	}
	out = slices.DeleteFunc(out, func(s *tree.Node) bool { return neverAsked(kind, s) })
	return out, kind != policy.BucketDocument || !slices.ContainsFunc(out, func(s *tree.Node) bool { return !keysFit(s) })
}

// neverAsked takes those actions out of a statement that nobody asks for on its
// resources, and reports whether none is left. S3 does not store them.
func neverAsked(kind policy.Kind, s *tree.Node) bool {
	said := s.Get("Action").Strings()
	left := slices.DeleteFunc(slices.Clone(said), func(a string) bool { return !canBe(kind, a, s.Get("Resource").Strings()) })
	if 0 < len(left) && len(left) < len(said) {
		s.Set("Action", tree.List(left...))
	}
	return len(said) > 0 && len(left) == 0
}

func actionElement(s *tree.Node) string {
	if s.Get("NotAction") != nil {
		return "NotAction"
	}
	return "Action"
}

// speaksOf reports whether a statement's actions have one.
func speaksOf(s *tree.Node, action string) bool {
	element := actionElement(s)
	return (element == "Action") == slices.ContainsFunc(s.Get(element).Strings(), func(w string) bool { return matches(w, action) })
}

// unless puts the contrary of a condition on a statement.
func unless(s *tree.Node, operator string, key *tree.Member) (*tree.Node, bool) {
	not := map[string]string{"StringLike": "StringNotLike", "StringEquals": "StringNotEquals", "ArnLike": "ArnNotLike", "ArnEquals": "ArnNotEquals"}[operator]
	if not == "" {
		return nil, false
	}
	if s.Get("Condition") == nil {
		s.Set("Condition", tree.Object())
	}
	block := s.Get("Condition")
	if block.Fold(not) == nil {
		block.Set(not, tree.Object())
	}
	keys := block.Fold(not).Value
	if has := keys.Fold(key.Name); has != nil { // none of several values may match
		has.Value = tree.List(union(has.Value.Strings(), key.Value.Strings())...)
	} else {
		keys.Set(key.Name, key.Value.Clone())
	}
	return s, true
}

// otherActions narrows a Deny to the actions that the connection does not use,
// nil where none is left.
func (u use) otherActions(kind policy.Kind, s *tree.Node) (*tree.Node, bool) {
	used := u.actions()
	if not := s.Get("NotAction"); not != nil {
		s.Set("NotAction", tree.List(union(not.Strings(), used)...))
		return s, true
	}
	said := s.Get("Action").Strings()
	whole := map[policy.Kind]string{policy.BucketDocument: "s3:*", policy.KeyDocument: "kms:*"}[kind]
	if slices.ContainsFunc(said, func(w string) bool { return w == "*" || strings.EqualFold(w, whole) }) {
		s.Rename("Action", "NotAction", tree.List(used...))
		return s, true
	}
	var left []string
	for _, w := range said {
		switch {
		case !slices.ContainsFunc(used, func(a string) bool { return matches(w, a) }):
			left = append(left, w)
		case strings.ContainsAny(w, "*?"):
			others, ok := without(w, used)
			if !ok {
				return nil, false
			}
			left = union(left, others)
		}
	}
	if len(left) == 0 {
		return nil, true
	}
	s.Set("Action", tree.List(left...))
	return s, true
}

// otherResources narrows a Deny to the resources that the connection does not
// use, nil where none is left. It is false where no list of resources says that.
func (u use) otherResources(kind policy.Kind, s *tree.Node) (*tree.Node, bool) {
	used := u.resources()
	if kind == policy.KeyDocument || s.Get("Resource") == nil && s.Get("NotResource") == nil { // of one key, or one role
		return nil, true
	}
	if not := s.Get("NotResource"); not != nil {
		s.Set("NotResource", tree.List(union(not.Strings(), used)...))
		return s, true
	}
	said := s.Get("Resource").Strings()
	if slices.Contains(said, "*") {
		s.Rename("Resource", "NotResource", tree.List(used...))
		return s, true
	}
	for _, r := range said {
		if bucket, all := strings.CutSuffix(r, "/*"); all && kind == policy.BucketDocument && slices.Contains(used, bucket) {
			s.Rename("Resource", "NotResource", tree.List(used...)) // the bucket itself is used, and there is no other
			return s, true
		}
	}
	var left []string
	for _, r := range said {
		inside := func(of string) bool {
			return r == of || isPrefix(of) && strings.HasPrefix(fixed(r), strings.TrimSuffix(of, "*"))
		}
		apart := func(of string) bool {
			if isPrefix(of) {
				of = strings.TrimSuffix(of, "*")
				return !strings.HasPrefix(fixed(r), of) && !strings.HasPrefix(of, fixed(r))
			}
			return !matches(r, of)
		}
		switch {
		case slices.ContainsFunc(used, inside):
		case !strings.Contains(r, "${") && !slices.ContainsFunc(used, func(of string) bool { return !apart(of) }):
			left = append(left, r)
		default:
			return nil, false
		}
	}
	if len(left) == 0 {
		return nil, true
	}
	s.Set("Resource", tree.List(left...))
	return s, true
}

// isPrefix reports whether a resource of the kit is all that begins alike.
func isPrefix(r string) bool { return strings.HasSuffix(r, "*") }

// fixed is what a pattern begins with, up to what is open in it.
func fixed(pattern string) string {
	if i := strings.IndexAny(pattern, "*?$"); i >= 0 {
		return pattern[:i]
	}
	return pattern
}
