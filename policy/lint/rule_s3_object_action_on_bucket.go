package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// An action on objects never matches the ARN of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html
var s3ObjectActionOnBucket = rule{
	code: "s3-object-action-on-bucket", severity: Error,
	title: "an action on objects has only buckets as resources",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.BucketDocument},
	check: func(p *pass) {
		p.misplaced((*action).onlyOnObjects, func(t target) bool { return t.object || t.other },
			" works on objects, and the statement names only buckets, so it allows nothing",
			func(*action) string { return "write the objects: the bucket's ARN, a slash, and a prefix with a star" },
			func(wrong []*tree.Node, resources []string) []part {
				var objects []string
				for _, r := range resources {
					there := p.objectsOf(strings.TrimSuffix(r, "/"))
					if there == nil {
						return nil
					}
					objects = append(objects, there...)
				}
				return []part{{actions: textsOf(wrong), resources: objects}}
			})
	},
}

// misplaced reports the actions of a sort none of whose statement's resources
// fits. The fix divides the statement into what right returns, if that is
// anything.
func (p *pass) misplaced(sort func(*action) bool, fits func(target) bool, message string, hint func(*action) string, right func(wrong []*tree.Node, resources []string) []part) {
	for _, s := range p.statements {
		resources := s.resources()
		if len(p.matching(s)) < len(resources) {
			continue // which comes first
		}
		fitting := len(resources) == 0
		for _, r := range resources {
			fitting = fitting || fits(targetOf(r.Text))
		}
		var wrong []*tree.Node
		for _, a := range s.actions() {
			if known := exact(a.Text); known != nil && strings.HasPrefix(known.name, "s3:") && sort(known) && !fitting {
				wrong = append(wrong, a)
			}
		}
		if len(wrong) == 0 {
			continue
		}
		parts := right(wrong, textsOf(resources))
		for i, a := range wrong {
			f := found{at: a, message: quote(a.Text) + message, hint: hint(exact(a.Text)), widens: true}
			switch {
			case parts == nil:
			case i == 0:
				f.fix = func() { s.divide(wrong, parts) }
			default:
				f.fix = func() {} // made with the first
			}
			p.report(f)
		}
	}
}

// textsOf returns the texts of values.
func textsOf(values []*tree.Node) []string { return (&tree.Node{Kind: '[', Items: values}).Strings() }
