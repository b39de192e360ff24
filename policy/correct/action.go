package correct

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/awsaction"
)

// matches reports whether a pattern matches a name, whose case does not count.
func matches(pattern, name string) bool {
	return regexp.MustCompile("(?is)^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + "$").MatchString(name)
}

// without returns patterns of the actions that a pattern matches but for those
// that are used, by the list of what a service has. It is false of a pattern of
// several services.
func without(pattern string, used []string) ([]string, bool) {
	service, _, _ := strings.Cut(pattern, ":")
	if strings.ContainsAny(service, "*?") {
		return nil, false
	}
	var others, stay []string
	for _, a := range awsaction.Read().Actions {
		if !strings.EqualFold(a.Service, service) {
			continue
		}
		name := a.Service + ":" + a.Name
		if !matches(pattern, name) || slices.ContainsFunc(used, func(u string) bool { return strings.EqualFold(u, name) }) {
			others = append(others, name)
		} else {
			stay = append(stay, name)
		}
	}
	begins := func(names []string, with string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, with) })
	}
	var out []string
	for _, name := range stay {
		if slices.ContainsFunc(out, func(w string) bool { return matches(w, name) }) {
			continue
		}
		as := name
		for n := max(len(fixed(pattern)), len(service)+1); n < len(name); n++ {
			if !begins(others, name[:n]) && !begins(used, name[:n]) {
				as = name[:n] + "*"
				break
			}
		}
		out = append(out, as)
	}
	slices.Sort(out)
	return out, true
}
