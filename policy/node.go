package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// node is a JSON value. A policy is read through it, and not by package strict, to
// read every byte once: a stream of requests is mostly their policies.
type node struct {
	kind   byte   // one of { [ " 0 t n: object, array, string, number, bool, null
	text   string // of a string its value; of a number or bool its text
	source string // all of it, as written
	names  []string
	items  []node         // of an object, the values of names
	first  map[string]int // of a large object: where each name stands first
}

func (n *node) what() string {
	switch n.kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't':
		return "true or false"
	default:
		return "null"
	}
}

// members gives each member of an object to use, once. Other names than those
// known are faults.
func (n *node) members(at string, known []string, faults *rolecall.Errors, use func(name, at string, value *node)) {
	if n.kind != '{' {
		faults.Add(at, "must be an object, not "+n.what(), "")
		return
	}
	if len(n.names) > maxList {
		faults.Add(at, "more than "+strconv.Itoa(maxList)+" members", "")
		return
	}
	for i, name := range n.names {
		place := at + "/" + escapeName(name)
		switch {
		case n.repeats(i):
			faults.Add(place, quote(name)+" is given twice", "remove one of the two")
		case known != nil && !slices.Contains(known, name):
			hint := "known here: " + strings.Join(known, ", ")
			if near := strict.Nearest(name, known); near != "" {
				hint = "did you mean " + quote(near) + "?"
			}
			faults.Add(place, "unknown field "+quote(name), hint)
		default:
			use(name, place, &n.items[i])
		}
	}
}

// repeats tells whether an earlier member has the name of member i. Objects
// of policies are small; larger ones get a map, lest many names cost their square.
func (n *node) repeats(i int) bool {
	if len(n.names) <= 16 {
		return slices.Contains(n.names[:i], n.names[i])
	}
	if n.first == nil {
		n.first = make(map[string]int, len(n.names))
		for j := len(n.names) - 1; j >= 0; j-- {
			n.first[n.names[j]] = j
		}
	}
	return n.first[n.names[i]] < i
}

// escapeName writes a name as a part of a JSON pointer.
func escapeName(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strict.Pointer(name)[1:]
}

// string gives the value of a string.
func (n *node) string(at string, faults *rolecall.Errors) string {
	if n.kind != '"' {
		faults.Add(at, "must be a string, not "+n.what(), "")
	}
	return n.text
}

// size is how many items each will give.
func (n *node) size() int {
	if n.kind == '[' {
		return len(n.items)
	}
	return 1
}

// each gives use every item of a list, or the value itself if it is none;
// want says what is asked for.
func (n *node) each(at, want string, faults *rolecall.Errors, use func(at string, item *node)) {
	if n.kind != '[' {
		use(at, n)
		return
	}
	if len(n.items) > maxList {
		faults.Add(at, "more than "+strconv.Itoa(maxList)+" values", "")
		return
	}
	for i := range n.items {
		if n.items[i].kind == '[' {
			faults.Add(at+"/"+strconv.Itoa(i), "must be "+want+", not a list", "")
			continue
		}
		use(at+"/"+strconv.Itoa(i), &n.items[i])
	}
}
