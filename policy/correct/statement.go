package correct

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

// find returns the index of a member, -1 if there is none. Condition keys come
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

// with returns the object with another value, in the place of the old one or at
// the end; o stays as it is.
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

// texts are the strings of a value that is one or a list of them.
func texts(value json.RawMessage) []string {
	var one string
	var many []string
	if json.Unmarshal(value, &one) == nil {
		return []string{one}
	}
	_ = json.Unmarshal(value, &many) // else none
	return many
}

// denies reports whether a statement is a Deny.
func (o object) denies() bool { return slices.Equal(texts(o.get("Effect")), []string{"Deny"}) }

// hasCondition reports whether a statement has a condition on the key.
func (o object) hasCondition(key string) bool {
	return slices.ContainsFunc(readObject(o.get("Condition")), func(operator member) bool {
		return readObject(operator.value).get(key) != nil
	})
}

// document is a policy document whose statements can be changed one by one;
// what is not changed stays as it was written.
type document struct {
	rest       object // Statement is in its place, and not used
	statements []object
}

func readDocument(d *policy.Document) document {
	out := document{rest: readObject(d.JSON())}
	var list []json.RawMessage
	if value := out.rest.get("Statement"); json.Unmarshal(value, &list) != nil {
		list = []json.RawMessage{value}
	}
	for _, s := range list {
		out.statements = append(out.statements, readObject(s))
	}
	return out
}

func (d document) clone() document { return document{d.rest, slices.Clone(d.statements)} }

// text is the document, without white space.
func (d document) text() json.RawMessage {
	list := bytes.NewBufferString("[")
	for i, s := range d.statements {
		if i > 0 {
			list.WriteByte(',')
		}
		list.Write(s.text())
	}
	list.WriteByte(']')
	var out bytes.Buffer
	if json.Compact(&out, d.rest.with("Statement", list.Bytes()).text()) != nil {
		return nil
	}
	return out.Bytes()
}

// modern reports whether the document knows variables, by which literals are
// written that have characters with a meaning.
func (d document) modern() bool {
	return slices.Equal(texts(d.rest.get("Version")), []string{"2012-10-17"})
}

// add appends a statement. If its Sid is taken, it gets a number: what is there
// may be of another connection of the role's.
func (d document) add(s object) document {
	sid := texts(s.get("Sid"))
	taken := func(sid string) bool {
		return slices.ContainsFunc(d.statements, func(s object) bool { return slices.Equal(texts(s.get("Sid")), []string{sid}) })
	}
	if len(sid) == 1 && taken(sid[0]) {
		n := 2
		for taken(sid[0] + strconv.Itoa(n)) {
			n++
		}
		s = s.with("Sid", jsonText(sid[0]+strconv.Itoa(n)))
	}
	d.statements = append(slices.Clone(d.statements), s)
	return d
}

const principalKey = "aws:PrincipalArn"

// exceptPrincipal narrows a statement to all others than the principal. The
// conditions of a statement must all hold, so that one more leaves it as it is
// for them.
func exceptPrincipal(s object, principal string) object {
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
	if old := texts(keys.get(principalKey)); len(old) > 0 {
		value = append(old, principal)
	}
	return s.with("Condition", block.with(operator, keys.with(principalKey, jsonText(value)).text()).text())
}

// withoutPrincipals takes those of some accounts out of the principals that an
// Allow names. It is nil when nobody else is named, or when the Allow is for
// everyone: then it cannot stay.
func withoutPrincipals(s object, of func(account string) bool) object {
	kinds := readObject(s.get("Principal"))
	named := texts(kinds.get("AWS"))
	left := slices.DeleteFunc(slices.Clone(named), func(p string) bool {
		if arn, err := rolecall.ParseARN(p); err == nil {
			p = arn.Account
		}
		return p == "*" || of(p)
	})
	switch {
	case len(named) == len(left), namesEveryone(s):
		return nil
	case len(left) > 0:
		return s.with("Principal", kinds.with("AWS", jsonText(left)).text())
	case len(kinds) > 1:
		return s.with("Principal", kinds.without("AWS").text())
	}
	return nil
}

// namesEveryone reports whether an Allow is for all but those whom it may
// exempt.
func namesEveryone(s object) bool {
	kinds := readObject(s.get("Principal"))
	return kinds == nil || slices.Contains(texts(kinds.get("AWS")), "*")
}

// assume returns the document as an assumption has it, and which of the
// statements of d each of its is.
func (d document) assume(a assumption, known func(key string) bool) (*policy.Document, []int) {
	out := document{rest: d.rest}
	var from []int
	for i, s := range d.statements {
		applies := a.allows
		if s.denies() {
			applies = a.denies
		}
		sure, all := knownPart(s, known)
		if !all && !applies {
			continue
		}
		out.statements, from = append(out.statements, sure), append(from, i)
	}
	parsed, err := policy.Parse(out.text())
	if err != nil { // it was one before
		parsed, _ = policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[]}`))
	}
	return parsed, from
}

// knownPart returns a statement with only the conditions on known keys, and
// whether these are all.
func knownPart(s object, known func(key string) bool) (object, bool) {
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
