package lint

import (
	"slices"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// An action on a bucket never matches the ARN of an object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html
var s3BucketActionOnObjects = rule{
	code: "s3-bucket-action-on-objects", severity: Error,
	title: "an action on buckets has only objects as resources",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.BucketDocument},
	check: func(p *pass) {
		p.misplaced((*action).onlyOnBuckets, func(t target) bool { return t.bucket || t.other },
			" works on buckets, and the statement names only objects, so it allows nothing",
			func(a *action) string {
				if a.hasKey("s3:prefix") {
					return "write the bucket's ARN, without a slash; limit it to a prefix by a condition on s3:prefix"
				}
				return "give " + a.name + " a statement of its own on the bucket's ARN, without a slash; no condition limits it to a prefix"
			}, p.onBuckets)
	},
}

// onBuckets moves the actions to the buckets of the objects, and limits those
// that list to the objects' prefixes.
func (p *pass) onBuckets(wrong []*tree.Node, objects []string) []part {
	buckets := p.listings(objects)
	for _, r := range objects {
		if !slices.ContainsFunc(buckets, func(l listing) bool { return l.bucket == bucketOf(r) }) {
			return nil
		}
	}
	var lists, others []string
	for _, a := range wrong {
		if exact(a.Text).hasKey("s3:prefix") {
			lists = append(lists, a.Text)
		} else {
			others = append(others, a.Text)
		}
	}
	var parts []part
	for _, l := range buckets {
		if len(lists) > 0 {
			parts = append(parts, part{lists, []string{l.bucket}, l.prefixes})
		}
		if len(others) > 0 {
			parts = append(parts, part{actions: others, resources: []string{l.bucket}})
		}
	}
	return parts
}
