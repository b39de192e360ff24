package policy

import (
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy/internal/tree"
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

// matches reports whether the statement of a policy of the layer applies to the
// request, its principals left aside.
func (s *statement) matches(r *request, layer Layer) bool {
	if r.budget.spent() || !s.actions.match(r) || !s.resources.match(r, layer) {
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
	given, not bool
	listed     bool // written as a list
	patterns   []pattern
}

// match ignores case. reference_policies_elements_action.html
func (a *actions) match(r *request) bool {
	for i := range a.patterns {
		if a.patterns[i].match(&r.budget, r.Action, true) {
			return !a.not
		}
	}
	return a.not
}

// resources is Resource, NotResource, or neither, as in trust policies.
type resources struct {
	given, not bool
	listed     bool // written as a list
	patterns   []arnPattern
}

func (rs *resources) element() string {
	if rs.not {
		return "NotResource"
	}
	return "Resource"
}

func (rs *resources) match(r *request, layer Layer) bool {
	if !rs.given {
		return true
	}
	for i := range rs.patterns {
		p := &rs.patterns[i]
		ok := !p.incomplete || completes(layer)
		if ok && p.variables {
			var resolved arnPattern
			resolved, ok = p.resolve(r)
			p = &resolved
		}
		if ok && p.matches(&r.budget, &r.resource) {
			return !rs.not
		}
	}
	return rs.not
}

var statementMembers = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}

// compileStatement checks a statement and precompiles it. Variables have a
// meaning only in documents of version 2012-10-17 (modern).
// reference_policies_elements_version.html
func compileStatement(n *tree.Node, at place, modern bool, faults *rolecall.Errors) statement {
	s := statement{pointer: at.String()}
	effect := (*tree.Node)(nil)
	once := func(given bool, name string, at place) {
		if given {
			name = strings.TrimPrefix(name, "Not")
			faults.Add(at.String(), "the statement has both "+name+" and Not"+name, "You: remove one of the two")
		}
	}
	eachMember(n, at, statementMembers, faults, func(name string, at place, value *tree.Node) {
		not := strings.HasPrefix(name, "Not")
		switch name {
		case "Sid":
			s.sid = textOf(value, at, faults)
		case "Effect":
			effect = value
			text := textOf(value, at, faults)
			s.deny = text == "Deny"
			if value.Kind == '"' && text != "Allow" && text != "Deny" {
				faults.Add(at.String(), "unknown effect "+quote(text), "You: give Allow or Deny")
			}
		case "Principal", "NotPrincipal":
			once(s.principals.given, name, at)
			s.principals = principals{given: true, not: not, entries: compilePrincipals(value, at, faults)}
		case "Action", "NotAction":
			once(s.actions.given, name, at)
			s.actions = actions{given: true, not: not, listed: value.Kind == '[', patterns: compileActions(value, at, faults)}
			notEmpty(value, name, at, faults)
		case "Resource", "NotResource":
			once(s.resources.given, name, at)
			s.resources = resources{given: true, not: not, listed: value.Kind == '[', patterns: compileResources(value, at, modern, faults)}
			notEmpty(value, name, at, faults)
		case "Condition":
			s.conditions = compileConditions(value, at, modern, faults)
		}
	})
	if effect == nil && n.Kind == '{' {
		faults.Add(s.pointer+"/Effect", "Effect is missing", "You: give Allow or Deny")
	}
	if s.principals.not && effect != nil && effect.Text == "Allow" {
		// reference_policies_elements_notprincipal.html
		faults.Add(s.pointer+"/NotPrincipal", "NotPrincipal goes with Deny only", "You: name in Principal who is allowed")
	}
	if !s.actions.given && n.Kind == '{' {
		faults.Add(s.pointer+"/Action", "Action is missing", "You: give Action or NotAction")
	}
	return s
}

// notEmpty checks that an element is no empty list, which IAM does not store.
// reference_policies_grammar.html
func notEmpty(n *tree.Node, element string, at place, faults *rolecall.Errors) {
	if n.Kind == '[' && len(n.Items) == 0 {
		faults.Add(at.String(), element+" is an empty list", "You: put something into "+element+", or remove the statement")
	}
}

func compileActions(n *tree.Node, at place, faults *rolecall.Errors) []pattern {
	out := make([]pattern, 0, sizeOf(n))
	eachItem(n, at, "a string", faults, func(at place, item *tree.Node) {
		text := textOf(item, at, faults)
		if item.Kind == '"' && !actionForm(text) {
			faults.Add(at.String(), quote(text)+" is not an action", "You: write actions as s3:GetObject, s3:Get* or *")
		}
		out = append(out, compile(text, syntax{wildcards: true}))
	})
	return out
}

// actionForm reports whether text is "*", "*:*" or service:name with wildcards in
// the name. reference_policies_elements_action.html
func actionForm(text string) bool {
	if text == "*" || text == "*:*" {
		return true
	}
	service, name, found := strings.Cut(text, ":")
	return found && len(text) <= maxAction && consistsOf(service, "-") && consistsOf(name, "-_*?")
}

// consistsOf reports whether text is consistsOf of letters, digits and the characters of
// more, and not empty.
func consistsOf(text, more string) bool {
	for i := range len(text) {
		c := lower(text[i])
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte(more, c) >= 0) {
			return false
		}
	}
	return text != ""
}

func compileResources(n *tree.Node, at place, modern bool, faults *rolecall.Errors) []arnPattern {
	out := make([]arnPattern, 0, sizeOf(n))
	eachItem(n, at, "a string", faults, func(at place, item *tree.Node) {
		text := textOf(item, at, faults)
		if item.Kind == '"' && (!strings.HasPrefix(text, "arn:") && !strings.HasPrefix(text, "*") || len(text) > maxText) {
			faults.Add(at.String(), quote(text)+" is not a resource", `You: give an ARN, with * and ? where needed, or "*"`)
		}
		if typeIsWild(text) {
			faults.Add(at.String(), quote(text)+" has a wildcard in its resource type", "You: write the type, as in user/* or role/*, or a star alone for all of IAM's")
		}
		out = append(out, compileResource(text, modern))
	})
	return out
}
