package lint

// An action on a bucket never matches the ARN of an object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html
var s3BucketActionOnObjects = rule{
	code: "s3-bucket-action-on-objects", severity: Error,
	title: "an action on buckets has only objects as resources",
	kinds: []Kind{Permissions, Bucket},
	check: func(p *pass) {
		p.misplaced((*action).onlyOnBuckets, func(t target) bool { return t.bucket || t.other },
			" works on buckets, and the statement names only objects, so it allows nothing",
			"give the bucket's ARN, without a slash; limit it to a prefix by a condition on s3:prefix", bucketOf)
	},
}
