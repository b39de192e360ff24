package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
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
				known := exact(a.text)
				onKeys = onKeys || known != nil && known.on("key") && !known.on("alias")
			}
			for _, r := range s.resources() {
				parts := strings.SplitN(r.text, ":", 6)
				if !onKeys || len(parts) < 6 || parts[2] != "kms" || !strings.HasPrefix(parts[5], "alias/") {
					continue
				}
				f := found{
					at: r, message: quote(r.text) + " is an alias, and the use of a key is judged by the key's ARN",
					hint: "give arn:aws:kms:REGION:ACCOUNT:key/ID, or all keys with a condition on kms:ResourceAliases",
				}
				if key := p.key(); key != "" {
					f.widens = true
					f.fix = func() { r.become(text(key)) }
				} else if p.kind == policy.PermissionsDocument && s.allow && len(s.resources()) == 1 {
					f.widens = true
					f.fix = func() {
						alias := parts[5]
						parts[5] = "key/*"
						r.become(text(strings.Join(parts, ":")))
						s.addCondition("ForAnyValue:StringEquals", "kms:ResourceAliases", text(alias))
					}
				}
				p.report(f)
			}
		}
	},
}

// key gives the ARN of the connection's key, or "".
func (p *pass) key() string {
	if p.kit() == nil || p.kit().Connection.Encryption == nil {
		return ""
	}
	return p.kit().Connection.Encryption.Key
}
