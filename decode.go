package rolecall

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

// Decode reads one JSON document into v, a pointer to a struct, strictly:
// unknown and repeated members, wrong types and trailing data are faults.
// It finds all of them in one pass and gives Errors, each with its pointer; a
// syntax error is a single fault that names line and column.
//
// Members are matched by json tags, with case. A type that implements
// json.Unmarshaler reads its own part; its faults get their place in front.
func Decode(data []byte, v any) error {
	tree, err := parse(data)
	if err != nil {
		return err
	}
	var faults Errors
	assign(tree, reflect.ValueOf(v).Elem(), "", &faults)
	return faults.Err()
}

// node is a JSON value with the order and repetition of its members kept.
type node struct {
	kind    byte // one of { [ s n t z: object, array, string, number, bool, null
	text    string
	members []member
	items   []node
	raw     []byte
}

type member struct {
	name  string
	value node
}

func (n node) what() string {
	switch n.kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 's':
		return "a string"
	case 'n':
		return "a number"
	case 't':
		return "true or false"
	default:
		return "null"
	}
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
	var e *Error
	if errors.As(err, &e) {
		return node{}, Errors{e}
	}
	// A decoder of tokens counts its offsets from the last token; only a
	// reading of the whole counts them from the beginning.
	var syn *json.SyntaxError
	if whole := json.Unmarshal(data, new(json.RawMessage)); errors.As(whole, &syn) && syn.Offset < int64(len(data)) {
		return node{}, syntaxFault(data, syn.Offset, syn.Error())
	}
	return node{}, syntaxFault(data, int64(len(data)), "the document ends too early")
}

func syntaxFault(data []byte, offset int64, why string) Errors {
	offset = max(0, min(offset, int64(len(data))))
	before := data[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1)
	return Errors{{Code: Invalid, Message: fmt.Sprintf("not JSON at line %d, column %d: %s", line, max(column, 1), why)}}
}

func parseValue(dec *json.Decoder, data []byte, depth int) (node, error) {
	tok, err := dec.Token()
	if err != nil {
		return node{}, err
	}
	if depth > maxDepth {
		return node{}, &Error{Code: Invalid, Message: fmt.Sprintf("the document nests deeper than %d", maxDepth)}
	}
	start := dec.InputOffset()
	switch t := tok.(type) {
	case json.Delim:
		n := node{kind: byte(t)}
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
		return node{kind: 's', text: t, raw: raw}, nil
	case json.Number:
		return node{kind: 'n', text: t.String(), raw: []byte(t)}, nil
	case bool:
		return node{kind: 't', text: strconv.FormatBool(t), raw: strconv.AppendBool(nil, t)}, nil
	default:
		return node{kind: 'z', raw: []byte("null")}, nil
	}
}

func assign(n node, v reflect.Value, at string, faults *Errors) {
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		if err := u.UnmarshalJSON(n.raw); err != nil {
			var own *Error
			var list Errors
			if !errors.As(err, &own) && !errors.As(err, &list) {
				err = &Error{Code: Invalid, Message: err.Error()}
			}
			faults.AddErr(at, err)
		}
		return
	}
	if n.kind == 'z' && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Map || v.Kind() == reflect.Slice) {
		return
	}
	mismatch := func(want string) {
		faults.Add(at, "must be "+want+", not "+n.what(), "")
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		assign(n, v.Elem(), at, faults)
	case reflect.Struct:
		if n.kind != '{' {
			mismatch("an object")
			return
		}
		assignStruct(n, v, at, faults)
	case reflect.Map:
		if n.kind != '{' {
			mismatch("an object")
			return
		}
		v.Set(reflect.MakeMapWithSize(v.Type(), len(n.members)))
		for _, m := range n.members {
			place := at + Pointer(m.name)
			key := reflect.ValueOf(m.name).Convert(v.Type().Key())
			if v.MapIndex(key).IsValid() {
				faults.Add(place, quote(m.name)+" is given twice", "remove one of the two")
				continue
			}
			value := reflect.New(v.Type().Elem()).Elem()
			assign(m.value, value, place, faults)
			v.SetMapIndex(key, value)
		}
	case reflect.Slice:
		if n.kind != '[' {
			mismatch("a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
		for i, item := range n.items {
			assign(item, v.Index(i), at+Pointer(i), faults)
		}
	case reflect.String:
		if n.kind != 's' {
			mismatch("a string")
			return
		}
		v.SetString(n.text)
	case reflect.Bool:
		if n.kind != 't' {
			mismatch("true or false")
			return
		}
		v.SetBool(n.text == "true")
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.text, 10, v.Type().Bits())
		if n.kind != 'n' || err != nil {
			mismatch("a whole number")
			return
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.text, 64)
		if n.kind != 'n' || err != nil {
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
		panic("rolecall: Decode into " + v.Type().String())
	}
}

func assignStruct(n node, v reflect.Value, at string, faults *Errors) {
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
			faults.Add(place, quote(m.name)+" is given twice", "remove one of the two")
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
			hint = "did you mean " + quote(near) + "?"
		}
		faults.Add(place, "unknown field "+quote(m.name), hint)
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

// Nearest gives the one of names that a mistyped word most likely means, or
// empty when none is near.
func Nearest(word string, names []string) string {
	best, bestDistance := "", 1+len(word)/3
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance is Levenshtein's, over bytes, bounded by cutting long words.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// quote shows a user's text in an error: quoted, cut to 80 bytes, with
// control characters escaped.
func quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:77], "") + "..."
	}
	return strconv.Quote(s)
}
