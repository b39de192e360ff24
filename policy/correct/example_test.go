package correct_test

import (
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// A bucket is open to an office only, so that a vendor's role cannot list it.
// The correction lets the role do what its connection does, and keeps the rest.
func ExampleSetup_Judge() {
	bucket, err := policy.Parse([]byte(`{"Version": "2012-10-17", "Statement": [{
		"Sid": "Office", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::acme-masters", "arn:aws:s3:::acme-masters/*"],
		"Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	setup := correct.Setup{
		Connection: rolecall.Connection{
			Name: "masters", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1",
			RoleARN: "arn:aws:iam::111122223333:role/media",
		},
		Role:       rolecall.ARN{Partition: "aws", Service: "iam", Account: "111122223333", Resource: "role/media"},
		Principal:  rolecall.ARN{Partition: "aws", Service: "iam", Account: "999900009999", Resource: "role/worker"},
		ExternalID: "rc-6Qm2v9TtXhF0aZ8bLw3cYd", SessionName: "acme.job-1", Region: "eu-central-1", Owner: "111122223333", Object: "in/film.mov",
	}
	question := correct.Question{
		Step:       rolecall.StepList,
		Denial:     policy.Denial{Action: "s3:ListBucket", Layer: policy.DeniedByResource, Explicit: true},
		LayerKnown: true,
	}
	given := []correct.Given{{Kind: policy.BucketDocument, File: "bucket.json", Document: bucket}}
	judgement, ok := setup.Judge(question, policy.BucketDocument, given)
	fmt.Println(ok, judgement.Standing == correct.Unsure) // where the request comes from is not known
	fmt.Println(judgement.Changes)
	// Output:
	// true true
	// put the corrected document in the place of bucket.json; narrowed: Office, Office2, Office3, Office4; all else stays
}
