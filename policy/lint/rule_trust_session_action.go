package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// What goes with a session is allowed by an action of its own, beside the one
// that assumes the role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required
var trustSessionAction = rule{
	code: "trust-session-action", severity: Error,
	title: "what a session is to have is asked for, and not allowed",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			if s.grants("sts:AssumeRole") == nil {
				continue
			}
			for _, c := range s.conditions() {
				action := sessionAction(c.key)
				if action == "" || c.holdsWithout() || p.granted(action) {
					continue
				}
				f := atKey(c, "is there only in requests that "+action+" allows, and the policy does not")
				f.hint, f.widens = "add "+action+" to the actions", true
				f.fix = func() { s.addActions(action) }
				p.report(f)
			}
			anywhere := slices.ContainsFunc(s.principals(), func(who principal) bool {
				return who.kind == "Service" && strings.HasPrefix(who.Text, "rolesanywhere.")
			})
			var missing []string
			for _, action := range []string{"sts:TagSession", "sts:SetSourceIdentity"} {
				if anywhere && !p.granted(action) {
					missing = append(missing, action)
				}
			}
			if len(missing) > 0 {
				p.report(found{
					at: s.Get("Action"), message: "IAM Roles Anywhere also needs " + strings.Join(missing, " and ") + " to assume the role",
					hint: "add " + strings.Join(missing, " and ") + " to the actions", widens: true,
					fix: func() { s.addActions(missing...) },
				})
			}
		}
	},
}

// sessionAction returns the action that a request needs to have the key, empty
// for most.
func sessionAction(key string) string {
	key = strings.ToLower(key)
	switch {
	case strings.HasPrefix(key, "aws:requesttag/"), key == "aws:tagkeys", key == "sts:transitivetagkeys":
		return "sts:TagSession"
	case key == "sts:sourceidentity":
		return "sts:SetSourceIdentity"
	default:
		return ""
	}
}

func (s *statement) addActions(names ...string) {
	for _, name := range names {
		if s.grants(name) == nil {
			s.Set("Action", s.Get("Action").Add(name))
		}
	}
}
