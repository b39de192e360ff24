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
// caller's own policies want, as far as they name them.
func (s *search) externalIDs() []string {
	var out []string
	p := s.policies
	for _, d := range slices.Concat([]*policy.Document{p.Resource}, slices.Concat(p.SCP...), slices.Concat(p.RCP...), p.Identity, p.Boundary, []*policy.Document{p.Session}) {
		s.wantedIDs(d, func(words []string) {
			for _, w := range words {
				if w != "" && !strings.ContainsAny(w, "*?$") && !slices.Contains(out, w) && len(out) < maxAlike {
					out = append(out, w)
				}
			}
		})
	}
	return out
}

// unwantedID reports whether the trust policy wants external ids, or the request
// came with one, and what it is asked with is not known to be wanted.
func (s *search) unwantedID() bool {
	values := s.request.Values(externalIDKey)
	wants := strings.HasPrefix(strings.ToLower(s.request.Action), "sts:") && len(values) > 0
	s.wantedIDs(s.policies.Resource, func([]string) { wants = true })
	return wants && (len(values) != 1 || !slices.Contains(s.externalIDs(), values[0]))
}

// wantedIDs yields the words of the conditions by which a policy wants an external
// id: what its Allows compare with, and its Denies except.
func (s *search) wantedIDs(d *policy.Document, yield func(words []string)) {
	if d == nil || !strings.HasPrefix(strings.ToLower(s.request.Action), "sts:") {
		return
	}
	for _, st := range tree.MustParse(d.JSON()).Statements().Items {
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
					yield(key.Value.Words())
				}
			}
		}
	}
}

// hasIDCondition reports whether the statement is of a trust policy and has a
// condition on the external id.
func (st statement) hasIDCondition() bool {
	return st.ref.Policy == policy.ResourcePolicy && slices.ContainsFunc(st.conditions(), func(below string) bool {
		return strings.EqualFold(tree.Parts(below)[2], externalIDKey)
	})
}

// starts are what the search begins with: the request as it is, and, if its
// external id is not one that the trust policy wants, with those that are.
func (s *search) starts() []search {
	out := []search{*s}
	if !s.unwantedID() {
		return out
	}
	for _, id := range s.externalIDs() {
		next := *s
		next.apply(askWith(externalIDKey, id, "ask with "+externalIDKey+" "+id))
		out = append(out, next)
	}
	return out
}
