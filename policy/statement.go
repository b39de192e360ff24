package policy

import (
	"strings"

	"github.com/rolecall/rolecall"
)

// statement is a compiled statement. The zero value of each part that a
// document leaves out matches every request.
type statement struct {
	pointer    string // its place in the document
	sid        string
	deny       bool
	principals principals
	actions    actions
	resources  resources
	conditions []condition
}

// matches tells whether the statement speaks of the request, its principals
// left aside.
func (s *statement) matches(r *request) bool {
	if !s.actions.match(r.Action) || !s.resources.match(r) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r) {
			return false
		}
	}
	return true
}

// actions is Action or NotAction.
type actions struct {
	not      bool
	patterns []pattern
}

// match ignores case. reference_policies_elements_action.html
func (a *actions) match(action string) bool {
	for i := range a.patterns {
		if a.patterns[i].match(action, true) {
			return !a.not
		}
	}
	return a.not
}

// resources is Resource, NotResource, or neither, as in trust policies.
type resources struct {
	given, not bool
	patterns   []arnPattern
}

func (rs *resources) match(r *request) bool {
	if !rs.given {
		return true
	}
	for i := range rs.patterns {
		if rs.patterns[i].matches(r, r.Resource) {
			return !rs.not
		}
	}
	return rs.not
}

// compile checks the statement and precompiles it. Variables have a meaning
// only in documents of version 2012-10-17 (modern).
// reference_policies_elements_version.html
func (w statementJSON) compile(at string, modern bool, faults *rolecall.Errors) statement {
	s := statement{pointer: at, sid: w.Sid.value, deny: w.Effect.value == "Deny"}
	switch {
	case !w.Effect.there:
		faults.Add(at+"/Effect", "Effect is missing", "give Allow or Deny")
	case w.Effect.value != "Allow" && w.Effect.value != "Deny" && !w.Effect.wrong:
		faults.Add(at+"/Effect", "unknown effect "+quote(w.Effect.value), "give Allow or Deny")
	}
	either := func(name string, yes, no bool) {
		if yes && no {
			faults.Add(at+"/Not"+name, "has both "+name+" and Not"+name, "remove one of the two")
		}
	}
	either("Principal", w.Principal.there, w.NotPrincipal.there)
	either("Action", w.Action.there, w.NotAction.there)
	either("Resource", w.Resource.there, w.NotResource.there)
	if !w.Action.there && !w.NotAction.there {
		faults.Add(at+"/Action", "Action is missing", "give Action or NotAction")
	}

	s.principals = w.Principal.compile(at+"/Principal", faults)
	if w.NotPrincipal.there {
		s.principals = w.NotPrincipal.compile(at+"/NotPrincipal", faults)
		s.principals.not = true
	}
	s.actions.patterns = compileActions(w.Action, at+"/Action", faults)
	if w.NotAction.there {
		s.actions = actions{not: true, patterns: compileActions(w.NotAction, at+"/NotAction", faults)}
	}
	s.resources = resources{given: w.Resource.there, patterns: compileResources(w.Resource, at+"/Resource", modern, faults)}
	if w.NotResource.there {
		s.resources = resources{given: true, not: true,
			patterns: compileResources(w.NotResource, at+"/NotResource", modern, faults)}
	}
	s.conditions = compileConditions(w.Condition.value, at+"/Condition", modern, faults)
	return s
}

func compileActions(list stringList, at string, faults *rolecall.Errors) []pattern {
	out := make([]pattern, len(list.items))
	for i, text := range list.items {
		if !actionForm(text) {
			faults.Add(list.pointer(at, i), quote(text)+" is not an action", "actions look like s3:GetObject, s3:Get* or *")
		}
		out[i] = compile(text, syntax{wildcards: true})
	}
	return out
}

// actionForm tells whether text is "*", "*:*" or service:name with wildcards in
// the name. reference_policies_elements_action.html
func actionForm(text string) bool {
	if text == "*" || text == "*:*" {
		return true
	}
	service, name, found := strings.Cut(text, ":")
	return found && len(text) <= maxText && made(service, "-") && made(name, "-_*?")
}

// made tells whether text is made of letters, digits and the characters of
// more, and not empty.
func made(text, more string) bool {
	for i := range len(text) {
		c := lower(text[i])
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte(more, c) >= 0) {
			return false
		}
	}
	return text != ""
}

func compileResources(list stringList, at string, modern bool, faults *rolecall.Errors) []arnPattern {
	out := make([]arnPattern, len(list.items))
	for i, text := range list.items {
		if !strings.HasPrefix(text, "arn:") && !strings.HasPrefix(text, "*") || len(text) > maxText {
			faults.Add(list.pointer(at, i), quote(text)+" is not a resource", `give an ARN, with * and ? where needed, or "*"`)
		}
		out[i] = compileARN(text, syntax{wildcards: true, variables: modern})
	}
	return out
}
