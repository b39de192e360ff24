package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
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
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[`)
	for i, s := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		s.write(&b)
	}
	b.WriteString("]}")
	return b.String()
}

func (s draftStatement) write(b *strings.Builder) {
	b.WriteByte('{')
	if s.Sid != "" {
		b.WriteString(`"Sid":`)
		asciiJSON(b, s.Sid)
		b.WriteByte(',')
	}
	b.WriteString(`"Effect":`)
	asciiJSON(b, s.Effect)
	if s.Principal != nil {
		b.WriteString(`,"Principal":{"AWS":`)
		s.Principal.write(b)
		b.WriteByte('}')
	}
	for _, e := range []struct {
		name   string
		values words
	}{{"Action", s.Action}, {"NotAction", s.NotAction}, {"Resource", s.Resource}, {"NotResource", s.NotResource}} {
		if e.values != nil {
			b.WriteString(`,"` + e.name + `":`)
			e.values.write(b)
		}
	}
	s.Condition.write(b)
	b.WriteByte('}')
}

func (cs draftConditions) write(b *strings.Builder) {
	operator := ""
	for _, c := range cs {
		switch {
		case operator == "":
			b.WriteString(`,"Condition":{"` + c.operator + `":{`)
		case operator != c.operator:
			b.WriteString(`},"` + c.operator + `":{`)
		default:
			b.WriteByte(',')
		}
		operator = c.operator
		asciiJSON(b, c.key)
		b.WriteByte(':')
		c.values.write(b)
	}
	if operator != "" {
		b.WriteString("}}")
	}
}

func (w words) without(others words) words {
	return slices.DeleteFunc(slices.Clone(w), func(s string) bool { return slices.Contains(others, s) })
}

func (w words) write(b *strings.Builder) {
	if len(w) == 1 {
		asciiJSON(b, w[0])
		return
	}
	b.WriteByte('[')
	for i, s := range w {
		if i > 0 {
			b.WriteByte(',')
		}
		asciiJSON(b, s)
	}
	b.WriteByte(']')
}

// asciiJSON writes a JSON string in ASCII only: STS refuses a session policy
// with characters above U+00FF, but understands them escaped.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func asciiJSON(b *strings.Builder, s string) {
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
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}
