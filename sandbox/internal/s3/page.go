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

// page is one page of a listing.
type page struct {
	names     []name
	truncated bool
}

// name is a key, or a prefix that stands for all keys with it.
type name struct {
	text  string
	group bool
}

// next is where the page after a truncated one begins.
func (p page) next() string {
	if !p.truncated {
		return ""
	}
	return p.names[len(p.names)-1].text
}

// list pages through sorted keys, leaving out those that are not live.
func (l listing) list(keys []string, live func(string) bool) page {
	var p page
	if l.limit == 0 {
		return p
	}
	i, _ := slices.BinarySearch(keys, max(l.prefix, l.after))
	for i < len(keys) && strings.HasPrefix(keys[i], l.prefix) {
		n := l.roll(keys[i])
		switch {
		case keys[i] <= l.after || !live(keys[i]):
			i++
			continue
		case n.group && n.text == l.after:
		case len(p.names) == l.limit:
			p.truncated = true
			return p
		default:
			p.names = append(p.names, n)
		}
		i++
		if n.group {
			i += sort.Search(len(keys)-i, func(j int) bool { return !strings.HasPrefix(keys[i+j], n.text) })
		}
	}
	return p
}

// roll returns the name that a key has in the listing: its own, or the prefix up
// to the first delimiter.
func (l listing) roll(key string) name {
	if l.delimiter == "" {
		return name{text: key}
	}
	before, _, found := strings.Cut(key[len(l.prefix):], l.delimiter)
	if !found {
		return name{text: key}
	}
	return name{l.prefix + before + l.delimiter, true}
}
