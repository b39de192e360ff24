package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

const github = "token.actions.githubusercontent.com"

// A provider signs tokens for all of its users: which of them may assume the
// role is said by conditions on what the token holds.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
var identityTokenOpen = rule{
	code: "identity-token-open", severity: Error,
	title: "the users of an identity provider are let in, whoever they are",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			if s.grants("sts:AssumeRoleWithWebIdentity") == nil {
				continue
			}
			for _, who := range s.principals() {
				provider := who.Text
				if _, name, found := strings.Cut(provider, ":oidc-provider/"); found {
					provider = name
				}
				if who.kind == "Federated" && !strings.Contains(provider, ":saml-provider/") {
					p.openProvider(s, who, provider)
				}
			}
		}
	},
}

func (p *pass) openProvider(s *statement, who principal, provider string) {
	var all, subjects []condition
	for _, c := range s.conditions() {
		if len(c.key) > len(provider) && strings.EqualFold(c.key[:len(provider)+1], provider+":") && c.matches() {
			all = append(all, c)
			if strings.HasSuffix(strings.ToLower(c.key), ":sub") {
				subjects = append(subjects, c)
			}
		}
	}
	isGitHub := strings.EqualFold(provider, github)
	switch {
	case len(all) == 0:
		p.report(found{
			at: who.Node, message: "whoever has a token of " + quote(provider) + " is let in",
			hint: "ask for " + provider + ":sub and :aud by StringEquals",
		})
	case isGitHub && len(subjects) == 0:
		p.report(found{
			at: who.Node, message: "every repository of GitHub's is let in",
			hint: "ask for " + github + ":sub by StringEquals, with the repository and the branch",
		})
	case isGitHub:
		for _, c := range subjects {
			if i := slices.IndexFunc(c.values.Each(), anyRepository); i >= 0 {
				p.report(found{
					at: c.values.Each()[i], message: "the repositories of others fit " + quote(c.values.Each()[i].Text),
					hint: "write it as repo:OWNER/NAME:ref:refs/heads/BRANCH",
				})
			}
		}
	}
}

// anyRepository reports whether a subject under StringLike leaves open whose the
// repository is.
func anyRepository(n *tree.Node) bool {
	owner, _, found := strings.Cut(strings.TrimPrefix(n.Text, "repo:"), "/")
	return strings.HasPrefix(n.Text, "*") || strings.ContainsAny(owner, "*?") || !found && strings.Contains(n.Text, "*")
}
