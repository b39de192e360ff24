package lint

import (
	"regexp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Ids of organizations, accounts and roles are in every log; the external id is
// one that the vendor makes, for one customer each.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
var externalIDIdentifier = rule{
	code: "external-id-identifier", severity: Warning,
	title: "an identifier of AWS's stands in place of the external id",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			vendor, ids := p.idsFor(s)
			if !vendor {
				continue
			}
			for _, c := range s.on(externalID) {
				for _, v := range c.values.Each() {
					what := identifierOf(v.Text)
					if what == "" {
						continue
					}
					f := found{
						at: v, message: quote(v.Text) + " is " + what + ", which others know, and not an external id that the vendor made",
						hint: "ask the vendor for the external id that it made for you, and put it into sts:ExternalId",
					}
					if ids != nil && !p.besideOurs(c) && identifierOf(p.kit().ExternalIDs[0]) == "" {
						f.widens = true
						f.fix = func() { c.member.Value = ids }
					}
					p.report(f)
				}
			}
		}
	},
}

var (
	organizationForm = regexp.MustCompile(`^(o-[a-z0-9]{10,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}|r-[0-9a-z]{4,32})$`)
	signInForm       = regexp.MustCompile(`^(https://)?[a-z0-9-]+\.(signin\.aws\.amazon\.com|awsapps\.com)(/.*)?$`)
)

func identifierOf(s string) string {
	_, err := rolecall.ParseARN(s)
	switch {
	case organizationForm.MatchString(s):
		return "an id of AWS Organizations"
	case rolecall.IsAccountID(s):
		return "an account id"
	case err == nil:
		return "an ARN"
	case signInForm.MatchString(s):
		return "an account's sign-in address, with its alias"
	case tree.IsUniqueID(s):
		return "the unique id of an identity or key"
	default:
		return ""
	}
}
