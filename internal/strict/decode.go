package strict

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// maxDepth bounds how deep a document may nest.
const maxDepth = 64

// Faults collects what is wrong with a document, each fault with a JSON
// pointer (RFC 6901) to its place. *rolecall.Errors is one.
type Faults interface {
	Add(pointer, message, hint string)
	AddErr(pointer string, err error) // of a type that reads its own part
}

// Decode reads one JSON document into v, a pointer, strictly: unknown and
// repeated members, wrong types and trailing data are faults. It reports all of
// them in one pass, and whether the document is JSON at all: a syntax error is
// a single fault that names line and column; see Syntax.
//
// Members are matched by json tags, with case. A type that implements
// json.Unmarshaler reads its own part; its faults get their place in front.
func Decode(data []byte, v any, faults Faults) (isJSON bool) {
	if wrong := Syntax(data); wrong != nil {
		faults.Add("", wrong.Error(), wrong.Hint)
		return false
	}
	tree, err := parse(data)
	if err != nil {
		panic("strict: cannot read what is JSON: " + err.Error())
	}
	assign(tree, reflect.ValueOf(v).Elem(), "", faults)
	return true
}

// Type is the type of a JSON value, in the words of a message.
type Type string

// The types.
const (
	Object  Type = "an object"
	List    Type = "a list"
	String  Type = "a string"
	Number  Type = "a number"
	Boolean Type = "true or false"
	Null    Type = "null"
)

// TypeOf returns the type of a JSON value by its first character, whether or
// not the rest of it is valid. Empty text is Null.
func TypeOf(data []byte) Type {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 {
		return Null
	}
	switch data[0] {
	case '{':
		return Object
	case '[':
		return List
	case '"':
		return String
	case 't', 'f':
		return Boolean
	case 'n':
		return Null
	default:
		return Number
	}
}

// node is a JSON value with the order and repetition of its members kept.
type node struct {
	kind    Type
	text    string
	members []member
	items   []node
	raw     []byte
	end     int64 // in the text, of its first token
}

type member struct {
	name  string
	value node
	end   int64 // in the text, of the name
}

func parse(data []byte) (node, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return parseValue(dec, data)
}

func parseValue(dec *json.Decoder, data []byte) (node, error) {
	tok, err := dec.Token()
	if err != nil {
		return node{}, err
	}
	start := dec.InputOffset()
	switch t := tok.(type) {
	case json.Delim:
		n := node{kind: List, end: start}
		if t == '{' {
			n.kind = Object
		}
		start--
		for dec.More() {
			var name string
			var named int64
			if t == '{' {
				key, err := dec.Token()
				if err != nil {
					return node{}, err
				}
				name, named = key.(string), dec.InputOffset()
			}
			v, err := parseValue(dec, data)
			if err != nil {
				return node{}, err
			}
			if t == '{' {
				n.members = append(n.members, member{name, v, named})
			} else {
				n.items = append(n.items, v)
			}
		}
		if _, err := dec.Token(); err != nil {
			return node{}, err
		}
		n.raw = data[start:dec.InputOffset()]
		return n, nil
	case string:
		raw, _ := json.Marshal(t)
		return node{kind: String, end: start, text: t, raw: raw}, nil
	case json.Number:
		return node{kind: Number, end: start, text: t.String(), raw: []byte(t)}, nil
	case bool:
		return node{kind: Boolean, end: start, text: strconv.FormatBool(t), raw: strconv.AppendBool(nil, t)}, nil
	default:
		return node{kind: Null, end: start, raw: []byte("null")}, nil
	}
}

func assign(n node, v reflect.Value, at string, faults Faults) {
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		if err := u.UnmarshalJSON(n.raw); err != nil {
			faults.AddErr(at, err)
		}
		return
	}
	if n.kind == Null && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Map || v.Kind() == reflect.Slice) {
		return
	}
	mismatch := func(want Type) {
		is := string(n.kind)
		if n.kind == Number && want == whole {
			is = Quote(n.text)
		}
		faults.Add(at, "must be "+string(want)+", not "+is, HowTo(want, n.kind))
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		assign(n, v.Elem(), at, faults)
	case reflect.Struct:
		if n.kind != Object {
			mismatch(Object)
			return
		}
		assignStruct(n, v, at, faults)
	case reflect.Map:
		if n.kind != Object {
			mismatch(Object)
			return
		}
		v.Set(reflect.MakeMapWithSize(v.Type(), len(n.members)))
		for _, m := range n.members {
			place := at + Pointer(m.name)
			key := reflect.ValueOf(m.name).Convert(v.Type().Key())
			if v.MapIndex(key).IsValid() {
				faults.Add(place, Quote(m.name)+" is given twice", "You: remove one of the two")
				continue
			}
			value := reflect.New(v.Type().Elem()).Elem()
			assign(m.value, value, place, faults)
			v.SetMapIndex(key, value)
		}
	case reflect.Slice:
		if n.kind != List {
			mismatch(List)
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
		for i, item := range n.items {
			assign(item, v.Index(i), at+Pointer(i), faults)
		}
	case reflect.String:
		if n.kind != String {
			mismatch(String)
			return
		}
		v.SetString(n.text)
	case reflect.Bool:
		if n.kind != Boolean {
			mismatch(Boolean)
			return
		}
		v.SetBool(n.text == "true")
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.text, 10, v.Type().Bits())
		if n.kind != Number || err != nil {
			mismatch(whole)
			return
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.text, 64)
		if n.kind != Number || err != nil {
			mismatch(Number)
			return
		}
		v.SetFloat(f)
	case reflect.Interface:
		var value any
		_ = json.Unmarshal(n.raw, &value) // it parsed before
		if value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		panic("strict: Decode into " + v.Type().String())
	}
}

// whole is the type of a number that goes into an integer.
const whole Type = "a whole number"

// HowTo is the hint for a value of the type got where the type want belongs.
func HowTo(want, got Type) string {
	switch {
	case got == Null:
		return "You: give a value, or leave the name out"
	case want == Object:
		return `You: write names with values, as in {"name": "value"}`
	case want == List:
		return `You: write a list, as in ["first", "second"]`
	case want == String && (got == Object || got == List):
		return "You: give one text in double quotes"
	case want == String:
		return "You: put the value into double quotes"
	case want == Boolean:
		return "You: write true or false, without quotes"
	case want == whole:
		return "You: write the number in digits, without quotes, fraction and exponent"
	default:
		return "You: write a number such as 0.5, without quotes"
	}
}

func assignStruct(n node, v reflect.Value, at string, faults Faults) {
	fields := fieldsOf(v.Type())
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.name)
	}
	seen := map[string]bool{}
next:
	for _, m := range n.members {
		place := at + Pointer(m.name)
		if seen[m.name] {
			faults.Add(place, Quote(m.name)+" is given twice", "You: remove one of the two")
			continue
		}
		seen[m.name] = true
		for _, f := range fields {
			if f.name == m.name {
				assign(m.value, v.FieldByIndex(f.index), place, faults)
				continue next
			}
		}
		hint := "You: write one of " + strings.Join(names, ", ")
		if near := Nearest(m.name, names); near != "" {
			hint = "You: write " + Quote(near) + ", if that is meant"
		}
		faults.Add(place, "unknown field "+Quote(m.name), hint)
	}
}

type field struct {
	name  string
	index []int
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		out = append(out, field{name, f.Index})
	}
	return out
}
