package lint

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// stranger is somebody of whom the document does not speak.
const stranger = "arn:aws:iam::000000000000:role/stranger"

// opens reports whether a fixed document lets everyone do what the document
// before did not, by statements for everyone that nothing limits. No fix may:
// only its owner says what is public.
func (m *fixer) opens(fixed *tree.Node) bool {
	before, _ := policy.Parse(m.root.JSON()) // nil, where nobody could store it
	after, err := policy.Parse(fixed.JSON())
	if err != nil {
		return false // other rules say so
	}
	allows := func(d *policy.Document, in policy.Request) bool {
		return d != nil && policy.Evaluate(in, policy.Policies{Identity: []*policy.Document{everything}, Resource: d}).Decision == policy.Allowed
	}
	for _, s := range statementsOf(fixed) {
		if !s.allow || s.limited() || !slices.ContainsFunc(s.principals(), principal.anyone) {
			continue
		}
		for _, in := range s.strangersRequests(m.kind) {
			if allows(after, in) && !allows(before, in) {
				return true
			}
		}
	}
	return false
}

// strangersRequests are those of the statement, with what its conditions ask for.
func (s *statement) strangersRequests(kind policy.Kind) []policy.Request {
	context := map[string][]string{}
	for _, c := range s.conditions() {
		if values := c.values.Strings(); len(values) > 0 && c.base() != "Null" && !c.negated() {
			value := sample(values[0])
			if network, err := netip.ParsePrefix(value); err == nil {
				value = network.Addr().String()
			}
			context[c.key] = []string{value}
		}
	}
	var actions []string
	for _, a := range s.actions() {
		known, _ := expand(a.Text)
		for _, k := range known {
			actions = append(actions, k.name)
		}
	}
	if s.Get("NotAction") != nil {
		actions = []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket", "kms:Decrypt", "sts:AssumeRole"}
	}
	resources := s.Get("Resource").Strings()
	if len(resources) == 0 {
		resources = []string{"arn:aws:iam::111122223333:role/any"}
	}
	var out []policy.Request
	for _, resource := range resources {
		for _, action := range actions {
			if kind == policy.KeyDocument && resource == "*" {
				resource = "arn:aws:kms:eu-central-1:111122223333:key/any"
			} else if resource == "*" {
				resource = "arn:aws:s3:::any/any"
			}
			if strings.HasSuffix(action, ":*") {
				continue
			}
			out = append(out, policy.Request{Principal: stranger, Action: action, Resource: sample(resource), Account: "111122223333", Context: context})
		}
	}
	return out
}
