package explain_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy/explain"
)

// IAM names its own resources by their kind and name: the layer is still read, and
// what is meant is an ARN of the caller's account.
func TestResourcesOfIAM(t *testing.T) {
	t.Parallel()
	const user = "User: arn:aws-cn:iam::111122223333:user/a is not authorized to perform: "
	for text, want := range map[string]string{
		user + "iam:GetRole on resource: role media because no identity-based policy allows the iam:GetRole action":                               "arn:aws-cn:iam::111122223333:role/media; the permissions policy; does not allow",
		user + "iam:PutRolePolicy on resource: role media with an explicit deny in an identity-based policy":                                      "arn:aws-cn:iam::111122223333:role/media; a Deny in the permissions policy",
		user + "iam:UpdateAssumeRolePolicy on resource: role media with an explicit deny in a service control policy":                             "a service control policy",
		user + "iam:GetUser on resource: user b because no permissions boundary allows the iam:GetUser action":                                    "arn:aws-cn:iam::111122223333:user/b; boundary",
		user + "iam:GetInstanceProfile on resource: instance profile p because no identity-based policy allows the iam:GetInstanceProfile action": "arn:aws-cn:iam::111122223333:instance-profile/p; does not allow",
	} {
		got, err := explain.Message(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, part := range strings.Split(want, "; ") {
			if !strings.Contains(got.Summary, part) {
				t.Errorf("%s\n%s\nwant %q", text, got.Summary, part)
			}
		}
	}
}
