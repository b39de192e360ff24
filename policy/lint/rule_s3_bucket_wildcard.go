package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// A star at the end of a bucket's name reaches the objects, and all buckets
// whose names begin so.
var s3BucketWildcard = rule{
	code: "s3-bucket-wildcard", severity: Warning,
	title: "a star in a bucket's name opens other buckets",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			for _, r := range p.matching(s) {
				parts := strings.SplitN(r.Text, ":", 6)
				if len(parts) < 6 || parts[2] != "s3" {
					continue
				}
				name, _, slash := strings.Cut(parts[5], "/")
				if plain := strings.Trim(name, "*?"); plain == "" || !strings.ContainsAny(name, "*?") {
					continue // all buckets, or one; the first is another rule's
				}
				f := found{
					at: r, message: quote(r.Text) + " also matches every other bucket of such a name",
					hint: "write the bucket's whole name, and for its objects the name, a slash and a star",
				}
				bucket := strings.TrimSuffix(bucketOf(r.Text), "*")
				if !slash && !strings.ContainsAny(bucket, "*?") && !strings.HasSuffix(bucket, "-") && s.Get("Resource") != nil {
					f.fix = func() {
						left := s.Get("Resource").Without(r)
						s.Set("Resource", left.Add(bucket, bucket+"/*"))
					}
				}
				p.report(f)
			}
		}
	},
}
