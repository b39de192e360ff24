package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// KMS judges the use of a key by the key's ARN; an alias names only itself.
// https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
var kmsAlias = rule{
	code: "kms-alias", severity: Error,
	title: "an alias stands where the key belongs",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			onKeys := false
			for _, a := range s.actions() {
				known := exact(a.Text)
				onKeys = onKeys || known != nil && known.on("key") && !known.on("alias")
			}
			for _, r := range s.resources() {
				parts := strings.SplitN(r.Text, ":", 6)
				if !onKeys || len(parts) < 6 || parts[2] != "kms" || !strings.HasPrefix(parts[5], "alias/") {
					continue
				}
				f := found{
					at: r, message: quote(r.Text) + " is an alias, and the use of a key is judged by the key's ARN",
					hint: "write arn:aws:kms:REGION:ACCOUNT:key/ID, or all keys with ForAnyValue:StringEquals on kms:ResourceAliases",
				}
				if key := p.key(); key != "" {
					f.widens = true
					f.fix = func() { r.Become(tree.Text(key)) }
				} else if p.kind == policy.PermissionsDocument && s.allow && len(s.resources()) == 1 {
					f.widens = true
					f.fix = func() {
						alias := parts[5]
						parts[5] = "key/*"
						r.Become(tree.Text(strings.Join(parts, ":")))
						s.addCondition("ForAnyValue:StringEquals", "kms:ResourceAliases", tree.Text(alias))
					}
				}
				p.report(f)
			}
		}
	},
}

// key returns the ARN of the connection's key, or "".
func (p *pass) key() string {
	if p.kit() == nil || p.kit().Connection.Encryption == nil {
		return ""
	}
	return p.kit().Connection.Encryption.Key
}
