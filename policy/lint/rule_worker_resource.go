package lint

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Only roles can be assumed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_permissions-to-switch.html
var workerResource = rule{
	code: "worker-resource", severity: Error,
	title: "the resource of sts:AssumeRole is no role",
	kinds: []policy.Kind{policy.WorkerDocument, policy.PermissionsDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			if !s.assumes() || s.Get("Action").Without(s.grants("sts:AssumeRole")) != nil {
				continue
			}
			for _, r := range s.resources() {
				if assumable(r.Text) {
					continue
				}
				f := found{
					at: r, message: quote(r.Text) + " is not the ARN of a role, so no role may be assumed",
					hint: "write arn:aws:iam::ACCOUNT:role/NAME",
				}
				if right := p.roleMeant(r.Text); right != "" {
					f.hint = "write " + right + ", if that is meant"
					f.widens = true
					f.fix = func() { r.Become(tree.Text(right)) }
				}
				p.report(f)
			}
		}
	},
}

// assumable reports whether some role can match the value of Resource.
func assumable(resource string) bool {
	if resource == "*" {
		return true
	}
	parts := strings.SplitN(inVariables.ReplaceAllString(resource, "$"), ":", 6)
	if len(parts) < 6 {
		return strings.HasPrefix(resource, "arn:") && strings.HasSuffix(resource, "*") && (len(parts) < 3 || glob(parts[2], "iam"))
	}
	kind, _, _ := strings.Cut(parts[5], "/")
	return glob(parts[2], "iam") && glob(parts[3], "") && glob(kind, "role") && parts[4] != "" && isAccount(parts[4])
}

var roleParts = regexp.MustCompile(`\b([0-9]{12})[:/]+(?:role/|instance-profile/)?([\w+=,.@/-]+)$`)

// roleMeant returns the role that a wrong resource was meant to be: the
// connection's, or one of the account and name that stand in it.
func (p *pass) roleMeant(resource string) string {
	if p.kit() != nil && p.kit().Connection.RoleARN != "" {
		return p.kit().Connection.RoleARN
	}
	m := roleParts.FindStringSubmatch(resource)
	partition := "aws"
	if parts := strings.Split(resource, ":"); len(parts) > 1 && isPartition(parts[1]) {
		partition = parts[1]
	}
	if m == nil {
		return ""
	}
	arn := "arn:" + partition + ":iam::" + m[1] + ":role/" + m[2]
	if _, err := rolecall.ParseRoleARN(arn); err != nil {
		return ""
	}
	return arn
}
