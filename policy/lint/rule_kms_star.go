package lint

import "strings"

// kms:* holds deleting the key, and with it everything that it encrypts.
var kmsStar = rule{
	code: "kms-star", severity: Warning,
	title: "a wildcard allows more of the key than to use it",
	kinds: []Kind{Permissions},
	check: func(p *pass) {
		for _, s := range p.allows() {
			for _, a := range s.actions() {
				lower := strings.ToLower(a.text)
				if !strings.HasPrefix(lower, "kms:") || !strings.Contains(lower, "*") || strings.HasPrefix(lower, "kms:reencrypt") || strings.HasPrefix(lower, "kms:generatedatakey") {
					continue
				}
				var needed []string
				for _, name := range []string{"kms:Decrypt", "kms:GenerateDataKey"} {
					if glob(lower, strings.ToLower(name)) && (name == "kms:Decrypt" || p.granted("s3:PutObject")) {
						needed = append(needed, name)
					}
				}
				f := found{at: a, message: quote(a.text) + " allows more than the use of the key", hint: "allow kms:Decrypt and, for uploads, kms:GenerateDataKey"}
				if len(needed) > 0 {
					f.fix = func() { s.set("Action", s.get("Action").without(a).add(needed...)) }
				}
				p.report(f)
			}
		}
	},
}
