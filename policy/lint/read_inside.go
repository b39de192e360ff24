package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// inside tells where in its file a policy stands that is a part of it only.
type inside struct {
	pointer string      // of the policy in the file; empty: it is the file's own
	kind    policy.Kind // as the file says; empty: it doesn't
}

// wrappers are where tools print one policy and little else.
var wrappers = [][]string{
	{"Policy"}, {"PolicyDocument"}, {"AssumeRolePolicyDocument"}, {"Document"}, {"PolicyVersion", "Document"}, {"Role", "AssumeRolePolicyDocument"},
}

// policyIn gives the document that the value is or, as tools print it, holds
// with nothing else that would be lost without it.
func policyIn(root *node) *node {
	if root.get("Statement") != nil {
		return root
	}
	for _, path := range wrappers {
		n := root
		for _, name := range path {
			if !n.holdsOnly(name) {
				n = nil
				break
			}
			n = n.get(name)
		}
		if n.isPolicy() {
			return n
		}
	}
	return root
}

// holdsOnly tells whether all members but the named are names, dates and the like.
func (n *node) holdsOnly(name string) bool {
	return n.get(name) != nil && !slices.ContainsFunc(n.members, func(m *member) bool {
		return m.name != name && (m.value.kind == '{' || m.value.kind == '[')
	})
}

// isPolicy tells a policy from what also has a Statement: rules of firewalls.
func (n *node) isPolicy() bool {
	statement := n.get("Statement")
	if statement == nil {
		return false
	}
	return n.get("Version") != nil || slices.ContainsFunc(statement.each(), func(s *node) bool { return s.get("Effect") != nil })
}

// policies gathers the policies that the value is or holds.
func (n *node) policies(into []*node) []*node {
	if n.isPolicy() {
		return append(into, n)
	}
	for _, m := range n.members {
		into = m.value.policies(into)
	}
	for _, item := range n.items {
		into = item.policies(into)
	}
	return into
}

// split gives each policy that stands inside of something else as a document of
// its own. What a tool printed around a single one stays, for document-shape to
// take away.
func (d document) split() []document {
	if d.broken || policyIn(d.root).get("Statement") != nil {
		return []document{d}
	}
	held := d.root.policies(nil)
	if len(held) == 0 {
		return []document{d}
	}
	d.root.locate("")
	kinds, expected := kitKinds(d.root), isTemplate(d.root)
	var out []document
	for _, root := range held {
		part := document{source: d.source, root: root, inside: inside{pointer: root.pointer, kind: kinds[root.pointer]}}
		if kinds == nil && !expected {
			part.quirks = []quirk{{"document-shape", root.at, "the policy stands inside of something else, at " + root.pointer}}
		}
		out = append(out, part)
	}
	// What is to be said of the text is said with the policy that it stands in,
	// or comes after.
	owner := func(at int) *document {
		i := 0
		for i+1 < len(out) && out[i+1].root.at <= at {
			i++
		}
		return &out[i]
	}
	for _, q := range d.quirks {
		to := owner(q.at)
		to.quirks = append(to.quirks, q)
	}
	for _, c := range d.comments {
		to := owner(c.at)
		to.comments = append(to.comments, c)
	}
	return out
}

// kitKinds gives the kinds of the documents in what policy generate prints, by
// their pointers; nil if it is something else.
func kitKinds(root *node) map[string]policy.Kind {
	kinds := map[string]policy.Kind{}
	for _, m := range root.members {
		switch kind := policy.Kind(m.name); kind {
		case policy.TrustDocument, policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument, policy.WorkerDocument:
			kinds["/"+m.name] = kind
		case policy.RevocationDocument:
			kinds["/"+m.name] = policy.PermissionsDocument
		case "reasons":
		default:
			return nil
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	return kinds
}

// isTemplate tells a template of CloudFormation, where policies belong inside.
func isTemplate(root *node) bool {
	resources := root.get("Resources")
	return resources != nil && slices.ContainsFunc(resources.members, func(m *member) bool {
		kind := m.value.get("Type")
		return kind != nil && strings.HasPrefix(kind.text, "AWS::")
	})
}
