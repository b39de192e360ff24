package s3

import (
	"slices"
	"sort"
	"strings"
)

// listing is what a listing asks for.
type listing struct {
	prefix, delimiter string
	after             string // only names after this one
	limit             int
}

// page is one page of a listing: keys, and prefixes that stand for all keys
// that go on with the delimiter.
type page struct {
	keys, prefixes []string
	next           string // the last name of a truncated page
	truncated      bool
}

// list pages through sorted keys, leaving out those that are not live.
func (l listing) list(keys []string, live func(string) bool) page {
	var p page
	if l.limit == 0 {
		return p
	}
	i, _ := slices.BinarySearch(keys, max(l.prefix, l.after))
	for i < len(keys) && strings.HasPrefix(keys[i], l.prefix) {
		name, group := l.roll(keys[i])
		switch {
		case keys[i] <= l.after || !live(keys[i]):
			i++
			continue
		case group && name == l.after:
		case len(p.keys)+len(p.prefixes) == l.limit:
			p.truncated = true
			return p
		case group:
			p.prefixes = append(p.prefixes, name)
		default:
			p.keys = append(p.keys, name)
		}
		p.next = name
		i++
		if group {
			i += sort.Search(len(keys)-i, func(j int) bool { return !strings.HasPrefix(keys[i+j], name) })
		}
	}
	p.next = ""
	return p
}

// roll gives the name that a key has in the listing: its own, or the prefix up
// to the first delimiter.
func (l listing) roll(key string) (name string, group bool) {
	if l.delimiter == "" {
		return key, false
	}
	before, _, found := strings.Cut(key[len(l.prefix):], l.delimiter)
	if !found {
		return key, false
	}
	return l.prefix + before + l.delimiter, true
}
