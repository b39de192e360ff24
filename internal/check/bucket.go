package check

// bucketSteps are the steps that look at the bucket, under credentials as the
// connection's jobs get them.
func bucketSteps() []step { return nil }
