package known

import (
	"maps"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Judge decides a request by a document, which among stands with the others
// that bear on it. Where the decision hangs on condition keys that are not
// known, it returns what it is at best and these keys.
func Judge(document *tree.Node, in policy.Request, among func(*policy.Document) policy.Policies) (policy.Decision, []string) {
	at := judge{in: withListed(in), among: among, version: "2008-10-17"}
	if document.Modern() {
		at.version = "2012-10-17"
	}
	best, worst, settled := document.Clone(), document.Clone(), document.Clone()
	bests, worsts := statements(best), statements(worst)
	var open [][]string
	var all []conditions
	for i, s := range bests {
		unknown := at.settle(s)
		worsts[i].Become(s.Clone())
		statements(settled)[i].Become(s.Clone())
		open, all = append(open, unknown.keys()), append(all, unknown)
		if len(unknown) == 0 {
			continue
		}
		deny := slices.Equal(s.Get("Effect").Strings(), []string{"Deny"})
		leaveOut(s, unknown, deny)
		leaveOut(worsts[i], unknown, !deny)
	}
	decision := at.decide(best)
	if decision != policy.Allowed || at.decide(worst) == policy.Allowed {
		return decision, nil
	}
	if always, ok := at.together(settled, all); ok {
		return always, nil
	}
	var keys []string
	for i, s := range statements(worst) {
		other := statements(best)[i]
		if len(open[i]) == 0 || string(s.JSON()) == string(other.JSON()) {
			continue
		}
		// Those whose statement alone changes the decision; all, if none does.
		only := worst.Clone()
		statements(only)[i].Become(other.Clone())
		if at.decide(only) == policy.Allowed {
			keys = append(keys, open[i]...)
		}
	}
	if keys == nil {
		for _, k := range open {
			keys = append(keys, k...)
		}
	}
	slices.Sort(keys)
	return decision, slices.Compact(keys)
}

type judge struct {
	in      policy.Request
	among   func(*policy.Document) policy.Policies
	version string // of the document: variables have a meaning in the newer one only
}

// withListed returns the request with the keys that have one value.
func withListed(in policy.Request) policy.Request {
	context := maps.Clone(in.Context)
	if context == nil {
		context = map[string][]string{}
	}
	for _, r := range table {
		for _, key := range strings.Fields(r.keys) {
			if state, values := Of(key, in.Action, in.Principal); state == Listed && len(values) == 1 && !has(in.Context, key) {
				context[key] = values
			}
		}
	}
	if service, _, _ := strings.Cut(in.Action, ":"); strings.EqualFold(service, "s3") && in.Account != "" && !has(in.Context, "s3:ResourceAccount") {
		context["s3:ResourceAccount"] = []string{in.Account}
	}
	in.Context = context
	return in
}

func has(context map[string][]string, key string) bool {
	for name := range context {
		if strings.EqualFold(name, key) {
			return true
		}
	}
	return false
}

func (j judge) decide(document *tree.Node) policy.Decision {
	d, err := policy.Parse(document.JSON())
	if err != nil {
		return policy.ImplicitlyDenied
	}
	return policy.Evaluate(j.in, j.among(d)).Decision
}

func statements(document *tree.Node) []*tree.Node { return document.Get("Statement").Each() }

// condition is one key under one operator; of the operator "" it is a
// statement's resource that hangs on a variable.
type condition struct{ operator, key string }

type conditions map[condition]string // and the key that is not known

func (c conditions) keys() []string {
	var out []string
	for _, key := range c {
		out = append(out, key)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// settle decides those conditions of a statement that have the same answer for
// all values which a key may have, and returns the others.
func (j judge) settle(s *tree.Node) conditions {
	out := conditions{}
	for _, element := range []string{"Resource", "NotResource"} {
		if key := j.variable(s.Get(element).Strings()); key != "" {
			out[condition{"", element}] = key
		}
	}
	block := s.Get("Condition")
	if block == nil {
		return out
	}
	for _, operator := range slices.Clone(block.Members) {
		for _, key := range slices.Clone(operator.Value.Members) {
			switch met, unsure := j.test(operator.Name, key); {
			case unsure != "":
				out[condition{operator.Name, key.Name}] = unsure
			case !met:
				never(s)
				return nil
			default:
				drop(s, operator.Name, key.Name)
			}
		}
	}
	return out
}

// test decides a condition. It returns the key that it hangs on if that is not
// known.
func (j judge) test(operator string, key *tree.Member) (met bool, unsure string) {
	if unsure := j.variable(key.Value.Strings()); unsure != "" {
		return false, unsure
	}
	state, values := Of(key.Name, j.in.Action, j.in.Principal)
	switch {
	case has(j.in.Context, key.Name) || derived(key.Name):
		return j.meets(operator, key, j.in.Context), ""
	case state == Absent:
		return j.meets(operator, key, j.in.Context), ""
	case state == Present && operator == "Null":
		return j.meets(operator, key, with(j.in.Context, key.Name, "present")), ""
	case state != Listed:
		return false, key.Name
	}
	met = j.meets(operator, key, with(j.in.Context, key.Name, values[0]))
	for _, v := range values[1:] {
		if j.meets(operator, key, with(j.in.Context, key.Name, v)) != met {
			return false, key.Name
		}
	}
	return met, ""
}

// derived reports whether the evaluator finds a key by itself.
func derived(key string) bool {
	return slices.ContainsFunc([]string{"aws:PrincipalArn", "aws:PrincipalAccount", "aws:ResourceAccount"}, func(k string) bool { return strings.EqualFold(k, key) })
}

func with(context map[string][]string, key, value string) map[string][]string {
	out := maps.Clone(context)
	out[key] = []string{value}
	return out
}

// meets reports whether the condition holds in a context.
func (j judge) meets(operator string, key *tree.Member, context map[string][]string) bool {
	only := tree.Object("Version", j.version, "Statement", tree.Object("Effect", "Deny", "Action", "*", "Resource", "*",
		"Condition", tree.Object(operator, tree.Object(key.Name, key.Value.Clone()))))
	d, err := policy.Parse(only.JSON())
	if err != nil {
		return false
	}
	in := j.in
	in.Context = context
	return policy.Evaluate(in, policy.Policies{Identity: []*policy.Document{d}}).Decision == policy.ExplicitlyDenied
}

// variable returns a key that is not known and that one of the texts has as a
// variable.
func (j judge) variable(texts []string) string {
	if j.version == "2008-10-17" {
		return ""
	}
	for _, text := range texts {
		for {
			_, after, found := strings.Cut(text, "${")
			if !found {
				break
			}
			name, rest, _ := strings.Cut(after, "}")
			name, _, _ = strings.Cut(name, ",")
			name = strings.TrimSpace(name)
			state, _ := Of(name, j.in.Action, j.in.Principal)
			if strings.Contains(name, ":") && !has(j.in.Context, name) && !derived(name) && (state == Unknown || state == Present) {
				return name
			}
			text = rest
		}
	}
	return ""
}

// leaveOut removes what is not known from a statement: the statement, or its
// conditions.
func leaveOut(s *tree.Node, unknown conditions, whole bool) {
	if whole {
		never(s)
		return
	}
	for c := range unknown {
		if c.operator == "" {
			s.Remove(c.key)
			s.Set("Resource", tree.Text("*"))
			continue
		}
		drop(s, c.operator, c.key)
	}
}

// drop removes a condition, and what is empty then.
func drop(s *tree.Node, operator, key string) {
	block := s.Get("Condition")
	keys := block.Get(operator)
	if keys.Remove(key); len(keys.Members) == 0 {
		block.Remove(operator)
	}
	if len(block.Members) == 0 {
		s.Remove("Condition")
	}
}

// never makes a statement apply to no request.
func never(s *tree.Node) {
	s.Set("Condition", tree.Object("StringEquals", tree.Object("rolecall:never", "")))
}
