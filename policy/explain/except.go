package explain

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// exceptions are the candidates to have a Deny not match the request. Those
// that leave most of the Deny as it is come first.
func (s *search) exceptions(ref policy.Ref) []candidate {
	st := s.statement(ref)
	if st.mindsID() { // it keeps out those who do not know the id, and is to go on
		var out []candidate
		for _, below := range st.conditions() {
			path := tree.Parts(below)
			values, spelled := s.values(path[2], st.modern)
			out = append(out, st.ask(below, values)...)
			if strings.EqualFold(path[2], externalIDKey) && strings.Contains(path[1], "Not") && spelled && s.allowedID() {
				c := st.add(exceptMore, below, values...)
				c.edit.Text += ", for everyone whom it denies"
				out = append(out, c)
			}
		}
		return out
	}
	named := s.named()
	shared := slices.Contains([]policy.Layer{policy.ResourcePolicy, policy.SCP, policy.RCP}, ref.Policy)
	forAll := func(c candidate) candidate { // what a Deny of many leaves out, it leaves out for all of them
		if shared && !st.saysOnly("Principal", named) && !strings.Contains(c.edit.Text, opensMore) {
			c.edit.Text += ", for everyone whom it denies"
		}
		return c
	}
	resource, spelled := verbatim(s.request.Resource, st.modern)
	var out []candidate
	alone := s.mindsIDs() && ref.Policy == policy.ResourcePolicy // other callers, with other ids, stay denied
	if !alone {
		out = append(out, forAll(st.removeDeny(resource)))
		for _, e := range []struct{ name, text string }{{"Action", s.request.Action}, {"Resource", resource}} {
			if st.value.Get("Not"+e.name) == nil {
				out = append(out, forAll(st.drop(dropDenied, "/"+e.name, e.text)))
			} else if spelled {
				out = append(out, forAll(st.add(exceptMore, "/Not"+e.name, e.text)))
			}
		}
	}
	exempts := false
	conditions := st.conditions()
	for _, below := range conditions[:min(len(conditions), maxAlike)] {
		path := tree.Parts(below)
		values, spelled := s.values(path[2], st.modern)
		out = append(out, st.ask(below, values)...)
		if len(values) > 0 && spelled && strings.Contains(path[1], "Not") && (!alone || strings.EqualFold(path[2], principalKey)) {
			c := st.add(exceptMore, below, values...)
			if strings.EqualFold(path[2], principalKey) {
				exempts = true
			} else {
				c = forAll(c)
			}
			out = append(out, c)
		}
	}
	if shared && named != "" && !exempts {
		out = append(out, st.exceptPrincipal(narrowDeny, named))
		if principal := st.value.Get("Principal"); principal != nil && principal.Kind == '{' {
			out = append(out, st.drop(exceptMore, "/Principal/AWS", named), st.drop(exceptMore, "/Principal/AWS", s.request.Principal))
		}
		return out
	}
	switch resources := st.value.Get("Resource").Words(); {
	case shared || !spelled || len(resources) == 0:
	case slices.Equal(resources, []string{"*"}):
		if s.request.Resource != "*" {
			out = append(out, st.exceptResource(resource))
		}
	case st.deniesService(resources):
		out = append(out, st.exceptAction(s.request.Action))
	}
	if slices.Contains([]policy.Layer{policy.Identity, policy.Boundary}, ref.Policy) && named != "" && !exempts {
		out = append(out, st.exceptPrincipal(exemptPrincipal, named))
	}
	return out
}

// values returns the request's values of a context key as a policy writes them,
// false if it cannot.
func (s *search) values(key string, modern bool) ([]string, bool) {
	values := slices.Clone(s.request.Values(key))
	for i, v := range values {
		var ok bool
		if values[i], ok = verbatim(v, modern); !ok {
			return values, false
		}
	}
	return values, true
}

// removeDeny is the candidate to take a Deny away, with a warning if it denies more
// than the request.
func (st statement) removeDeny(resource string) candidate {
	c := st.remove(dropStatement)
	if !st.saysOnly("Action", st.action) || !st.saysOnly("Resource", resource) {
		c.edit.Text += opensMore
	}
	return c
}

const opensMore = ", which opens whatever else it denies too"

// deniesService reports whether the statement denies all that a service can do
// with its own resources: then NotAction denies no more than Action does.
func (st statement) deniesService(resources []string) bool {
	actions := st.value.Get("Action").Words()
	service, _, _ := strings.Cut(strings.ToLower(st.action), ":")
	if len(actions) != 1 || actions[0] != "*" && !strings.EqualFold(actions[0], service+":*") {
		return false
	}
	return !slices.ContainsFunc(resources, func(r string) bool {
		part := strings.SplitN(r, ":", 4)
		return len(part) < 4 || part[2] != service
	})
}

// exceptAction is the candidate to have a Deny of all actions leave out one.
func (st statement) exceptAction(action string) candidate {
	edit := st.edit("/NotAction", "except "+action+" from "+st.name()+": NotAction in the place of Action")
	return candidate{narrowDeny, edit, func(root *tree.Node) bool {
		root.Follow(st.place).Rename("Action", "NotAction", tree.Text(action))
		return true
	}}
}

const principalKey = "aws:PrincipalArn"

// exceptPrincipal is the candidate to have a Deny for many leave out one principal.
func (st statement) exceptPrincipal(cost int, arn string) candidate {
	below := strict.Pointer("Condition", "ArnNotEquals", principalKey)
	edit := st.edit(below, "except "+arn+" from "+st.name()+" by a condition")
	return candidate{cost, edit, func(root *tree.Node) bool {
		deny := root.Follow(st.place)
		if deny.Get("Condition") == nil {
			deny.Set("Condition", tree.Object())
		}
		block := deny.Get("Condition")
		if block.Get("ArnNotEquals") == nil {
			block.Set("ArnNotEquals", tree.Object())
		}
		block.Get("ArnNotEquals").Set(principalKey, tree.Text(arn))
		return true
	}}
}

// exceptResource is the candidate to have a Deny of everything leave out one
// resource.
func (st statement) exceptResource(arn string) candidate {
	edit := st.edit("/NotResource", "except "+arn+" from "+st.name()+": NotResource in the place of Resource")
	return candidate{narrowDeny, edit, func(root *tree.Node) bool {
		root.Follow(st.place).Rename("Resource", "NotResource", tree.Text(arn))
		return true
	}}
}
