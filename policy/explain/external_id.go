package explain

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

const externalIDKey = "sts:ExternalId"

// A vendor chooses one external id for each of its customers. A trust policy
// that took whichever id a caller sends would let in the vendor's other
// customers, so an id that is not in it is the caller's to correct.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html

// externalIDs are those that the role's trust policy, the organization or the
// caller's own policies want of the caller, as far as they name them. An id that
// the trust policy wants of others is theirs alone.
func (s *search) externalIDs() []string {
	var out, others, allowed []string
	p, mine := s.policies, s.concerning()
	s.wantedIDs(p.Resource, func(statement int, deny bool, words []string) {
		switch {
		case !mine[statement]:
			others = append(others, words...)
		case !deny:
			allowed = append(allowed, words...)
		}
		if mine[statement] {
			out = append(out, words...)
		}
	})
	if len(allowed) > 0 { // what else a Deny of many spares, it spares for others
		out = allowed
	}
	ofOthers := map[string]bool{}
	for _, w := range others {
		ofOthers[w] = true
	}
	for _, w := range out {
		delete(ofOthers, w)
	}
	for _, d := range slices.Concat(slices.Concat(p.SCP...), slices.Concat(p.RCP...), p.Identity, p.Boundary, []*policy.Document{p.Session}) {
		s.wantedIDs(d, func(_ int, _ bool, words []string) { out = append(out, words...) })
	}
	var ids []string
	for _, w := range out {
		if w != "" && !strings.ContainsAny(w, "*?$") && !ofOthers[w] && !slices.Contains(ids, w) && len(ids) < maxAlike {
			ids = append(ids, w)
		}
	}
	return ids
}

// concerning returns which statements of the trust policy are about the caller.
func (s *search) concerning() map[int]bool {
	out := map[int]bool{}
	if !s.onRole() {
		return out
	}
	for _, v := range policy.Trace(s.request, policy.Policies{Resource: s.policies.Resource}) {
		out[v.Statement] = !slices.ContainsFunc(v.Unmet, ofCaller)
	}
	return out
}

// ofCaller reports whether an element that was not met says who calls.
func ofCaller(u policy.Unmet) bool {
	path := tree.Parts(u.Pointer)
	if slices.Contains(path, "Condition") {
		return len(u.Got) > 0 && callerKey(path[len(path)-1])
	}
	return strings.HasSuffix(path[len(path)-1], "Principal") || slices.Contains(path, "Principal") || slices.Contains(path, "NotPrincipal")
}

// callerKey reports whether a condition key says who calls.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func callerKey(key string) bool {
	key = strings.ToLower(key)
	return strings.HasPrefix(key, "aws:principal") || key == "aws:userid" || key == "aws:username"
}

// unwantedID reports whether external ids matter, and the request's is not known to
// be wanted of the caller.
func (s *search) unwantedID() bool {
	values := s.request.Values(externalIDKey)
	return s.mindsIDs() && (len(values) != 1 || values[0] != placeholder && !slices.Contains(s.externalIDs(), values[0]))
}

// mindsIDs reports whether external ids matter: the trust policy has a condition on
// them, or the request came with one.
func (s *search) mindsIDs() bool {
	if !s.onRole() || len(s.request.Values(externalIDKey)) > 0 {
		return s.onRole()
	}
	d := s.policies.Resource
	return d != nil && slices.ContainsFunc(tree.MustParse(d.JSON()).Statements().Items, conditionOnID)
}

// allowedID reports whether an Allow of the trust policy that is about the caller names
// the request's external id, and none lets in others by it: they would come in, too.
func (s *search) allowedID() bool {
	if s.policies.Resource == nil {
		return false
	}
	others := map[int]bool{} // Allows for others than the caller alone, unless they want other ids
	for i, st := range tree.MustParse(s.policies.Resource.JSON()).Statements().Items {
		who := st.Get("Principal").Get("AWS").Words()
		alone := len(who) > 0 && len(st.Get("Principal").Members) == 1 && !slices.ContainsFunc(who, func(w string) bool { return w != s.named() })
		others[i] = !slices.Contains(st.Get("Effect").Words(), "Deny") && !alone
	}
	s.wantedIDs(s.policies.Resource, func(statement int, deny bool, words []string) {
		if !slices.ContainsFunc(words, func(w string) bool {
			return strings.ContainsAny(w, "*?$") || slices.Contains(s.request.Values(externalIDKey), w)
		}) {
			delete(others, statement)
		}
	})
	for _, lets := range others {
		if lets {
			return false
		}
	}
	values, mine, out := s.request.Values(externalIDKey), s.concerning(), false
	s.wantedIDs(s.policies.Resource, func(statement int, deny bool, words []string) {
		out = out || !deny && mine[statement] && len(values) == 1 && slices.Contains(words, values[0])
	})
	return out
}

func conditionOnID(statement *tree.Node) bool {
	block := statement.Get("Condition")
	return block != nil && slices.ContainsFunc(block.Members, func(operator *tree.Member) bool { return operator.Value.Fold(externalIDKey) != nil })
}

// onRole reports whether a trust policy is the resource's policy.
func (s *search) onRole() bool { return strings.HasPrefix(strings.ToLower(s.request.Action), "sts:") }

// wantedIDs yields the words of the conditions by which a policy wants an external
// id: what its Allows compare with, and its Denies except.
func (s *search) wantedIDs(d *policy.Document, yield func(statement int, deny bool, words []string)) {
	if d == nil || !s.onRole() {
		return
	}
	for i, st := range tree.MustParse(d.JSON()).Statements().Items {
		deny := slices.Contains(st.Get("Effect").Words(), "Deny")
		block := st.Get("Condition")
		if block == nil {
			continue
		}
		for _, operator := range block.Members {
			if strings.Contains(operator.Name, "Not") != deny || strings.Contains(operator.Name, "Null") {
				continue
			}
			for _, key := range operator.Value.Members {
				if strings.EqualFold(key.Name, externalIDKey) {
					yield(i, deny, key.Value.Words())
				}
			}
		}
	}
}

// mindsID reports whether the statement is about a role and has a condition on the
// external id.
func (st statement) mindsID() bool {
	return strings.HasPrefix(strings.ToLower(st.action), "sts:") && conditionOnID(st.value)
}

// starts are what the search begins with: the request as it is, and, if its
// external id is not one that the trust policy wants, with those that are. Where
// it wants none of the caller, the caller is to have an id of its own.
func (s *search) starts() []search {
	out := []search{*s}
	if !s.unwantedID() {
		return out
	}
	with := func(id, text string) {
		next := *s
		next.apply(askWith(externalIDKey, id, text))
		out = append(out, next)
	}
	for _, id := range s.externalIDs() {
		with(id, "ask with "+externalIDKey+" "+id)
	}
	named, mine := false, s.concerning()
	s.wantedIDs(s.policies.Resource, func(statement int, _ bool, _ []string) { named = named || mine[statement] })
	if !named && s.named() != "" && sentByCaller(s.request.Action, externalIDKey) {
		with(placeholder, "ask with "+externalIDKey+" "+placeholder+", one that is the caller's alone")
	}
	return out
}

// anyID reports whether the search has changed the trust policy so that it takes
// from the caller an external id that it did not name and did not take before.
func (s *search) anyID(before search) bool {
	if !before.mindsIDs() || !slices.ContainsFunc(s.edits, func(e Edit) bool { return e.Policy == policy.ResourcePolicy }) {
		return false
	}
	everything := []*policy.Document{allowsAll}
	takes := func(trust *policy.Document, id string) bool {
		in := withContext(s.request, externalIDKey, id)
		return policy.Evaluate(in, policy.Policies{Identity: everything, Resource: trust}).Decision == policy.Allowed
	}
	ids := append([]string{unnamed}, before.request.Values(externalIDKey)...)
	if len(s.request.Values(externalIDKey)) > 0 {
		ids = append(ids, "") // none
	}
	s.wantedIDs(before.policies.Resource, func(_ int, _ bool, words []string) {
		for _, w := range words {
			if strings.ContainsAny(w, "*?") && len(ids) < maxAlike {
				ids = append(ids, strings.NewReplacer("*", unnamed, "?", "x").Replace(w))
			}
		}
	})
	known := before.externalIDs()
	return slices.ContainsFunc(ids, func(id string) bool {
		return id != placeholder && !slices.Contains(known, id) && takes(s.policies.Resource, id) && !takes(before.policies.Resource, id)
	})
}

// unnamed is an external id that no policy names.
const unnamed = "rolecall-names-no-such-external-id"

var allowsAll = one(tree.Object("Effect", "Allow", "Action", "*", "Resource", "*"))
