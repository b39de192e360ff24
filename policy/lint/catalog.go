package lint

import (
	"slices"
	"strings"
	"sync"

	"github.com/rolecall/rolecall/internal/awsaction"
)

// action is what is known of an action.
type action struct {
	name      string // s3:GetObject
	lower     string // getobject
	level     string // list, read, write, permissions, tagging
	resources []string
	keys      []string // condition keys other than the global ones, in lower case
}

// on reports whether the action works on the kind of resource.
func (a *action) on(kind string) bool { return slices.Contains(a.resources, kind) }

// facts is what AWS lists, by name.
type facts struct {
	date     string
	services []string
	actions  map[string]*action   // by name in lower case
	names    map[string][]string  // by service, as written
	known    map[string][]*action // by service
	keys     []string             // condition keys of the services
	global   []string
	anywhere []string // global, in lower case
}

var catalog = sync.OnceValue(func() *facts {
	all := awsaction.Read()
	f := &facts{
		date: all.Date, services: all.Services, keys: slices.Clone(all.Keys), global: all.Global,
		actions: map[string]*action{}, names: map[string][]string{}, known: map[string][]*action{},
	}
	for _, listed := range all.Actions {
		service := listed.Service
		a := &action{
			name: service + ":" + listed.Name, lower: strings.ToLower(listed.Name), level: listed.Level,
			resources: listed.Resources, keys: lowered(listed.Keys),
		}
		f.actions[strings.ToLower(a.name)] = a
		f.names[service] = append(f.names[service], a.name)
		f.known[service] = append(f.known[service], a)
	}
	f.anywhere = lowered(f.global)
	slices.Sort(f.keys)
	f.keys = slices.Compact(f.keys)
	return f
})

func lowered(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ToLower(w)
	}
	return out
}

// expand returns the known actions that a value of Action means. known is false
// when its service is not in the facts, so that nothing can be said of it.
func expand(value string) (actions []*action, known bool) {
	f := catalog()
	lower := strings.ToLower(value)
	service, name, found := strings.Cut(lower, ":")
	if value == "*" || lower == "*:*" {
		service, name, found = "", "*", true
	}
	if !found || service != "" && f.names[service] == nil {
		return nil, false
	}
	if !strings.ContainsAny(name, "*?") {
		if a := f.actions[lower]; a != nil {
			return []*action{a}, true
		}
		return nil, true
	}
	for _, s := range f.services {
		if service != "" && service != s {
			continue
		}
		for _, a := range f.known[s] {
			if glob(name, a.lower) {
				actions = append(actions, a)
			}
		}
	}
	return actions, true
}

// hasKey reports whether requests for the action can have the condition key, or
// that is not known.
func (a *action) hasKey(key string) bool {
	has, known := awsaction.Has(a.name, key)
	return has || !known
}

// isGlobal reports whether any request can have the key.
func isGlobal(key string) bool { return keyIn(catalog().anywhere, key) }

// keyIn reports whether the key is of the list, whose stars stand for any part.
func keyIn(keys []string, key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc(keys, func(k string) bool { return glob(strings.ToLower(k), key) })
}

// glob reports whether the text matches a pattern of *, ? and literals, whole. The
// text may be a pattern too: then all that it matches is matched.
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' && s[i] != '*' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// typeOfKey returns the type of a condition key, empty for a text; it is false
// for keys that the facts do not have.
func typeOfKey(key string) (kind string, known bool) {
	kind = awsaction.Read().Types[strings.ToLower(key)]
	return kind, kind != "" || isGlobal(key) || keyIn(catalog().keys, key)
}
