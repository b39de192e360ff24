package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// A vendor's role needs one bucket.
var s3EveryBucket = rule{
	code: "s3-every-bucket", severity: Warning,
	title: "every bucket of the account is opened",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			onlyS3, reaches := true, false
			for _, a := range s.actions() {
				known, _ := expand(a.Text)
				onlyS3 = onlyS3 && strings.HasPrefix(strings.ToLower(a.Text), "s3:")
				for _, k := range known {
					reaches = reaches || k.on("bucket") || k.on("object")
				}
			}
			for _, r := range p.matching(s) {
				if !reaches || !everyBucket(r.Text) {
					continue
				}
				f := found{
					at: r, message: quote(r.Text) + " is every bucket of the account",
					hint: "name one bucket, and its objects by a prefix",
				}
				if bucket, objects := p.connectionARNs(); bucket != "" && onlyS3 {
					f.fix = func() { s.Set("Resource", s.Get("Resource").Without(r).Add(bucket, objects)) }
				}
				p.report(f)
			}
		}
	},
}

// everyBucket reports whether a resource leaves the bucket open.
func everyBucket(resource string) bool {
	if resource == "*" {
		return true
	}
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 {
		return strings.HasPrefix(resource, "arn:") && strings.HasSuffix(resource, "*") && (len(parts) < 3 || parts[2] == "s3" || parts[2] == "*")
	}
	bucket, _, _ := strings.Cut(parts[5], "/")
	return parts[2] == "s3" && strings.Trim(bucket, "*") == "" && bucket != ""
}
