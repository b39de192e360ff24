package lint_test

import (
	"fmt"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// TestWhatLimits tries conditions on documents that name everyone: those whose
// values anyone may have, or have made, limit nobody.
func TestWhatLimits(t *testing.T) {
	t.Parallel()
	for operator, values := range map[string]map[bool][]string{
		"IpAddress": {
			true:  {`"aws:SourceIp":"203.0.113.0/24"`, `"aws:SourceIp":["203.0.113.7","2001:db8::/32"]`, `"aws:SourceIp":"52.0.0.0/8"`},
			false: {`"aws:SourceIp":"0.0.0.0/0"`, `"aws:SourceIp":"::/0"`, `"aws:SourceIp":["203.0.113.0/24","0.0.0.0/1"]`, `"aws:SourceIp":"128.0.0.0/2"`, `"aws:VpcSourceIp":"10.0.0.0/8"`, `"aws:SourceIp":"2000::/3"`},
		},
		"StringLike": {
			true: {
				`"aws:PrincipalOrgID":"o-abc1234567"`, `"aws:userid":"AROA1234567890EXAMPLE:*"`, `"aws:PrincipalArn":"arn:aws:iam::873682911326:role/*"`,
				`"aws:PrincipalOrgPaths":"o-abc1234567/*"`, `"aws:SourceVpce":"vpce-1a2b3c4d"`, `"aws:PrincipalAccount":"873682911326"`,
				`"aws:PrincipalOrgID":"${aws:ResourceOrgID}"`,
			},
			false: {
				`"aws:PrincipalOrgID":"o-*"`, `"aws:SourceVpc":"vpc-*"`, `"aws:SourceVpce":"vpce-*"`, `"aws:userid":"*:worker"`, `"aws:username":"alice"`,
				`"aws:PrincipalArn":"arn:aws:iam::*:role/Worker"`, `"aws:PrincipalArn":"*"`, `"aws:PrincipalAccount":"8736829113??"`, `"aws:PrincipalTag/team":"media"`,
				`"aws:PrincipalOrgPaths":"o-*/r-ab12/*"`, `"aws:SourceArn":"arn:aws:s3:::*"`, `"aws:Referer":"https://example.com/"`, `"aws:UserAgent":"secret"`,
				`"aws:PrincipalArn":"${aws:PrincipalArn}"`, `"aws:SourceAccount":["873682911326","*"]`, `"aws:PrincipalType":"AssumedRole"`,
			},
		},
		"ArnLike": {
			true:  {`"aws:PrincipalArn":"arn:aws:iam::873682911326:role/W*"`, `"aws:SourceArn":"arn:aws:sns:*:873682911326:*"`},
			false: {`"aws:PrincipalArn":"arn:aws:iam::*:role/Worker"`, `"aws:PrincipalArn":["arn:aws:iam::873682911326:role/W*","arn:aws:iam::??????????????:*"]`, `"aws:SourceArn":"arn:aws:sns:*:*:*"`},
		},
		"ForAllValues:StringEquals": {false: {`"aws:PrincipalAccount":"873682911326"`}},
		"StringEqualsIfExists":      {false: {`"aws:PrincipalAccount":"873682911326"`}},
		"StringNotEquals":           {false: {`"aws:PrincipalAccount":"873682911326"`}},
		"Null":                      {false: {`"aws:PrincipalAccount":"false"`}},
		"Bool":                      {false: {`"aws:SecureTransport":"true"`}},
	} {
		for limited, all := range values {
			for _, asks := range all {
				for kind, rest := range map[policy.Kind]string{
					policy.TrustDocument:  `"Action":"sts:AssumeRole"`,
					policy.BucketDocument: `"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-masters/*"`,
					policy.KeyDocument:    `"Action":"kms:Decrypt","Resource":"*"`,
				} {
					data := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},%s,"Condition":{%q:{%s}}}]}`, rest, operator, asks)
					if found := of(check(t, []byte(data), lint.Options{Kind: kind}), "principal-anyone"); (len(found) == 0) != limited {
						t.Errorf("%s %s in a %s policy: limited is %v, want %v", operator, asks, kind, !limited, limited)
					}
				}
			}
		}
	}
}

// TestWhoConfines tries conditions on a trusted account.
func TestWhoConfines(t *testing.T) {
	t.Parallel()
	for asks, confined := range map[string]bool{
		`"aws:PrincipalArn":"arn:aws:iam::873682911326:role/Worker"`: true, `"aws:PrincipalArn":"arn:aws:iam::*:role/Worker"`: true,
		`"aws:PrincipalArn":"arn:aws:iam::873682911326:role/team/*"`: true, `"aws:userid":"AROA1234567890EXAMPLE:*"`: true,
		`"aws:PrincipalArn":"arn:aws:iam::873682911326:role/*"`: false, `"aws:PrincipalArn":"arn:aws:iam::873682911326:*"`: false, `"aws:PrincipalArn":"arn:*"`: false,
		`"aws:PrincipalArn":["arn:aws:iam::873682911326:role/Worker","*"]`: false, `"aws:userid":"*"`: false, `"aws:PrincipalArn":"arn:aws:iam::873682911326:*/*"`: false,
	} {
		data := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"873682911326"},"Action":"sts:AssumeRole","Condition":{"StringLike":{` + asks + `}}}]}`
		if found := of(check(t, []byte(data), lint.Options{}), "principal-root"); (len(found) == 0) != confined {
			t.Errorf("%s: confined is %v", asks, !confined)
		}
	}
}
