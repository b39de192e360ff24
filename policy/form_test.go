package policy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
)

// Who cannot ask, and what cannot be asked for, is a fault and no decision.
func TestRequestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		member string
		good   []string
		bad    []string
	}{
		{
			"principal",
			[]string{
				"*", "ec2.amazonaws.com", "logs.eu-west-1.amazonaws.com.cn", "accounts.google.com", strings.Repeat("0a", 32),
				"arn:aws:iam::111122223333:root", "arn:aws-us-gov:iam::111122223333:user/a/b/c@d", "arn:aws:iam::111122223333:role/r",
				"arn:aws:sts::111122223333:assumed-role/r/s", "arn:aws:sts::111122223333:federated-user/f",
				"arn:aws:iam::111122223333:saml-provider/p", "arn:aws:iam::111122223333:oidc-provider/token.example.com/x",
			},
			[]string{
				"bob", "111122223333", "AIDACKCEVSQ6C2EXAMPLE", "arn:aws:iam::x:user/bob", "arn:aws:iam::111122223333:group/g", "arn:aws:iam::111122223333:user/",
				"arn:aws:iam::111122223333:rooty", "arn:aws:sts::111122223333:assumed-role/r", "arn:aws:s3:::b", "arn:aws:iam::111122223333:role/*",
				"*.amazonaws.com", "arn:aws:iam:eu-west-1:111122223333:user/bob", "user bob.x", strings.Repeat("a", 2048) + ".amazonaws.com",
			},
		},
		{
			"resource",
			[]string{"*", "arn:aws:s3:::b/k", "arn:aws:s3:::b/what?", "arn:aws:s3:::b/a*c", "arn:aws:s3:::*", "arn:aws:s3:::b/*", "arn:aws:sns:us-east-1:111122223333:a:b"},
			[]string{
				"k", "bucket/key", "s3://bucket/key", "arn:aws:s3", "arn:aws:s3:::", "**",
			},
		},
	} {
		ask := func(value string) string {
			members := map[string]string{"principal": "*", "action": "s3:GetObject", "resource": "*", c.member: value}
			line, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			return string(policy.SimulateLine(line))
		}
		for _, value := range c.good {
			if got := ask(value); !strings.Contains(got, `"decision"`) {
				t.Errorf("%s %s: %s", c.member, value, got)
			}
		}
		for _, value := range c.bad {
			if got := ask(value); !strings.Contains(got, `"pointer":"/`+c.member+`"`) || !strings.Contains(got, `"hint"`) {
				t.Errorf("%s %.100s: %s", c.member, value, got)
			}
		}
	}
}
