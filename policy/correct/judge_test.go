package correct

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

func arn(t *testing.T, s string) rolecall.ARN {
	t.Helper()
	a, err := rolecall.ParseARN(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A corrected document allows the key that the bucket uses where nobody knows
// which that is.
func TestUnknownKey(t *testing.T) {
	t.Parallel()
	s := Setup{
		Connection: rolecall.Connection{
			Name: "delivery", Purpose: rolecall.Delivery, Bucket: "acme", Region: "eu-central-1", RoleARN: us, Encryption: &rolecall.Encryption{Type: "aws:kms"},
		},
		Role: arn(t, us), Principal: arn(t, "arn:aws:iam::999900009999:role/production"), ExternalID: "acme-42",
		SessionName: "acme.1", Region: "eu-central-1", Owner: "111122223333", Object: "x",
	}
	given := []Given{{policy.PermissionsDocument, "role.json", parsed(t, `{"Version":"2012-10-17","Statement":[`+ourGrant+`]}`)}}
	j, ok := s.Judge(Question{Step: rolecall.StepKey}, policy.PermissionsDocument, given)
	if !ok || j.Standing != Refuses || !strings.Contains(string(j.Corrected), `:111122223333:key/*"`) {
		t.Errorf("%t, %d: %s", ok, j.Standing, j.Corrected)
	}
}
