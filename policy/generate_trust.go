package policy

import (
	"time"

	"github.com/rolecall/rolecall"
)

// trust has a statement for each principal, whose Sid is the principal's and the
// role's: one that is set up again locks no other of the vendor's out.
func (p *kitPlan) trust() []reasoned {
	why := "lets the vendor's workers in, with this organization's external id only"
	if len(p.ExternalIDs) > 1 {
		why += "; the old id and the new until the change is through"
	}
	if len(p.SessionActions) > 0 {
		why += "; with what their sessions hand on"
	}
	if p.Form == ByAccount {
		why += "; names them by condition, which outlives a worker role made anew, where the form principal would lock it out"
	} else {
		why += "; names them as principals, which AWS checks to exist; a worker role made anew is locked out: the form account outlives that"
	}
	var out []reasoned
	for _, principal := range p.Principals {
		s := Trust{Principals: []string{principal}, ExternalIDs: p.ExternalIDs, Form: p.Form, SessionActions: p.SessionActions}.statement()
		s.Sid += digest(principal, p.role.String())
		out = append(out, reasoned{s, why})
	}
	return out
}

// worker is the vendor's side: AssumeRole across accounts must be allowed on
// both.
func (p *kitPlan) worker() []reasoned {
	const command = "; attach it with what rolecall policy generate --format cli --side vendor prints"
	assume := draftStatement{Sid: "RolecallAssume", Effect: "Allow", Action: append(words{"sts:AssumeRole"}, p.SessionActions...)}
	if p.Worker == ListedRoles {
		for _, role := range distinct(append([]string{p.role.String()}, p.WorkerRoles...)) {
			assume.Resource = append(assume.Resource, escapeLiteral(role))
		}
		return []reasoned{{assume, "lets workers ask for exactly these roles of customers" + command}}
	}
	role := func(account string) string { return "arn:" + p.role.Partition + ":iam::" + account + ":role/*" }
	assume.Resource = words{role("*")}
	own := draftStatement{Sid: "RolecallNotOurs", Effect: "Deny", Action: assume.Action}
	for _, account := range p.accounts {
		own.Resource = append(own.Resource, role(account))
	}
	return []reasoned{
		{assume, "lets workers ask for any customer's role, whose trust policy decides" + command},
		{own, "keeps customers from leading workers into the vendor's own roles"},
	}
}

// workerLimit is what the smallest of the workers takes.
func (p *kitPlan) workerLimit() int {
	for _, principal := range p.Principals {
		if a, err := rolecall.ParseARN(principal); err == nil && a.RoleName() == "" {
			return MaxUserPolicy
		}
	}
	return MaxRolePolicy
}

// revocation ends the sessions that began before a time, and no later ones.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
func (p *kitPlan) revocation() []reasoned {
	if p.RevokeBefore.IsZero() {
		return nil
	}
	return []reasoned{{draftStatement{
		Sid: "RolecallRevoke", Effect: "Deny", Action: words{"*"}, Resource: words{"*"},
		Condition: draftConditions{{"DateLessThan", "aws:TokenIssueTime", words{p.RevokeBefore.UTC().Format(time.RFC3339)}}},
	}, "refuses all to sessions that began before; put it on the role as an inline policy of its own, and remove it after the longest session"}}
}

// accountRoot is how a policy names an account.
func accountRoot(a rolecall.ARN) string {
	return rolecall.ARN{Partition: a.Partition, Service: "iam", Account: a.Account, Resource: "root"}.String()
}
