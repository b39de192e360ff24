package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
// a single fault that names line and column.
//
// Members are matched by json tags, with case. A type that implements
// json.Unmarshaler reads its own part; its faults get their place in front.
func Decode(data []byte, v any, faults Faults) (isJSON bool) {
	tree, err := parse(data)
	if err != nil {
		faults.Add("", err.Error(), "")
		return false
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
}

type member struct {
	name  string
	value node
}

func parse(data []byte) (node, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	n, err := parseValue(dec, data, 0)
	if err == nil {
		if _, tail := dec.Token(); tail != io.EOF {
			return node{}, syntaxFault(data, dec.InputOffset(), "there is more after the document")
		}
		return n, nil
	}
	if errors.Is(err, errTooDeep) {
		return node{}, err
	}
	// A decoder of tokens counts its offsets from the last token; only a
	// reading of the whole counts them from the beginning.
	var syn *json.SyntaxError
	if whole := json.Unmarshal(data, new(json.RawMessage)); errors.As(whole, &syn) && syn.Offset < int64(len(data)) {
		return node{}, syntaxFault(data, syn.Offset, syn.Error())
	}
	return node{}, syntaxFault(data, int64(len(data)), "the document ends too early")
}

func syntaxFault(data []byte, offset int64, why string) error {
	offset = max(0, min(offset, int64(len(data))))
	before := data[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1)
	return fmt.Errorf("not JSON at line %d, column %d: %s", line, max(column, 1), why)
}

var errTooDeep = fmt.Errorf("the document nests deeper than %d", maxDepth)

func parseValue(dec *json.Decoder, data []byte, depth int) (node, error) {
	tok, err := dec.Token()
	if err != nil {
		return node{}, err
	}
	if depth > maxDepth {
		return node{}, errTooDeep
	}
	start := dec.InputOffset()
	switch t := tok.(type) {
	case json.Delim:
		n := node{kind: List}
		if t == '{' {
			n.kind = Object
		}
		start--
		for dec.More() {
			var name string
			if t == '{' {
				key, err := dec.Token()
				if err != nil {
					return node{}, err
				}
				name = key.(string)
			}
			v, err := parseValue(dec, data, depth+1)
			if err != nil {
				return node{}, err
			}
			if t == '{' {
				n.members = append(n.members, member{name, v})
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
		return node{kind: String, text: t, raw: raw}, nil
	case json.Number:
		return node{kind: Number, text: t.String(), raw: []byte(t)}, nil
	case bool:
		return node{kind: Boolean, text: strconv.FormatBool(t), raw: strconv.AppendBool(nil, t)}, nil
	default:
		return node{kind: Null, raw: []byte("null")}, nil
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
	mismatch := func(want string) {
		faults.Add(at, "must be "+want+", not "+string(n.kind), "")
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		assign(n, v.Elem(), at, faults)
	case reflect.Struct:
		if n.kind != Object {
			mismatch("an object")
			return
		}
		assignStruct(n, v, at, faults)
	case reflect.Map:
		if n.kind != Object {
			mismatch("an object")
			return
		}
		v.Set(reflect.MakeMapWithSize(v.Type(), len(n.members)))
		for _, m := range n.members {
			place := at + Pointer(m.name)
			key := reflect.ValueOf(m.name).Convert(v.Type().Key())
			if v.MapIndex(key).IsValid() {
				faults.Add(place, Quote(m.name)+" is given twice", "remove one of the two")
				continue
			}
			value := reflect.New(v.Type().Elem()).Elem()
			assign(m.value, value, place, faults)
			v.SetMapIndex(key, value)
		}
	case reflect.Slice:
		if n.kind != List {
			mismatch("a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
		for i, item := range n.items {
			assign(item, v.Index(i), at+Pointer(i), faults)
		}
	case reflect.String:
		if n.kind != String {
			mismatch("a string")
			return
		}
		v.SetString(n.text)
	case reflect.Bool:
		if n.kind != Boolean {
			mismatch("true or false")
			return
		}
		v.SetBool(n.text == "true")
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.text, 10, v.Type().Bits())
		if n.kind != Number || err != nil {
			mismatch("a whole number")
			return
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.text, 64)
		if n.kind != Number || err != nil {
			mismatch("a number")
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
			faults.Add(place, Quote(m.name)+" is given twice", "remove one of the two")
			continue
		}
		seen[m.name] = true
		for _, f := range fields {
			if f.name == m.name {
				assign(m.value, v.FieldByIndex(f.index), place, faults)
				continue next
			}
		}
		hint := "known here: " + strings.Join(names, ", ")
		if near := Nearest(m.name, names); near != "" {
			hint = "did you mean " + Quote(near) + "?"
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
