package task

import (
	"context"
	"sort"
	"strings"

	"github.com/rolecall/rolecall"
)

// selection chooses names by a step's patterns, and knows which patterns have
// chosen none. Names come from listings below prefixes; literal patterns that
// no listing covers are to be looked at directly.
type selection struct {
	patterns []rolecall.Pattern
	excluded map[string]bool    // names that are not wanted, and whether one was found
	exclude  []exclusion        // of others
	entries  []rolecall.Pattern // all exclusions
	prefixes []string           // to list; none is another's beginning
	under    map[string][]glob  // prefix: patterns with wildcards, each text once
	literal  map[string]int     // name: the first pattern that is this name
	direct   []int              // literal patterns outside of all prefixes, each name once
	matched  []bool             // by pattern
	left     []bool             // by pattern: an exclusion left out what it matches
	same     []int              // by pattern: the first one of the same text
}

// glob is a pattern with wildcards.
type glob struct {
	index  int
	prefix string // of what it matches
	match  func(name string) bool
}

func (g glob) matches(name string) bool { return strings.HasPrefix(name, g.prefix) && g.match(name) }

// exclusion is a pattern with wildcards of what is not wanted.
type exclusion struct {
	match func(name string) bool
	used  bool // it has left something out
}

// newSelection chooses from listings below the prefixes what matches the files
// and not the exclusions.
func newSelection(files, exclude []rolecall.Pattern, prefixes []string) *selection {
	sel := &selection{
		patterns: files, excluded: map[string]bool{}, prefixes: prefixes, under: map[string][]glob{}, literal: map[string]int{},
		matched: make([]bool, len(files)), left: make([]bool, len(files)), same: make([]int, len(files)), entries: exclude,
	}
	for _, p := range exclude {
		if p.Literal() {
			sel.excluded[p.Prefix()] = false
		} else {
			sel.exclude = append(sel.exclude, exclusion{match: p.Match})
		}
	}
	first := map[string]int{}
	for i, f := range files {
		name := f.String()
		if _, again := first[name]; !again {
			first[name] = i
		}
		sel.same[i] = first[name]
		p, covered := sel.covering(f.Prefix())
		if !f.Literal() {
			if sel.same[i] == i {
				sel.under[p] = append(sel.under[p], glob{i, f.Prefix(), f.Match})
			}
			continue
		}
		if sel.literal[name] = sel.same[i]; sel.same[i] == i && !covered {
			sel.direct = append(sel.direct, i)
		}
	}
	return sel
}

// prefixesOf returns what to list for the patterns that have wildcards: their
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

// covering returns the prefix of those to be listed with which the name begins.
func (sel *selection) covering(name string) (string, bool) {
	// None is another's beginning, so only the last one before the name can be its.
	i := sort.Search(len(sel.prefixes), func(i int) bool { return sel.prefixes[i] > name }) - 1
	if i < 0 || !strings.HasPrefix(name, sel.prefixes[i]) {
		return "", false
	}
	return sel.prefixes[i], true
}

// patience is how many patterns are tried before the context is looked at again:
// each may take a while.
const patience = 16

// match reports whether a name that was listed below the prefix is wanted. Its
// error is the context's.
func (sel *selection) match(ctx context.Context, prefix, name string) (bool, error) {
	wanted, err := sel.included(ctx, prefix, name)
	if !wanted || err != nil {
		return false, err
	}
	out, err := sel.leavesOut(ctx, name)
	if out && err == nil {
		err = sel.mark(ctx, sel.left, prefix, name)
	}
	return !out, err
}

// leavesOut reports whether an exclusion matches the name, and marks those that do.
func (sel *selection) leavesOut(ctx context.Context, name string) (bool, error) {
	_, out := sel.excluded[name]
	if out {
		sel.excluded[name] = true
	}
	for i := range sel.exclude {
		if i%patience == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if p := &sel.exclude[i]; (!out || !p.used) && p.match(name) {
			out, p.used = true, true
		}
	}
	return out, ctx.Err()
}

func (sel *selection) included(ctx context.Context, prefix, name string) (bool, error) {
	if _, named := sel.literal[name]; named {
		return true, ctx.Err()
	}
	for i, g := range sel.under[prefix] {
		if i%patience == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if g.matches(name) {
			return true, nil
		}
	}
	return false, ctx.Err()
}

// take marks the patterns that the name matches.
func (sel *selection) take(ctx context.Context, prefix, name string) error {
	return sel.mark(ctx, sel.matched, prefix, name)
}

func (sel *selection) mark(ctx context.Context, marks []bool, prefix, name string) error {
	if index, named := sel.literal[name]; named {
		marks[index] = true
	}
	for i, g := range sel.under[prefix] {
		if i%patience == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !marks[g.index] && g.matches(name) {
			marks[g.index] = true
		}
	}
	return nil
}

// giveUp marks all that was to be found below a prefix, which cannot be listed.
func (sel *selection) giveUp(prefix string) {
	for _, g := range sel.under[prefix] {
		sel.matched[g.index] = true
	}
	for name, index := range sel.literal {
		if strings.HasPrefix(name, prefix) {
			sel.matched[index] = true
		}
	}
}

// wanted returns those of the direct names that are not left out.
func (sel *selection) wanted(ctx context.Context) ([]int, error) {
	var out []int
	for _, i := range sel.direct {
		left, err := sel.leavesOut(ctx, sel.patterns[i].String())
		if err != nil {
			return nil, err
		}
		if !left {
			out = append(out, i)
		}
	}
	return out, nil
}

// unused returns the exclusions that left nothing out, each once.
func (sel *selection) unused() []string {
	var out []string
	seen := map[string]bool{}
	wild := 0
	for _, p := range sel.entries {
		used := p.Literal() && sel.excluded[p.Prefix()]
		if !p.Literal() {
			used = sel.exclude[wild].used
			wild++
		}
		if !used && !seen[p.String()] {
			out = append(out, p.String())
		}
		seen[p.String()] = true
	}
	return out
}

// unmatched returns the patterns that no listed name has matched. What is to be
// looked at directly is not among them.
func (sel *selection) unmatched() []int {
	var out []int
	for i, p := range sel.patterns {
		if _, covered := sel.covering(p.Prefix()); covered && !sel.matched[sel.same[i]] {
			out = append(out, i)
		}
	}
	return out
}
