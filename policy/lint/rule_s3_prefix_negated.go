package lint

import "strings"

// A listing for a shorter prefix shows what is below a longer one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
var s3PrefixNegated = rule{
	code: "s3-prefix-negated", severity: Warning,
	title: "a listing is kept from a prefix, and shows it by a shorter one",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, c := range s.on("s3:prefix") {
				if c.base() == "Null" || !strings.HasPrefix(c.base(), "String") || s.deny == c.negated() {
					continue
				}
				f := atKey(c, "keeps a listing from the prefix named, and a request for a shorter one, or none, shows what is below it")
				f.hint = "allow the prefixes that may be listed by StringLike, or deny all others by StringNotLike"
				p.report(f)
			}
		}
	},
}
