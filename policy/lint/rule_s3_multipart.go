package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// Large objects are uploaded in parts; PutObject allows that. To go on with an
// upload and to remove one that broke takes two further actions.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
var s3Multipart = rule{
	code: "s3-multipart", severity: Warning,
	title: "uploads that break cannot be resumed or removed",
	kinds: []policy.Kind{policy.PermissionsDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			a := s.grants("s3:PutObject")
			if a == nil {
				continue
			}
			var missing []string
			for _, name := range []string{"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"} {
				if !p.granted(name) {
					missing = append(missing, name)
				}
			}
			if len(missing) == 0 {
				return
			}
			p.report(found{
				at: a, message: strings.Join(missing, " and ") + " missing beside s3:PutObject: what a broken upload leaves cannot be found or removed, and costs",
				hint: "allow them on the same objects as s3:PutObject", widens: true,
				fix: func() { s.Set("Action", s.Get("Action").Add(missing...)) },
			})
			return
		}
	},
}
