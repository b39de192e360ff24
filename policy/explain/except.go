package explain

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// exceptions are the candidates to have a Deny not match the request.
func (s *search) exceptions(ref policy.Ref) []candidate {
	st := s.statement(ref)
	out := []candidate{st.remove(dropStatement)}
	for _, e := range []struct{ name, text string }{{"Action", s.request.Action}, {"Resource", s.request.Resource}} {
		if st.value.get("Not"+e.name) != nil {
			out = append(out, st.add(exceptMore, "/Not"+e.name, e.text))
		} else {
			out = append(out, st.drop(dropDenied, "/"+e.name, e.text))
		}
	}
	exempts := false
	conditions := st.conditions()
	for _, below := range conditions[:min(len(conditions), maxAlike)] {
		path := parts(below)
		values := got(s.request, path[2])
		out = append(out, st.ask(below, values)...)
		if len(values) > 0 && strings.Contains(path[1], "Not") {
			out = append(out, st.add(exceptMore, below, values...))
			exempts = exempts || strings.EqualFold(path[2], principalKey)
		}
	}
	named := s.request.PrincipalARN()
	switch shared := slices.Contains([]policy.Layer{policy.ResourcePolicy, policy.SCP, policy.RCP}, ref.Policy); {
	case shared && named != "" && !exempts:
		out = append(out, st.exempt(named))
		if principal := st.value.get("Principal"); principal != nil && principal.kind == '{' {
			out = append(out, st.drop(exceptMore, "/Principal/AWS", named), st.drop(exceptMore, "/Principal/AWS", s.request.Principal))
		}
	case !shared && slices.Equal(st.value.get("Resource").words(), []string{"*"}) && s.request.Resource != "*":
		out = append(out, st.exceptResource(s.request.Resource))
	}
	return out
}

const principalKey = "aws:PrincipalArn"

// exempt is the candidate to have a Deny that speaks of many leave out one
// principal.
func (st statement) exempt(arn string) candidate {
	below := rolecall.Pointer("Condition", "ArnNotEquals", principalKey)
	edit := st.edit(below, "except "+arn+" from "+st.name()+" by a condition")
	return candidate{narrowDeny, edit, func(root *value) bool {
		deny := root.at(st.place)
		if deny.get("Condition") == nil {
			deny.put("Condition", object())
		}
		block := deny.get("Condition")
		if block.get("ArnNotEquals") == nil {
			block.put("ArnNotEquals", object())
		}
		block.get("ArnNotEquals").put(principalKey, word(arn))
		return true
	}}
}

// exceptResource is the candidate to have a Deny of everything leave out one
// resource.
func (st statement) exceptResource(arn string) candidate {
	edit := st.edit("/NotResource", "except "+arn+" from "+st.name()+": NotResource in the place of Resource")
	return candidate{narrowDeny, edit, func(root *value) bool {
		root.at(st.place).rename("Resource", "NotResource", word(arn))
		return true
	}}
}
