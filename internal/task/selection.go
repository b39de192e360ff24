package task

import (
	"sort"
	"strings"

	"github.com/rolecall/rolecall"
)

// selection chooses names by a step's patterns, and knows which patterns have
// chosen none. Names come from listings below prefixes; literal patterns that
// no listing covers are to be looked at directly.
type selection struct {
	patterns []rolecall.Pattern
	prefixes []string         // to list; none is another's beginning
	under    map[string][]int // prefix: patterns with wildcards
	literal  map[string][]int // name: patterns that are this name
	direct   []int            // literal patterns outside of all prefixes, each name once
	matched  []bool           // by pattern
}

// newSelection chooses from listings below the prefixes.
func newSelection(files []rolecall.Pattern, prefixes []string) *selection {
	sel := &selection{patterns: files, prefixes: prefixes, under: map[string][]int{}, literal: map[string][]int{}, matched: make([]bool, len(files))}
	for i, f := range files {
		p, covered := sel.covering(f.Prefix())
		if !f.Literal() {
			sel.under[p] = append(sel.under[p], i)
			continue
		}
		name := f.String()
		if len(sel.literal[name]) == 0 && !covered {
			sel.direct = append(sel.direct, i)
		}
		sel.literal[name] = append(sel.literal[name], i)
	}
	return sel
}

// prefixesOf gives what to list for the patterns that have wildcards: their
// literal beginnings, without those that begin with another.
func prefixesOf(files []rolecall.Pattern) []string {
	var starts, out []string
	for _, f := range files {
		if !f.Literal() {
			starts = append(starts, f.Prefix())
		}
	}
	// In this order all that begin with a prefix come right after it.
	sort.Strings(starts)
	for _, p := range starts {
		if n := len(out); n == 0 || !strings.HasPrefix(p, out[n-1]) {
			out = append(out, p)
		}
	}
	return out
}

// covering gives the prefix of those to be listed with which the name begins.
func (sel *selection) covering(name string) (string, bool) {
	// None is another's beginning, so only the last one before the name can be its.
	i := sort.Search(len(sel.prefixes), func(i int) bool { return sel.prefixes[i] > name }) - 1
	if i < 0 || !strings.HasPrefix(name, sel.prefixes[i]) {
		return "", false
	}
	return sel.prefixes[i], true
}

// match tells whether a name that was listed below the prefix is wanted.
func (sel *selection) match(prefix, name string) bool {
	if len(sel.literal[name]) > 0 {
		return true
	}
	for _, i := range sel.under[prefix] {
		if sel.patterns[i].Match(name) {
			return true
		}
	}
	return false
}

// take marks the patterns that the name matches.
func (sel *selection) take(prefix, name string) {
	for _, i := range sel.literal[name] {
		sel.matched[i] = true
	}
	for _, i := range sel.under[prefix] {
		sel.matched[i] = sel.matched[i] || sel.patterns[i].Match(name)
	}
}

// unmatched gives the patterns that no listed name has matched. What is to be
// looked at directly is not among them.
func (sel *selection) unmatched() []int {
	var out []int
	for i, p := range sel.patterns {
		if _, covered := sel.covering(p.Prefix()); covered && !sel.matched[i] {
			out = append(out, i)
		}
	}
	return out
}
