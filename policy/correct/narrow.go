package correct

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// use is what the connection does, in the words of policies.
type use struct{ actions, resources []string }

// useOf reads it from the role's permissions: for a bucket's or key's policy
// only what these can decide.
func useOf(permissions *policy.Document, kind policy.Kind) use {
	var u use
	for _, s := range readDocument(permissions).statements {
		actions := texts(s.get("Action"))
		if service, _, _ := strings.Cut(actions[0], ":"); kind.Decides(service) {
			u.actions, u.resources = append(u.actions, actions...), append(u.resources, texts(s.get("Resource"))...)
		}
	}
	return u
}

// stillDenied returns what a Deny goes on to deny a principal that is excepted
// from it: other actions, and on other resources, than the connection's, as far
// as statements can say that without denying more than before.
func (u use) stillDenied(kind policy.Kind, deny object, principal string) []object {
	block := readObject(deny.get("Condition"))
	keys := readObject(block.get("ArnEquals"))
	if len(u.actions) == 0 || keys.get(principalKey) != nil {
		return nil
	}
	mine := deny.with("Condition", block.with("ArnEquals", keys.with(principalKey, jsonText(principal)).text()).text())
	var out []object
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
		said, not := texts(deny.get(e.name)), texts(deny.get("Not"+e.name))
		left := slices.DeleteFunc(slices.Clone(said), func(w string) bool { return slices.Contains(e.used, w) })
		literal := !slices.ContainsFunc(said, func(w string) bool { return strings.ContainsAny(w, "*?") })
		switch {
		case len(not) > 0:
			out = append(out, mine.with("Not"+e.name, jsonText(append(not, e.used...))))
		case e.all(said):
			out = append(out, mine.renamed(e.name, "Not"+e.name, jsonText(e.used)))
		case e.name == "Action" && literal && len(left) > 0:
			out = append(out, mine.with(e.name, jsonText(left)))
		}
	}
	return out
}

// renamed returns the object with another member in the place of one.
func (o object) renamed(from, to string, value json.RawMessage) object {
	out := slices.Clone(o)
	out[out.find(from)] = member{to, value}
	return out
}
