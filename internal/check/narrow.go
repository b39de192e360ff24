package check

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// use is what the connection does, in the words of policies.
type use struct{ actions, resources []string }

// useOf reads it from the role's permissions; of a bucket's or key's policy
// only what these may speak of.
func useOf(d *policy.Document, kind string) use {
	var u use
	service := map[string]string{documentBucket: "s3", documentKey: "kms"}[kind]
	for _, s := range readPaper(d).statements {
		if actions := words(s.get("Action")); strings.HasPrefix(actions[0], service) {
			u.actions, u.resources = append(u.actions, actions...), append(u.resources, words(s.get("Resource"))...)
		}
	}
	return u
}

// rest gives what a Deny goes on to deny a principal that is excepted from it:
// other actions, and on other resources, than the connection's, as far as
// statements can say that without denying more than before.
func (u use) rest(kind string, deny object, principal string) []object {
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
			return slices.Contains(w, "*") || kind == documentBucket && slices.Contains(w, "s3:*") || kind == documentKey && slices.Contains(w, "kms:*")
		}},
		{"Resource", u.resources, func(w []string) bool {
			bucket := slices.ContainsFunc(w, func(r string) bool { return slices.Contains(w, r+"/*") })
			return kind != documentKey && slices.Equal(w, []string{"*"}) || kind == documentBucket && bucket
		}},
	} {
		said, not := words(deny.get(e.name)), words(deny.get("Not"+e.name))
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

// renamed gives the object with another member in the place of one.
func (o object) renamed(from, to string, value json.RawMessage) object {
	out := slices.Clone(o)
	out[out.find(from)] = member{to, value}
	return out
}
