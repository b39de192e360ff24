package lint

// allRules are in the order in which their fixes are made: what a document is
// first, then its elements, then what they say. A new rule gets its line here.
var allRules = []rule{
	jsonSyntax,
	documentSeveral,
	jsonFence,
	jsonInvisible,
	jsonComment,
	jsonComma,
	jsonQuotes,
	jsonEscape,
	documentShape,
	versionUnknown,
	versionMissing,
	actionWithoutService,
	s3HeadBucket,
	s3Operation,
	actionUnknown,
	s3Star,
	s3EveryBucket,
	s3BucketWildcard,
	s3ObjectActionOnBucket,
	s3BucketActionOnObjects,
	s3MixedResources,
	s3Unneeded,
	s3PutObjectACL,
	s3Multipart,
	s3ListMissing,
	externalIDMissing,
}
