package check

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// object is a JSON object whose members keep their order and their text.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

// readObject is nil where the text is no object.
func readObject(text []byte) object {
	in := json.NewDecoder(bytes.NewReader(text))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	out := object{}
	for in.More() {
		name, err := in.Token()
		m := member{}
		if m.name, _ = name.(string); err != nil || in.Decode(&m.value) != nil {
			return nil
		}
		out = append(out, m)
	}
	return out
}

// find gives the place of a member, -1 if there is none. Condition keys come
// in any case.
func (o object) find(name string) int {
	return slices.IndexFunc(o, func(m member) bool { return strings.EqualFold(m.name, name) })
}

func (o object) get(name string) json.RawMessage {
	if i := o.find(name); i >= 0 {
		return o[i].value
	}
	return nil
}

// with gives the object with another value, in the place of the old or behind
// all; o stays as it is.
func (o object) with(name string, value json.RawMessage) object {
	out := slices.Clone(o)
	if i := out.find(name); i >= 0 {
		out[i].value = value
		return out
	}
	return append(out, member{name, value})
}

func (o object) without(name string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return strings.EqualFold(m.name, name) })
}

func (o object) text() json.RawMessage {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(jsonText(m.name))
		out.WriteByte(':')
		out.Write(m.value)
	}
	out.WriteByte('}')
	return out.Bytes()
}

// jsonText writes a string, or a list of them.
func jsonText(v any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // strings can always be written
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// words are the strings of a value that is one or a list of them.
func words(value json.RawMessage) []string {
	var one string
	var many []string
	if json.Unmarshal(value, &one) == nil {
		return []string{one}
	}
	_ = json.Unmarshal(value, &many) // else none
	return many
}

// paper is a policy document whose statements can be changed one by one; what
// is not changed stays as it was written.
type paper struct {
	rest       object // Statement is in its place, and not used
	statements []object
}

func readPaper(d *policy.Document) paper {
	p := paper{rest: readObject(d.JSON())}
	var list []json.RawMessage
	if value := p.rest.get("Statement"); json.Unmarshal(value, &list) != nil {
		list = []json.RawMessage{value}
	}
	for _, s := range list {
		p.statements = append(p.statements, readObject(s))
	}
	return p
}

func (p paper) copy() paper { return paper{p.rest, slices.Clone(p.statements)} }

// text is the document, without white space.
func (p paper) text() json.RawMessage {
	list := bytes.NewBufferString("[")
	for i, s := range p.statements {
		if i > 0 {
			list.WriteByte(',')
		}
		list.Write(s.text())
	}
	list.WriteByte(']')
	var out bytes.Buffer
	if json.Compact(&out, p.rest.with("Statement", list.Bytes()).text()) != nil {
		return nil
	}
	return out.Bytes()
}

// modern tells whether the document knows variables, by which literals are
// spelled that have characters with a meaning.
func (p paper) modern() bool {
	return slices.Equal(words(p.rest.get("Version")), []string{"2012-10-17"})
}

// add appends a statement. Should its Sid be there, it gets a number: what is
// there may be of another connection of the role's.
func (p paper) add(s object) paper {
	sid := words(s.get("Sid"))
	taken := func(sid string) bool {
		return slices.ContainsFunc(p.statements, func(s object) bool { return slices.Equal(words(s.get("Sid")), []string{sid}) })
	}
	if len(sid) == 1 && taken(sid[0]) {
		n := 2
		for taken(sid[0] + strconv.Itoa(n)) {
			n++
		}
		s = s.with("Sid", jsonText(sid[0]+strconv.Itoa(n)))
	}
	p.statements = append(slices.Clone(p.statements), s)
	return p
}

const principalKey = "aws:PrincipalArn"

// except narrows a statement to all others than the principal. The conditions
// of a statement must all hold, so that one more leaves it as it is for them.
func except(s object, principal string) object {
	block := readObject(s.get("Condition"))
	operator := "ArnNotEquals"
	for _, o := range []string{"ArnNotEquals", "ArnNotLike"} { // names whom it leaves out already
		if keys := readObject(block.get(o)); keys.get(principalKey) != nil {
			operator = o
			break
		}
	}
	keys := readObject(block.get(operator))
	var value any = principal
	if old := words(keys.get(principalKey)); len(old) > 0 {
		value = append(old, principal)
	}
	return s.with("Condition", block.with(operator, keys.with(principalKey, jsonText(value)).text()).text())
}

// unname takes principals out of whom an Allow names, by their accounts; nil
// when nobody else is named, or it speaks of everyone, whom no statement that
// is open to one of them may speak of.
func unname(s object, of func(account string) bool) object {
	kinds := readObject(s.get("Principal"))
	named := words(kinds.get("AWS"))
	left := slices.DeleteFunc(slices.Clone(named), func(p string) bool {
		if arn, err := rolecall.ParseARN(p); err == nil {
			p = arn.Account
		}
		return p == "*" || of(p)
	})
	switch {
	case len(named) == len(left), everyone(s):
		return nil
	case len(left) > 0:
		return s.with("Principal", kinds.with("AWS", jsonText(left)).text())
	case len(kinds) > 1:
		return s.with("Principal", kinds.without("AWS").text())
	}
	return nil
}

// everyone tells whether an Allow speaks of all but those whom it may exempt.
func everyone(s object) bool {
	kinds := readObject(s.get("Principal"))
	return kinds == nil || slices.Contains(words(kinds.get("AWS")), "*")
}

// reading is what becomes of statements under conditions on what is not known
// of the requests: whether Allows, and whether Denies, are taken to speak of them.
type reading struct{ allows, denies bool }

// read gives the document as a reading has it, and which of the statements of
// p each of its is.
func (p paper) read(r reading, known func(key string) bool) (*policy.Document, []int) {
	out := paper{rest: p.rest}
	var from []int
	for i, s := range p.statements {
		counts := r.allows
		if slices.Equal(words(s.get("Effect")), []string{"Deny"}) {
			counts = r.denies
		}
		certain, all := certainly(s, known)
		if !all && !counts {
			continue
		}
		out.statements, from = append(out.statements, certain), append(from, i)
	}
	d, err := policy.Parse(out.text())
	if err != nil { // it was one before
		d, _ = policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[]}`))
	}
	return d, from
}

// certainly gives a statement with the conditions alone that can be judged,
// and tells whether these are all.
func certainly(s object, known func(key string) bool) (object, bool) {
	block := readObject(s.get("Condition"))
	all := true
	kept := object{}
	for _, operator := range block {
		keys := slices.DeleteFunc(readObject(operator.value), func(m member) bool { return !known(m.name) })
		all = all && len(keys) == len(readObject(operator.value))
		if len(keys) > 0 {
			kept = append(kept, member{operator.name, keys.text()})
		}
	}
	switch {
	case all:
		return s, true
	case len(kept) == 0:
		return s.without("Condition"), false
	}
	return s.with("Condition", kept.text()), false
}
