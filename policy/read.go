package policy

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A policy is read through package tree, and not by package strict, to read
// every byte once: a stream of requests is mostly their policies.
func readTree(data []byte) (*tree.Node, error) {
	n, err := tree.Parse(string(data))
	var wrong *strict.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return nil, fault("", wrong.Error(), wrong.Hint)
	case err != nil:
		return nil, fault("", err.Error(), "")
	}
	return n, nil
}

// place is where a value is: a name in an object, or the number of an item. Its
// pointer is written only where something is wrong there, or kept: that of every
// value of a document costs as much as reading it.
type place struct{ in, name string }

// String returns the JSON pointer, "" of the zero place.
func (p place) String() string {
	if p.in == "" && p.name == "" {
		return ""
	}
	return p.in + "/" + escapeName(p.name)
}

// eachMember calls use for each member of an object, once. Other names than the
// known ones are faults; nil knows all.
func eachMember(n *tree.Node, at place, known []string, faults *rolecall.Errors, use func(name string, at place, value *tree.Node)) {
	if n.Kind != '{' {
		faults.Add(at.String(), "must be an object, not "+n.What(), strict.HowTo(strict.Object, strict.Type(n.What())))
		return
	}
	if len(n.Members) > maxList {
		faults.Add(at.String(), "more than "+strconv.Itoa(maxList)+" members", "")
		return
	}
	repeats, in := repetitions(n.Members), at.String()
	for i, m := range n.Members {
		at := place{in, m.Name}
		switch {
		case repeats(i):
			faults.Add(in+"/"+escapeName(m.Name), quote(m.Name)+" is given twice", "You: remove one of the two")
		case known != nil && !slices.Contains(known, m.Name):
			hint := "You: write one of " + strings.Join(known, ", ")
			if near := strict.Nearest(m.Name, known); near != "" {
				hint = "You: write " + quote(near) + ", if that is meant"
			}
			faults.Add(in+"/"+escapeName(m.Name), "unknown field "+quote(m.Name), hint)
		default:
			use(m.Name, at, m.Value)
		}
	}
}

// repetitions reports of each member, in turn, whether an earlier one has its
// name. Objects of policies are small; larger ones get a map, so that many names
// do not cost their square.
func repetitions(members []*tree.Member) func(i int) bool {
	if len(members) <= 16 {
		return func(i int) bool {
			return slices.ContainsFunc(members[:i], func(m *tree.Member) bool { return m.Name == members[i].Name })
		}
	}
	seen := make(map[string]bool, len(members))
	return func(i int) bool {
		before := seen[members[i].Name]
		seen[members[i].Name] = true
		return before
	}
}

// escapeName writes a name as a part of a JSON pointer.
func escapeName(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strict.Pointer(name)[1:]
}

// textOf returns the value of a string.
func textOf(n *tree.Node, at place, faults *rolecall.Errors) string {
	if n.Kind != '"' {
		faults.Add(at.String(), "must be a string, not "+n.What(), strict.HowTo(strict.String, strict.Type(n.What())))
	}
	return n.Text
}

// sizeOf is how many items eachItem has.
func sizeOf(n *tree.Node) int {
	if n.Kind == '[' {
		return len(n.Items)
	}
	return 1
}

// eachItem calls use for every item of a list, or for the value itself if it is
// none; want says what is asked for.
func eachItem(n *tree.Node, at place, want string, faults *rolecall.Errors, use func(at place, item *tree.Node)) {
	if n.Kind != '[' {
		use(at, n)
		return
	}
	if len(n.Items) > maxList {
		faults.Add(at.String(), "more than "+strconv.Itoa(maxList)+" values", "")
		return
	}
	in := at.String()
	for i, item := range n.Items {
		at := place{in, strconv.Itoa(i)}
		if item.Kind == '[' {
			faults.Add(at.String(), "must be "+want+", not a list", "")
			continue
		}
		use(at, item)
	}
}
