package explain

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// value is a JSON value that can be changed and keeps the order of its members.
type value struct {
	kind  byte   // { or [, or 0 for all others
	raw   string // of others: as written
	names []string
	items []*value // of an object, the values of names
}

// read takes a document apart, which is known to be valid.
func read(d *policy.Document) *value {
	decoder := json.NewDecoder(bytes.NewReader(d.JSON()))
	decoder.UseNumber()
	v, err := readValue(decoder)
	if err != nil {
		panic("explain: a parsed document is not JSON: " + err.Error())
	}
	return v
}

func readValue(in *json.Decoder) (*value, error) {
	token, err := in.Token()
	if err != nil {
		return nil, err
	}
	open, isDelim := token.(json.Delim)
	if !isDelim {
		return &value{raw: encode(token)}, nil
	}
	v := &value{kind: byte(open)}
	for in.More() {
		if v.kind == '{' {
			name, err := in.Token()
			if err != nil {
				return nil, err
			}
			v.names = append(v.names, name.(string))
		}
		item, err := readValue(in)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	_, err = in.Token() // the closing one
	return v, err
}

func encode(scalar any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(scalar); err != nil {
		panic("explain: encode: " + err.Error()) // strings, numbers and bools only
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func word(s string) *value { return &value{raw: encode(s)} }

func list(words ...string) *value {
	v := &value{kind: '['}
	for _, w := range words {
		v.items = append(v.items, word(w))
	}
	return v
}

// member is a member of an object to be built.
type member struct {
	name  string
	value *value
}

func object(members ...member) *value {
	v := &value{kind: '{'}
	for _, m := range members {
		v.names, v.items = append(v.names, m.name), append(v.items, m.value)
	}
	return v
}

// get gives a member, nil if there is none.
func (v *value) get(name string) *value {
	if v == nil || v.kind != '{' {
		return nil
	}
	if i := slices.Index(v.names, name); i >= 0 {
		return v.items[i]
	}
	return nil
}

// rename gives a member another name and value in its place.
func (v *value) rename(from, to string, item *value) {
	i := slices.Index(v.names, from)
	v.names[i], v.items[i] = to, item
}

// put sets a member, at the end if it is new.
func (v *value) put(name string, item *value) {
	if i := slices.Index(v.names, name); i >= 0 {
		v.items[i] = item
		return
	}
	v.names, v.items = append(v.names, name), append(v.items, item)
}

// at follows a JSON pointer; it is nil when nothing is there.
func (v *value) at(pointer string) *value {
	for _, part := range parts(pointer) {
		if v != nil && v.kind == '[' {
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v.items) {
				return nil
			}
			v = v.items[i]
			continue
		}
		v = v.get(part)
	}
	return v
}

// parts are the reference tokens of a JSON pointer.
func parts(pointer string) []string {
	if pointer == "" {
		return nil
	}
	out := strings.Split(pointer[1:], "/")
	for i, p := range out {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return out
}

// words gives the text of a value, or of each of a list; of an object, those
// of all its members.
func (v *value) words() []string {
	if v == nil {
		return nil
	}
	if v.kind != 0 {
		var out []string
		for _, item := range v.items {
			out = append(out, item.words()...)
		}
		return out
	}
	var s string
	if json.Unmarshal([]byte(v.raw), &s) == nil {
		return []string{s}
	}
	return []string{v.raw} // a number, true or false
}

// add puts words behind what is there; a single value becomes a list.
func (v *value) add(words ...string) {
	if v.kind == 0 {
		*v = value{kind: '[', items: []*value{{raw: v.raw}}}
	}
	v.items = append(v.items, list(words...).items...)
}

// drop takes a word out of a list. It is false when nothing else is in it, or
// it is not there as given, ignoring case.
func (v *value) drop(text string) bool {
	if v == nil || v.kind != '[' || len(v.items) < 2 {
		return false
	}
	i := slices.IndexFunc(v.items, func(item *value) bool {
		w := item.words()
		return len(w) == 1 && strings.EqualFold(w[0], text)
	})
	if i < 0 {
		return false
	}
	v.items = slices.Delete(v.items, i, i+1)
	return true
}

// statements gives the list of statements; a single one becomes a list.
func (v *value) statements() *value {
	s := v.get("Statement")
	if s.kind != '[' {
		s = &value{kind: '[', items: []*value{s}}
		v.put("Statement", s)
	}
	return s
}

// isModern tells whether variables, and what escapes wildcards, have a meaning
// in the document.
func isModern(root *value) bool { return slices.Contains(root.get("Version").words(), "2012-10-17") }

// verbatim writes text so that a policy means just it. It is false when the
// document's version has no way to.
func verbatim(text string, modern bool) (string, bool) {
	if !strings.ContainsAny(text, "*?") && !strings.Contains(text, "${") {
		return text, true
	}
	return verbatimForm.Replace(text), modern
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
var verbatimForm = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")

// remove takes a statement out of a document.
func (v *value) remove(statement int) {
	s := v.statements()
	s.items = slices.Delete(s.items, statement, statement+1)
}

func (v *value) String() string {
	var b strings.Builder
	v.write(&b)
	return b.String()
}

func (v *value) write(b *strings.Builder) {
	if v.kind == 0 {
		b.WriteString(v.raw)
		return
	}
	b.WriteByte(v.kind)
	for i, item := range v.items {
		if i > 0 {
			b.WriteByte(',')
		}
		if v.kind == '{' {
			b.WriteString(encode(v.names[i]))
			b.WriteByte(':')
		}
		item.write(b)
	}
	b.WriteByte(v.kind + 2) // the brace or bracket that closes it
}
