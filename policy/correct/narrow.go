package correct

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// use is what the connection does, in the words of policies.
type use struct{ actions, resources []string }

// useOf reads it from the role's permissions: for a bucket's or key's policy
// only what these can decide.
func useOf(permissions *policy.Document, kind policy.Kind) use {
	var u use
	for _, s := range statements(readDocument(permissions)) {
		actions := s.Get("Action").Strings()
		if service, _, _ := strings.Cut(actions[0], ":"); kind.Decides(service) {
			u.actions, u.resources = append(u.actions, actions...), append(u.resources, s.Get("Resource").Strings()...)
		}
	}
	return u
}

// stillDenied returns what a Deny goes on to deny a principal that is excepted
// from it: other actions, and on other resources, than the connection's, as far
// as statements can say that without denying more than before.
func (u use) stillDenied(kind policy.Kind, deny *tree.Node, principal string) []*tree.Node {
	if under := deny.Get("Condition").Fold("ArnEquals"); len(u.actions) == 0 || under != nil && under.Value.Fold(principalKey) != nil {
		return nil
	}
	mine := onPrincipal(deny, "ArnEquals", principal)
	var out []*tree.Node
	for _, e := range []struct {
		name string
		used []string
		all  func(words []string) bool
	}{
		{"Action", u.actions, func(w []string) bool {
			return slices.Contains(w, "*") || kind == policy.BucketDocument && slices.Contains(w, "s3:*") || kind == policy.KeyDocument && slices.Contains(w, "kms:*")
		}},
		{"Resource", u.resources, func(w []string) bool {
			bucket := slices.ContainsFunc(w, func(r string) bool { return slices.Contains(w, r+"/*") })
			return kind != policy.KeyDocument && slices.Equal(w, []string{"*"}) || kind == policy.BucketDocument && bucket
		}},
	} {
		said, not := deny.Get(e.name).Strings(), deny.Get("Not"+e.name).Strings()
		left := slices.DeleteFunc(slices.Clone(said), func(w string) bool { return slices.Contains(e.used, w) })
		literal := !slices.ContainsFunc(said, func(w string) bool { return strings.ContainsAny(w, "*?") })
		still := mine.Clone()
		switch {
		case len(not) > 0:
			still.Set("Not"+e.name, tree.List(append(not, e.used...)...))
		case e.all(said):
			still.Rename(e.name, "Not"+e.name, tree.List(e.used...))
		case e.name == "Action" && literal && len(left) > 0:
			still.Set(e.name, tree.List(left...))
		default:
			continue
		}
		out = append(out, still)
	}
	return out
}
