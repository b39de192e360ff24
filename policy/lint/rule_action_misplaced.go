package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// The policy of a resource speaks of what is done with that resource, and is
// not stored with actions on others.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html
var actionMisplaced = rule{
	code: "action-misplaced", severity: Error,
	title: "an action is none on what the policy is attached to",
	kinds: []policy.Kind{policy.TrustDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, a := range s.actions() {
				if actions, known := expand(a.Text); !strings.Contains(a.Text, ":") || p.belongs(a.Text) || known && len(actions) == 0 {
					continue // or none that exists, as action-unknown says
				}
				f := found{
					at: a, message: quote(a.Text) + " is no action on " + map[policy.Kind]string{
						policy.TrustDocument: "a role that is assumed", policy.BucketDocument: "a bucket or its objects", policy.KeyDocument: "a KMS key",
					}[p.kind] + ", and AWS does not store the policy with it",
					hint: "remove it here, and write it into a policy of the role or of what it is done with",
				}
				if s.canLoseActions(a) {
					f.fix = func() { s.removeActions(a) }
				}
				p.report(f)
			}
		}
	},
}

// assuming are the actions that a trust policy can allow.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
var assuming = []string{
	"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext",
}

// belongs reports whether a value of Action has some action on what the document is
// attached to.
func (p *pass) belongs(value string) bool {
	service, _, _ := strings.Cut(strings.ToLower(value), ":")
	switch p.kind {
	case policy.BucketDocument:
		return glob(service, "s3")
	case policy.KeyDocument:
		return glob(service, "kms")
	default:
		return slices.ContainsFunc(assuming, func(name string) bool { return glob(strings.ToLower(value), name) })
	}
}
