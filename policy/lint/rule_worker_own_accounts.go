package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A worker that may assume any role may be led into the vendor's own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
var workerOwnAccounts = rule{
	code: "worker-own-accounts", severity: Warning, closes: true,
	title: "workers may assume roles of the vendor's own accounts",
	kinds: []policy.Kind{policy.WorkerDocument},
	check: func(p *pass) {
		accounts := p.vendorAccounts()
		for _, s := range p.allows() {
			if !s.assumes() {
				continue
			}
			for _, r := range p.matching(s) {
				parts := strings.SplitN(r.Text, ":", 6)
				if r.Text != "*" && (len(parts) < 6 || parts[4] != "*") {
					continue
				}
				var open []string
				for _, a := range accounts {
					if !p.deniedAccount(a) {
						open = append(open, "arn:"+p.partition()+":iam::"+a+":role/*")
					}
				}
				f := found{
					at: r, message: quote(r.Text) + " holds the roles of the vendor's own accounts too",
					hint: "add a Deny on the roles of the vendor's accounts",
				}
				switch {
				case len(open) > 0:
					f.fix = func() {
						s.insertAfter(tree.Object("Sid", "NeverOurOwn", "Effect", "Deny", "Action", "sts:AssumeRole", "Resource", single(open)))
					}
				case len(accounts) > 0 || p.deniesSomeRoles():
					continue
				}
				p.report(f)
			}
		}
	},
}

// vendorAccounts returns the accounts of the vendor, none without a connection.
func (p *pass) vendorAccounts() []string {
	if p.kit() == nil {
		return nil
	}
	out := slices.Clone(p.kit().VendorAccounts)
	for _, arn := range p.kit().Principals {
		if a, err := rolecall.ParseARN(arn); err == nil && !slices.Contains(out, a.Account) {
			out = append(out, a.Account)
		}
	}
	return out
}

// deniedAccount reports whether a Deny keeps workers out of the account's roles.
func (p *pass) deniedAccount(account string) bool {
	return slices.ContainsFunc(p.denied(), func(resource string) bool {
		parts := strings.SplitN(resource, ":", 6)
		return len(parts) == 6 && parts[4] == account && parts[5] == "role/*"
	})
}

// deniesSomeRoles reports whether some roles are kept from workers.
func (p *pass) deniesSomeRoles() bool { return len(p.denied()) > 0 }

// denied returns the resources on which a Deny forbids to assume roles.
func (p *pass) denied() []string {
	var out []string
	for _, s := range p.statements {
		if s.deny && s.assumes() && len(s.conditions()) == 0 {
			out = append(out, s.Get("Resource").Strings()...)
		}
	}
	return out
}
