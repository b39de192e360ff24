package lint

import (
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// kms:* includes deleting the key, and with it everything that it encrypts.
var kmsStar = rule{
	code: "kms-star", severity: Warning,
	title: "a wildcard allows more of the key than to use it",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.KeyDocument},
	check: func(p *pass) {
		if p.kind == policy.KeyDocument {
			p.keyStars()
			return
		}
		for _, s := range p.allows() {
			for _, a := range s.actions() {
				lower := strings.ToLower(a.Text)
				if !strings.HasPrefix(lower, "kms:") || !strings.Contains(lower, "*") || strings.HasPrefix(lower, "kms:reencrypt") || strings.HasPrefix(lower, "kms:generatedatakey") {
					continue
				}
				var needed []string
				for _, name := range []string{"kms:Decrypt", "kms:GenerateDataKey"} {
					if glob(lower, strings.ToLower(name)) && (name == "kms:Decrypt" || p.granted("s3:PutObject")) {
						needed = append(needed, name)
					}
				}
				f := found{at: a, message: quote(a.Text) + " allows more than the use of the key", hint: "allow kms:Decrypt and, for uploads, kms:GenerateDataKey only"}
				if len(needed) > 0 {
					f.fix = func() { s.Set("Action", s.Get("Action").Without(a).Add(needed...)) }
				}
				p.report(f)
			}
		}
	},
}

// keyStars reports the wildcards of a key's policy that include its use and more.
// The key's account has all by AWS's default; narrowing it could lock the key,
// so nothing is fixed here.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func (p *pass) keyStars() {
	for _, s := range p.allows() {
		owner := len(s.principals()) > 0
		for _, who := range s.principals() {
			account := accountOf(who)
			key, err := rolecall.ParseARN(p.key())
			owner = owner && account != "" && (err != nil || account == key.Account)
		}
		for _, a := range s.actions() {
			lower := strings.ToLower(a.Text)
			if owner && len(s.conditions()) == 0 || !strings.Contains(lower, "*") || !glob(lower, "kms:decrypt") {
				continue
			}
			p.report(found{at: a, message: quote(a.Text) + " allows more than the use of the key", hint: "allow kms:Decrypt and, for uploads, kms:GenerateDataKey only; leave the rest to the key's account"})
		}
	}
}
