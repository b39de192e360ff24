package explain

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/awsaction"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/known"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// grants are the candidates to have a layer allow.
func (s *search) grants(b blocker) []candidate {
	first, behind := s.documents(b)
	var out []candidate
	near := 0
	for _, v := range policy.Trace(s.request, s.policies) {
		if v.Policy == b.missing && first <= v.Index && v.Index < behind && !v.Deny && len(v.Unmet) == 1 && near < maxAlike {
			near++
			out = append(out, s.meet(s.statement(v.Ref), v.Unmet[0])...)
		}
	}
	if b.missing == policy.ResourcePolicy && s.unwantedID() || len(s.hanging(b, 1)) > 0 {
		return out
	}
	limits := s.limits(b)
	for _, principal := range s.principals(b.missing) {
		out = append(out, s.newStatement(b.missing, first, "Allow", principal, limits...))
	}
	return out
}

// hanging are the Allows of a layer that lack nothing but condition keys which the request was not given with. No statement without their conditions is
// proposed: it would undo what the policies' owner limits by them. The first are as
// good as the others.
func (s *search) hanging(b blocker, most int) []policy.Verdict {
	first, behind := s.documents(b)
	var out []policy.Verdict
	read := 0
	given := func(u policy.Unmet) bool { return len(u.Got) > 0 || !strings.Contains(u.Pointer, "/Condition/") }
	for _, v := range policy.Trace(s.request, s.policies) {
		if v.Policy != b.missing || v.Index < first || behind <= v.Index || v.Deny || len(v.Unmet) == 0 || slices.ContainsFunc(v.Unmet, given) {
			continue
		}
		if read++; len(out) == most || read > maxAlike {
			break
		}
		st := s.statement(v.Ref)
		notGiven := func(u policy.Unmet) bool {
			path := tree.Parts(st.below(u))
			if strings.HasPrefix(strings.ToLower(path[2]), "sts:") || sentByCaller(st.action, path[2]) || strings.Contains(path[1], "Null") {
				return false
			}
			state, _ := known.Of(path[2], s.request.Action, s.request.Principal)
			return state != known.Absent || s.request.PrincipalARN() == "" // as of services
		}
		if !slices.ContainsFunc(v.Unmet, func(u policy.Unmet) bool { return !notGiven(u) }) {
			out = append(out, v)
		}
	}
	return out
}

// giveAll says that the request has all keys that one of the hanging Allows lacks.
func (s *search) giveAll(b blocker, before policy.Result) bool {
	for _, v := range s.hanging(b, maxAlike/8) {
		trial := search{s.request, s.policies, slices.Clone(s.edits)}
		st := s.statement(v.Ref)
		for _, u := range v.Unmet {
			if asks := st.ask(st.below(u), u.Got); len(asks) > 0 && !trial.asksAgain(asks[0].edit) {
				trial.apply(asks[0])
			}
		}
		if trial.clears(b, before) {
			*s = trial
			return true
		}
	}
	return false
}

// documents returns the range of a layer's documents that may allow.
func (s *search) documents(b blocker) (first, behind int) {
	if b.missing != policy.SCP {
		for documentAt(s.policies, b.missing, behind) != nil {
			if behind++; b.missing == policy.ResourcePolicy || b.missing == policy.SessionPolicy {
				break
			}
		}
		return 0, behind
	}
	for _, level := range s.policies.SCP[:b.level] {
		first += len(level)
	}
	return first, first + len(s.policies.SCP[b.level])
}

// meet returns the candidates to have an Allow that lacks one element match. One
// value more in a list opens it to all that the other elements say, so they
// must say no more than the request.
func (s *search) meet(st statement, u policy.Unmet) []candidate {
	below, named := st.below(u), s.named()
	resource, spelled := verbatim(s.request.Resource, st.modern)
	action := st.saysOnly("Action", s.request.Action)
	exact := st.saysOnly("Resource", resource) || st.ref.Policy == policy.ResourcePolicy && resourceOf(s.request) == "" ||
		st.ref.Policy == policy.ResourcePolicy && resourceOf(s.request) == "*" && st.saysOnly("Resource", "*")
	asker := st.value.Get("Principal") == nil && st.value.Get("NotPrincipal") == nil || st.saysOnly("Principal", named)
	switch path := tree.Parts(below); path[0] {
	case "Action":
		if exact && asker {
			return []candidate{st.add(allowMore, below, u.Got...)}
		}
	case "Principal":
		if action && exact && st.value.Follow("/Principal/AWS") != nil && named != "" && !s.onRole() { // a role's callers have statements of their own
			return []candidate{st.add(allowMore, "/Principal/AWS", named)}
		}
	case "Resource":
		if action && asker && spelled {
			return []candidate{st.add(allowMore, below, resource)}
		}
	case "NotAction":
		if exact && asker {
			return []candidate{st.drop(allowMore, below, s.request.Action)}
		}
	case "NotResource":
		if action && asker && spelled {
			return []candidate{st.drop(allowMore, below, resource)}
		}
	case "Condition":
		out := st.ask(below, u.Got)
		values, spelled := s.values(path[2], st.modern)
		if !action || !exact || !asker || !spelled || len(values) == 0 || strings.EqualFold(path[2], externalIDKey) ||
			s.onRole() && st.ref.Policy == policy.ResourcePolicy && callerKey(path[2]) {
			return out
		}
		if strings.Contains(path[1], "Not") {
			return append(out, st.drop(allowMore, below, values[0]))
		}
		if !strings.Contains(path[1], "Bool") && !strings.Contains(path[1], "Null") {
			out = append(out, st.add(allowMore, below, values...))
		}
		return out
	}
	return nil
}

// saysOnly reports whether an element of the statement says one word and no more.
func (st statement) saysOnly(element, text string) bool {
	words := st.value.Get(element).Words()
	return len(words) == 1 && (words[0] == text || element == "Action" && strings.EqualFold(words[0], text))
}

// resourceOf returns the Resource by which the resource's own policy names
// it: none in a trust policy, and in a key's policy * is the key.
func resourceOf(in policy.Request) string {
	switch service, _, _ := strings.Cut(strings.ToLower(in.Action), ":"); service {
	case "sts":
		return ""
	case "kms":
		return "*"
	default:
		return in.Resource
	}
}

// literalActions reports whether the statement names its actions one by one.
func (st statement) literalActions() bool {
	actions := st.value.Get("Action").Words()
	return len(actions) > 0 && !slices.ContainsFunc(actions, func(a string) bool { return strings.ContainsAny(a, "*?") })
}

// newStatement is the candidate to write a statement for exactly the request, which
// does not meet limits of statements that are there.
func (s *search) newStatement(layer policy.Layer, index int, effect string, principal *tree.Node, limits ...limit) candidate {
	st := tree.Object("Effect", effect)
	if principal != nil {
		st.Set("Principal", principal)
	}
	st.Set("Action", tree.Text(s.request.Action))
	modern, place := true, 0
	verb := map[string]string{"Allow": "allows ", "Deny": "denies "}[effect]
	text := "add a statement that " + verb + s.request.Action
	if d := documentAt(s.policies, layer, index); d != nil {
		root := tree.MustParse(d.JSON())
		modern, place = root.Modern(), len(root.Statements().Items)
	} else {
		text = "attach a policy that " + verb + s.request.Action
	}
	resource := s.request.Resource
	if layer == policy.ResourcePolicy {
		resource = resourceOf(s.request)
		if resource == "*" && s.policies.Resource == nil {
			text = "add to what is in the key policy, which is not given here, a statement that " + verb + s.request.Action
		}
	}
	spelled := true
	if resource != "" && resource != "*" {
		resource, spelled = verbatim(resource, modern)
	}
	if resource != "" {
		st.Set("Resource", tree.Text(resource))
	}
	if effect == "Allow" {
		spelled = s.narrow(st, layer, modern) && s.bind(st, limits, modern) && spelled
		if layer == policy.ResourcePolicy && strings.HasPrefix(strings.ToLower(s.request.Action), "s3:") {
			spelled = spelled && storedAt(s.request.Action, resource)
		}
		text += beyond(limits) + s.strangers(layer, st)
	}
	edit := Edit{Policy: layer, Index: index, Pointer: strict.Pointer("Statement", place), Text: text}
	return candidate{allowAnew, edit, func(root *tree.Node) bool {
		list := root.Statements()
		list.Items = append(list.Items, st)
		return spelled
	}}
}

// narrow binds a new Allow to what else the request says of itself. It is
// false if the document's version cannot express that.
func (s *search) narrow(st *tree.Node, layer policy.Layer, modern bool) bool {
	equal := tree.Object()
	for _, key := range []string{externalIDKey, "s3:prefix", "kms:ViaService", "kms:EncryptionContext:aws:s3:arn", "aws:SourceArn", "aws:SourceAccount"} {
		values, spelled := s.values(key, modern)
		service, _, _ := strings.Cut(key, ":")
		if len(values) != 1 || service == "sts" && layer != policy.ResourcePolicy || !s.mayHave(key) || service == "aws" && !s.forOthers(layer) {
			continue
		}
		if !spelled {
			return false
		}
		equal.Set(key, tree.Text(values[0]))
	}
	if len(equal.Members) > 0 {
		st.Set("Condition", tree.Object("StringEquals", equal))
	}
	return true
}

// mayHave reports whether requests for the action have a condition key: S3 stores
// no statement with others of its own.
func (s *search) mayHave(key string) bool {
	has, known := awsaction.Has(s.request.Action, key)
	service, _, _ := strings.Cut(strings.ToLower(key), ":")
	return has || !known && (service == "aws" || strings.HasPrefix(strings.ToLower(s.request.Action), service+":"))
}

// forOthers reports whether a service asks at a resource, on behalf of somebody.
func (s *search) forOthers(layer policy.Layer) bool {
	return layer == policy.ResourcePolicy && s.request.PrincipalARN() == "" && s.request.Principal != "*"
}

// principals are the forms in which a policy of the layer may name the
// requester; the decision shows which is right.
func (s *search) principals(layer policy.Layer) []*tree.Node {
	if layer != policy.ResourcePolicy {
		return []*tree.Node{nil}
	}
	named := s.named()
	switch {
	case named != "":
		return []*tree.Node{tree.Object("AWS", named)}
	case s.request.PrincipalARN() != "":
		return nil
	case s.request.Principal == "*":
		return []*tree.Node{tree.Text("*")}
	}
	var out []*tree.Node
	for _, kind := range []string{"Service", "Federated", "CanonicalUser"} {
		out = append(out, tree.Object(kind, s.request.Principal))
	}
	return out
}

// named is how a policy may name the caller; empty where the path of its role is
// not known, and surely there.
func (s *search) named() string {
	named := s.request.PrincipalARN()
	if _, role := reserved(s.request.Principal); role != "" && strings.HasSuffix(named, ":role/"+role) {
		return ""
	}
	return named
}

// denials are the candidates to have nothing allow any more.
func (s *search) denials(r policy.Result) []candidate {
	var out []candidate
	for _, ref := range r.DecidedBy[:min(len(r.DecidedBy), maxAlike)] {
		st := s.statement(ref)
		if !st.literalActions() {
			continue
		}
		if actions := st.value.Get("Action").Words(); len(actions) > 1 {
			out = append(out, st.drop(dropDenied, "/Action", s.request.Action))
		} else {
			out = append(out, st.remove(dropDenied))
		}
	}
	layers := []policy.Layer{policy.ResourcePolicy}
	if s.request.PrincipalARN() != "" {
		layers = []policy.Layer{policy.Identity, policy.ResourcePolicy}
	}
	for _, layer := range layers {
		for _, principal := range s.principals(layer) {
			c := s.newStatement(layer, 0, "Deny", principal)
			c.cost = dropStatement
			out = append(out, c)
		}
	}
	return out
}
