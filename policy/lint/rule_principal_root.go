package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// An account as principal is everyone in it who may assume roles.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
var principalRoot = rule{
	code: "principal-root", severity: Warning,
	title: "a whole account is trusted",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			if s.confined() {
				continue
			}
			for _, principal := range s.principals() {
				account := accountOf(principal)
				if account == "" {
					continue
				}
				f := found{
					at: principal.Node, message: "the root of account " + account + " stands for everyone there who may assume roles",
					hint: "name the vendor's role, or keep the account and add a condition on aws:PrincipalArn",
				}
				if p.kit() != nil {
					var roles []string
					for _, arn := range p.kit().Principals {
						if a, err := rolecall.ParseARN(arn); err == nil && a.Account == account {
							roles = append(roles, arn)
						}
					}
					if len(roles) > 0 {
						f.fix = func() { s.addCondition("ArnEquals", "aws:PrincipalArn", single(roles)) }
					}
				}
				p.report(f)
			}
		}
	},
}

// accountOf returns the account that a principal is the whole of, or "".
func accountOf(p principal) string {
	if p.kind != "AWS" {
		return ""
	}
	if rolecall.IsAccountID(p.Text) {
		return p.Text
	}
	if a, err := rolecall.ParseARN(p.Text); err == nil && a.Service == "iam" && a.Resource == "root" {
		return a.Account
	}
	return ""
}

// confined reports whether conditions name the identities that are meant.
func (s *statement) confined() bool {
	for _, c := range s.on("aws:PrincipalArn", "aws:userid", "aws:SourceIdentity") {
		if c.matches() && !slices.ContainsFunc(c.values.Strings(), func(v string) bool { return !namesIdentity(v) }) {
			return true
		}
	}
	return false
}

// namesIdentity reports whether a pattern says more of an identity than its
// account and whether it is a role.
func namesIdentity(pattern string) bool {
	name := pattern
	if strings.HasPrefix(pattern, "arn:") {
		_, name, _ = strings.Cut(strings.Join(strings.SplitN(pattern, ":", 6)[min(5, strings.Count(pattern, ":")):], ":"), "/")
	}
	return strings.Trim(name, "*?/") != ""
}
