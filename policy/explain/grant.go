package explain

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// grants are the candidates to have a layer allow.
func (s *search) grants(b blocker) []candidate {
	first, behind := s.documents(b)
	var out []candidate
	near := 0
	for _, v := range policy.Trace(s.request, s.policies) {
		if v.Policy == b.missing && first <= v.Index && v.Index < behind && !v.Deny && len(v.Unmet) == 1 && near < maxAlike {
			near++
			out = append(out, s.statement(v.Ref).meet(v.Unmet[0], s.request.PrincipalARN())...)
		}
	}
	for _, principal := range s.principals(b.missing) {
		out = append(out, s.anew(b.missing, first, "Allow", principal))
	}
	return out
}

// documents gives the range of a layer's documents that may allow.
func (s *search) documents(b blocker) (first, behind int) {
	if b.missing != policy.SCP {
		for at(s.policies, b.missing, behind) != nil {
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

// meet gives the candidates to have an Allow that lacks one element match.
// Where its other elements are wide, one value more would open too much.
func (st statement) meet(u policy.Unmet, named string) []candidate {
	below := st.below(u)
	switch path := parts(below); path[0] {
	case "Action":
		if st.value.get("NotResource") == nil && !slices.Contains(st.value.get("Resource").words(), "*") {
			return []candidate{st.add(allowMore, below, u.Got...)}
		}
	case "Principal":
		if st.literalActions() && st.value.at("/Principal/AWS") != nil && named != "" {
			return []candidate{st.add(allowMore, "/Principal/AWS", named)}
		}
	case "Resource":
		if st.literalActions() {
			return []candidate{st.add(allowMore, below, u.Got...)}
		}
	case "NotAction", "NotResource":
		return []candidate{st.drop(allowMore, below, u.Got[0])}
	case "Condition":
		out := st.ask(below, u.Got)
		if len(u.Got) > 0 && strings.Contains(path[1], "Not") {
			return append(out, st.drop(allowMore, below, u.Got[0]))
		}
		if len(u.Got) > 0 && !strings.Contains(path[1], "Bool") && !strings.Contains(path[1], "Null") {
			out = append(out, st.add(allowMore, below, u.Got...))
		}
		return out
	}
	return nil
}

// literalActions tells whether the statement names its actions one by one.
func (st statement) literalActions() bool {
	actions := st.value.get("Action").words()
	return len(actions) > 0 && !slices.ContainsFunc(actions, func(a string) bool { return strings.ContainsAny(a, "*?") })
}

// anew is the candidate to write a statement for exactly the request.
func (s *search) anew(layer policy.Layer, index int, effect string, principal *value) candidate {
	st := object(member{"Effect", word(effect)})
	if principal != nil {
		st.put("Principal", principal)
	}
	st.put("Action", word(s.request.Action))
	service, _, _ := strings.Cut(strings.ToLower(s.request.Action), ":")
	switch {
	case layer == policy.ResourcePolicy && service == "sts": // a trust policy has no Resource
	case layer == policy.ResourcePolicy && service == "kms":
		st.put("Resource", word("*")) // in a key's policy: this key
	default:
		st.put("Resource", word(s.request.Resource))
	}
	if effect == "Allow" {
		s.narrow(st, layer)
	}
	verb, place := map[string]string{"Allow": "allows ", "Deny": "denies "}[effect], 0
	text := "add a statement that " + verb + s.request.Action
	if d := at(s.policies, layer, index); d == nil {
		text = "attach a policy that " + verb + s.request.Action
	} else {
		place = len(read(d).statements().items)
	}
	edit := Edit{Policy: layer, Index: index, Pointer: rolecall.Pointer("Statement", place), Text: text}
	return candidate{allowAnew, edit, func(root *value) bool {
		list := root.statements()
		list.items = append(list.items, st)
		return true
	}}
}

// narrow binds a new Allow to what else the request says of itself.
func (s *search) narrow(st *value, layer policy.Layer) {
	equal := &value{kind: '{'}
	for _, key := range []string{"sts:ExternalId", "s3:prefix", "kms:ViaService", "kms:EncryptionContext:aws:s3:arn"} {
		values := got(s.request, key)
		service, _, _ := strings.Cut(key, ":")
		ours := strings.HasPrefix(strings.ToLower(s.request.Action), service+":")
		if len(values) == 1 && ours && (service != "sts" || layer == policy.ResourcePolicy) {
			equal.put(key, word(values[0]))
		}
	}
	if len(equal.names) > 0 {
		st.put("Condition", object(member{"StringEquals", equal}))
	}
}

// principals are the forms in which a policy of the layer may name the
// requester; the decision tells which is right.
func (s *search) principals(layer policy.Layer) []*value {
	if layer != policy.ResourcePolicy {
		return []*value{nil}
	}
	named := s.request.PrincipalARN()
	switch {
	case named != "":
		return []*value{object(member{"AWS", word(named)})}
	case s.request.Principal == "*":
		return []*value{word("*")}
	}
	var out []*value
	for _, kind := range []string{"Service", "Federated", "CanonicalUser"} {
		out = append(out, object(member{kind, word(s.request.Principal)}))
	}
	return out
}

// denials are the candidates to have nothing allow any more.
func (s *search) denials(r policy.Result) []candidate {
	var out []candidate
	for _, ref := range r.DecidedBy[:min(len(r.DecidedBy), maxAlike)] {
		st := s.statement(ref)
		if !st.literalActions() {
			continue
		}
		if actions := st.value.get("Action").words(); len(actions) > 1 {
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
			c := s.anew(layer, 0, "Deny", principal)
			c.cost = dropStatement
			out = append(out, c)
		}
	}
	return out
}
