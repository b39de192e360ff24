package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// A role that may decrypt under every key reads what other services keep.
// https://docs.aws.amazon.com/kms/latest/developerguide/iam-policies-best-practices.html
var kmsEveryKey = rule{
	code: "kms-every-key", severity: Warning,
	title: "every KMS key may be used",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			onlyKMS, uses := true, false
			for _, a := range s.actions() {
				lower := strings.ToLower(a.Text)
				onlyKMS = onlyKMS && strings.HasPrefix(lower, "kms:")
				uses = uses || strings.HasPrefix(lower, "kms:") && (glob(lower, "kms:decrypt") || glob(lower, "kms:generatedatakey"))
			}
			if !uses || slices.ContainsFunc(s.conditions(), condition.limitsKeys) {
				continue
			}
			for _, r := range p.matching(s) {
				if r.Text != "*" && !strings.HasSuffix(r.Text, ":key/*") && !strings.HasSuffix(r.Text, ":kms:*") {
					continue
				}
				f := found{at: r, message: quote(r.Text) + " is every key, also those that other services use", hint: "name the bucket's key, or add a condition on kms:ViaService"}
				if key := p.key(); key != "" && onlyKMS {
					f.fix = func() { s.Set("Resource", s.Get("Resource").Without(r).Add(key)) }
				}
				p.report(f)
			}
		}
	},
}

// limitsKeys reports whether a condition says which keys are meant, or for what
// they are used.
func (c condition) limitsKeys() bool {
	return keyIn([]string{"kms:ViaService", "kms:ResourceAliases", "kms:EncryptionContext:aws:s3:arn", "aws:ResourceTag/*"}, c.key) && c.matches() &&
		!slices.ContainsFunc(c.values.Strings(), func(v string) bool { return strings.Trim(v, "*") == "" })
}
