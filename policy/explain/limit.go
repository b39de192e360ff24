package explain

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/known"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// limit is a condition of an Allow that says all else of the request, which does
// not meet it.
type limit struct {
	statement, operator, key string
	wants, got               []string
}

// ofOthers are keys whose conditions say whom or what a statement is about: where
// they are not met, it is about others.
var ofOthers = []string{"aws:principalarn", "aws:principalaccount", "aws:userid", "aws:username", "sts:externalid", "s3:prefix", "s3:delimiter", "s3:max-keys"}

// limits are those of a layer's documents. A statement without them goes past what
// the policies' owner limits by them, and says so.
func (s *search) limits(b blocker) []limit {
	first, behind := s.documents(b)
	var out []limit
	read := 0
	for _, v := range policy.Trace(s.request, s.policies) {
		otherwise := slices.ContainsFunc(v.Unmet, func(u policy.Unmet) bool { return !strings.Contains(u.Pointer, "/Condition/") })
		if v.Policy != b.missing || v.Index < first || behind <= v.Index || v.Deny || otherwise {
			continue
		}
		if read++; read > maxAlike/8 {
			break
		}
		st := s.statement(v.Ref)
		for _, u := range v.Unmet {
			path := tree.Parts(st.below(u))
			state, _ := known.Of(path[2], s.request.Action, s.request.Principal)
			if !slices.Contains(ofOthers, strings.ToLower(path[2])) && s.mayHave(path[2]) && (len(u.Got) > 0 || state != known.Absent) {
				out = append(out, limit{st.name(), path[1], path[2], st.value.Follow(st.below(u)).Words(), u.Got})
			}
		}
	}
	return out
}

// equals is by which operator a condition of a new statement may say what the
// request has for a key that one with the operator limits; empty: by none.
func equals(operator string) string {
	base := strings.TrimSuffix(operator, "IfExists")
	switch {
	case strings.Contains(base, ":") || strings.Contains(base, "Not"):
		return ""
	case strings.HasPrefix(base, "String"):
		return "StringEquals"
	case strings.HasPrefix(base, "Arn"):
		return "ArnEquals"
	case base == "IpAddress":
		return base
	}
	return ""
}

// bind puts what the request has for the keys of limits on a new Allow. It is false
// if the document's version cannot say that.
func (s *search) bind(st *tree.Node, limits []limit, modern bool) bool {
	for _, l := range limits {
		operator := equals(l.operator)
		if operator == "" || len(l.got) == 0 {
			continue
		}
		values, spelled := s.values(l.key, modern)
		if !spelled {
			return false
		}
		if st.Get("Condition") == nil {
			st.Set("Condition", tree.Object())
		}
		block := st.Get("Condition")
		if block.Get(operator) == nil {
			block.Set(operator, tree.Object())
		}
		block.Get(operator).Set(l.key, tree.List(values...))
	}
	return true
}

// beyond says which limits a new Allow goes past.
func beyond(limits []limit) string {
	out := ""
	for _, l := range limits {
		out += "; " + l.statement + " allows it under " + l.operator + " " + l.key + " " + quoted(l.wants) + " alone"
	}
	return out
}

// strangers says of a new Allow of a resource's policy whom it lets in beside who
// was meant: of another account's principals those who name no external id, and
// services on behalf of anyone.
func (s *search) strangers(layer policy.Layer, st *tree.Node) string {
	const source = "aws:SourceAccount"
	account := accountOf(s.request.PrincipalARN())
	switch {
	case s.forOthers(layer) && s.named() == "" && st.Get("Principal").Get("Service") != nil && !s.onRole():
		if has := st.Get("Condition").Get("StringEquals"); has == nil || has.Get(source) == nil && has.Get("aws:SourceArn") == nil {
			return "; it lets in " + s.request.Principal + " on behalf of every account: name under StringEquals " + source + " for whom it is to come"
		}
	case layer == policy.ResourcePolicy && s.onRole() && account != "" && account != s.request.Account && !conditionOnID(st):
		return "; it asks for no external id: if account " + account + " is another company's, agree on one with it, and name it under StringEquals " + externalIDKey
	}
	return ""
}
