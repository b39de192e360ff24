package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// draft is a policy document being written by a builder. Its text is
// minified, in the order in which AWS's pages write the elements.
type draft []draftStatement

type draftStatement struct {
	Sid, Effect           string
	Principal             words // AWS principals
	Action, NotAction     words
	Resource, NotResource words
	Condition             draftConditions
}

// draftConditions are written grouped by operator, so conditions that share
// one stand together.
type draftConditions []draftCondition

type draftCondition struct {
	operator, key string
	values        words
}

// words is an element's value; one word is written without a list.
type words []string

func (d draft) json() string {
	statements := &tree.Node{Kind: '['}
	for _, s := range d {
		statements.Items = append(statements.Items, s.node())
	}
	return string(tree.Object("Version", "2012-10-17", "Statement", statements).JSON())
}

func (s draftStatement) node() *tree.Node {
	n := tree.Object()
	if s.Sid != "" {
		n.Set("Sid", ascii(s.Sid))
	}
	n.Set("Effect", ascii(s.Effect))
	if s.Principal != nil {
		n.Set("Principal", tree.Object("AWS", s.Principal.node()))
	}
	for _, e := range []struct {
		name   string
		values words
	}{{"Action", s.Action}, {"NotAction", s.NotAction}, {"Resource", s.Resource}, {"NotResource", s.NotResource}} {
		if e.values != nil {
			n.Set(e.name, e.values.node())
		}
	}
	if len(s.Condition) > 0 {
		n.Set("Condition", s.Condition.node())
	}
	return n
}

func (cs draftConditions) node() *tree.Node {
	block := tree.Object()
	for _, c := range cs {
		if block.Get(c.operator) == nil {
			block.Set(c.operator, tree.Object())
		}
		block.Get(c.operator).Set(c.key, c.values.node())
	}
	return block
}

func (w words) node() *tree.Node {
	if len(w) == 1 {
		return ascii(w[0])
	}
	n := &tree.Node{Kind: '['}
	for _, s := range w {
		n.Items = append(n.Items, ascii(s))
	}
	return n
}

func (w words) without(others words) words {
	return slices.DeleteFunc(slices.Clone(w), func(s string) bool { return slices.Contains(others, s) })
}

// ascii is a string that is written in ASCII only: STS refuses a session policy
// with characters above U+00FF, but understands them escaped.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func ascii(s string) *tree.Node {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return &tree.Node{Kind: '"', Text: s, Source: b.String()}
}
