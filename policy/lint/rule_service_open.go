package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// A service acts for all customers: without a condition it is let in for any of
// them, the confused deputy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html#cross-service-confused-deputy-prevention
var serviceOpen = rule{
	code: "service-open", severity: Warning,
	title: "a service is let in for whomever it acts",
	kinds: []policy.Kind{policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			held := slices.ContainsFunc(s.conditions(), func(c condition) bool {
				key := strings.ToLower(c.key)
				limit := limits[key]
				if limit == nil || strings.HasPrefix(key, "aws:principal") {
					limit = func(string) bool { return keyIn(serviceKeys, key) || strings.HasPrefix(key, "kms:encryptioncontext:") }
				}
				return c.matches() && !slices.ContainsFunc(c.values.Strings(), func(v string) bool { return !limit(v) })
			})
			for _, who := range s.principals() {
				if who.kind == "Service" && !held {
					p.report(found{
						at: who.Node, message: quote(who.Text) + " is let in for every customer of AWS's that it acts for",
						hint: "add aws:SourceAccount with your account, or aws:SourceArn with your resource",
					})
				}
			}
		}
	},
}
