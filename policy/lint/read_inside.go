package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// inside is where in its file a policy stands that is only a part of it.
type inside struct {
	pointer string      // of the policy in the file; empty: it is the file's own
	kind    policy.Kind // as the file says; empty: it doesn't
}

// wrappers are where tools print one policy and little else.
var wrappers = [][]string{
	{"Policy"}, {"PolicyDocument"}, {"AssumeRolePolicyDocument"}, {"Document"}, {"PolicyVersion", "Document"}, {"Role", "AssumeRolePolicyDocument"},
}

// policyIn returns the document that the value is or, as tools print it,
// contains with nothing else that would be lost.
func policyIn(root *tree.Node) *tree.Node {
	if root.Get("Statement") != nil {
		return root
	}
	for _, path := range wrappers {
		n := root
		for _, name := range path {
			if !holdsOnly(n, name) {
				n = nil
				break
			}
			n = n.Get(name)
		}
		if isPolicy(n) {
			return n
		}
	}
	return root
}

// holdsOnly reports whether all members but the named are names, dates and the like.
func holdsOnly(n *tree.Node, name string) bool {
	return n.Get(name) != nil && !slices.ContainsFunc(n.Members, func(m *tree.Member) bool {
		return m.Name != name && (m.Value.Kind == '{' || m.Value.Kind == '[')
	})
}

// isPolicy reports whether the value is a policy: rules of firewalls have a
// Statement too.
func isPolicy(n *tree.Node) bool {
	statement := n.Get("Statement")
	if statement == nil {
		return false
	}
	return n.Get("Version") != nil || slices.ContainsFunc(statement.Each(), func(s *tree.Node) bool { return s.Get("Effect") != nil })
}

// policies gathers the policies that the value is or contains.
func policies(n *tree.Node, into []*tree.Node) []*tree.Node {
	if isPolicy(n) {
		return append(into, n)
	}
	for _, m := range n.Members {
		into = policies(m.Value, into)
	}
	for _, item := range n.Items {
		into = policies(item, into)
	}
	return into
}

// split returns each policy that stands inside of something else as a document of
// its own. What a tool printed around a single one stays, for document-shape to
// take away.
func (d document) split() []document {
	if d.broken || policyIn(d.root).Get("Statement") != nil {
		return []document{d}
	}
	held := policies(d.root, nil)
	if len(held) == 0 {
		return []document{d}
	}
	d.root.Locate("")
	kinds, expected := kitKinds(d.root), isTemplate(d.root)
	var out []document
	for _, root := range held {
		part := document{source: d.source, root: root, inside: inside{pointer: root.Pointer, kind: kinds[root.Pointer]}}
		if kinds == nil && !expected {
			part.quirks = []quirk{{"document-shape", root.At, "the policy stands inside of something else, at " + root.Pointer}}
		}
		out = append(out, part)
	}
	// What is to be said of the text is said with the policy that it stands in,
	// or comes after.
	owner := func(at int) *document {
		i := 0
		for i+1 < len(out) && out[i+1].root.At <= at {
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

// kitKinds returns the kinds of the documents in what policy generate prints, by
// their pointers; nil if it is something else.
func kitKinds(root *tree.Node) map[string]policy.Kind {
	kinds := map[string]policy.Kind{}
	for _, m := range root.Members {
		switch kind := policy.Kind(m.Name); kind {
		case policy.TrustDocument, policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument, policy.WorkerDocument:
			kinds["/"+m.Name] = kind
		case policy.RevocationDocument:
			kinds["/"+m.Name] = policy.PermissionsDocument
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

// isTemplate reports whether the value is a template of CloudFormation, in which
// policies belong.
func isTemplate(root *tree.Node) bool {
	resources := root.Get("Resources")
	return resources != nil && slices.ContainsFunc(resources.Members, func(m *tree.Member) bool {
		kind := m.Value.Get("Type")
		return kind != nil && strings.HasPrefix(kind.Text, "AWS::")
	})
}
