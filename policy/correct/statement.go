package correct

import (
	"slices"
	"strconv"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// readDocument reads a document whose statements are a list then. A statement
// is not changed in place, but replaced by another one: documents share them.
func readDocument(d *policy.Document) *tree.Node {
	root := tree.MustParse(d.JSON())
	root.Statements()
	return root
}

// statements are those of a document that readDocument has read.
func statements(d *tree.Node) []*tree.Node { return d.Get("Statement").Items }

// withStatements returns the document with other statements; all else of it is
// shared.
func withStatements(d *tree.Node, statements []*tree.Node) *tree.Node {
	out := *d
	out.Members = nil
	for _, m := range d.Members {
		if m.Name == "Statement" {
			m = &tree.Member{Name: m.Name, Value: &tree.Node{Kind: '[', Items: statements}}
		}
		out.Members = append(out.Members, m)
	}
	return &out
}

// add appends a statement. If its Sid is taken, it gets a number: what is there
// may be of another connection of the role's.
func add(d, statement *tree.Node) *tree.Node {
	sid := statement.Get("Sid").Strings()
	taken := func(sid string) bool {
		return slices.ContainsFunc(statements(d), func(s *tree.Node) bool { return slices.Equal(s.Get("Sid").Strings(), []string{sid}) })
	}
	if len(sid) == 1 && taken(sid[0]) {
		n := 2
		for taken(sid[0] + strconv.Itoa(n)) {
			n++
		}
		statement = statement.Clone()
		statement.Set("Sid", tree.Text(sid[0]+strconv.Itoa(n)))
	}
	return withStatements(d, append(slices.Clone(statements(d)), statement))
}

// same reports whether two statements are written alike.
func same(a, b *tree.Node) bool { return string(a.JSON()) == string(b.JSON()) }

// has reports whether the document has the statement.
func has(d, statement *tree.Node) bool {
	return slices.ContainsFunc(statements(d), func(s *tree.Node) bool { return same(s, statement) })
}

// isDeny reports whether a statement is a Deny.
func isDeny(s *tree.Node) bool { return slices.Equal(s.Get("Effect").Strings(), []string{"Deny"}) }

// hasCondition reports whether a statement has a condition on the key.
func hasCondition(s *tree.Node, key string) bool {
	block := s.Get("Condition")
	return block != nil && slices.ContainsFunc(block.Members, func(operator *tree.Member) bool { return operator.Value.Fold(key) != nil })
}

// assume returns the document as an assumption has it, and which of the
// statements of d each of its is.
func assume(d *tree.Node, a assumption, known func(key string) bool) (*policy.Document, []int) {
	var applying []*tree.Node
	var from []int
	for i, s := range statements(d) {
		applies := a.allows
		if isDeny(s) {
			applies = a.denies
		}
		sure, all := knownPart(s, known)
		if !all && !applies {
			continue
		}
		applying, from = append(applying, sure), append(from, i)
	}
	parsed, err := policy.Parse(withStatements(d, applying).JSON())
	if err != nil { // it was one before
		parsed, _ = policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[]}`))
	}
	return parsed, from
}

// knownPart returns a statement with only the conditions on known keys, and
// whether these are all.
func knownPart(s *tree.Node, known func(key string) bool) (*tree.Node, bool) {
	if s.Get("Condition") == nil {
		return s, true
	}
	out := s.Clone()
	block, all := out.Get("Condition"), true
	for _, operator := range block.Members {
		keys := operator.Value
		before := len(keys.Members)
		keys.Members = slices.DeleteFunc(keys.Members, func(m *tree.Member) bool { return !known(m.Name) })
		all = all && len(keys.Members) == before
	}
	block.Members = slices.DeleteFunc(block.Members, func(m *tree.Member) bool { return len(m.Value.Members) == 0 })
	switch {
	case all:
		return s, true
	case len(block.Members) == 0:
		out.Remove("Condition")
	}
	return out, false
}
