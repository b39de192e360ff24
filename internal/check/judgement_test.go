package check

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// A document that is at fault does not end what else may be: AWS's own key is
// closed to other accounts, whatever the role may do.
func TestCautionOutlivesBlame(t *testing.T) {
	t.Parallel()
	const us = "arn:aws:iam::111122223333:role/media"
	permissions, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Sid":"Ours","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/in/*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	w := &work{Access: &access.Access{}, Request: Request{
		Connection: rolecall.Connection{
			Name: "delivery", Purpose: rolecall.Delivery, Bucket: "b", Region: "eu-central-1", RoleARN: us, BucketOwner: "444455556666",
			Encryption: &rolecall.Encryption{Type: "aws:kms"},
		},
		Principal:    rolecall.Principal{ARN: rolecall.ARN{Partition: "aws", Service: "iam", Account: "999900009999", Resource: "role/production"}},
		Organization: rolecall.Organization{APIName: "acme", ExternalID: rolecall.ExternalID{Value: "acme-42"}},
		Policies:     []correct.Given{{Kind: policy.PermissionsDocument, File: "role.json", Document: permissions}},
	}}
	w.arn, _ = rolecall.ParseRoleARN(us)
	w.region = "eu-central-1"
	f := w.judgeGiven(rolecall.StepKey, w.keyFault(t.Context(), "kms:GenerateDataKey", refusal.Answer{Kind: transfer.Denied}))
	told := f.step(rolecall.StepKey)
	if told.Layer != rolecall.LayerRole || !strings.Contains(told.Message, "by role.json it may not pass") {
		t.Fatalf("%+v", told)
	}
	if !strings.Contains(told.Hint, "aws/s3") {
		t.Errorf("nothing is said of AWS's own key: %s", told.Hint)
	}
}
