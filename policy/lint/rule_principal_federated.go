package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// An identity provider's users come in by the two actions of STS that are made
// for them, and by no policy but a role's trust.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-federated-web-identity
var principalFederated = rule{
	code: "principal-federated", severity: Error,
	title: "an identity provider stands where, or as, none works",
	kinds: []policy.Kind{policy.TrustDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, who := range s.principals() {
				switch {
				case who.kind == "Federated" && p.kind != policy.TrustDocument:
					p.report(found{
						at: who.Node, message: "an identity provider is named, and only a role's trust policy lets its users in",
						hint: "name the role here that its users assume",
					})
				case who.kind == "Federated" && !federatedForm.MatchString(who.Text):
					p.report(found{
						at: who.Node, message: quote(who.Text) + " is no identity provider",
						hint: "write the ARN of an oidc-provider or saml-provider, or the domain of one that AWS knows",
					})
				}
			}
			if p.kind == policy.TrustDocument {
				p.federatedActions(s)
			}
		}
	},
}

// federatedForm has the ARNs of providers, and the domains of those that need none.
var federatedForm = regexp.MustCompile(`^(?:arn:[a-z-]+:iam::(?:[0-9]{12}|[^:]*[*$<{A-Z_][^:]*):(?:oidc|saml)-provider/.+|[a-z0-9-]+(?:\.[a-z0-9-]+)+)$`)

// federatedActions reports actions that none of the principals can ask for.
func (p *pass) federatedActions(s *statement) {
	for _, a := range s.actions() {
		var fits func(principal) bool
		var whose string
		switch strings.ToLower(a.Text) {
		case "sts:assumerole":
			whose, fits = "users, roles and services, and not of an identity provider's users", func(who principal) bool { return who.kind != "Federated" }
		case "sts:assumerolewithsaml":
			whose, fits = "users of a SAML provider", func(who principal) bool {
				return who.kind == "Federated" && strings.Contains(who.Text, ":saml-provider/")
			}
		case "sts:assumerolewithwebidentity":
			whose, fits = "users of an OIDC provider", func(who principal) bool {
				return who.kind == "Federated" && !strings.Contains(who.Text, ":saml-provider/")
			}
		default:
			continue
		}
		if named := s.principals(); len(named) == 0 || slices.ContainsFunc(named, fits) {
			continue
		}
		p.report(found{
			at: a, message: quote(a.Text) + " is asked for by " + whose + ", so the statement lets nobody in",
			hint: "use sts:AssumeRoleWithWebIdentity for OIDC, sts:AssumeRoleWithSAML for SAML, sts:AssumeRole for all others",
		})
	}
}
