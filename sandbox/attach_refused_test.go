package sandbox

import (
	"errors"
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// What AWS does not store in a bucket's policy, in its words.
func TestBucketPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	client := w.s3(keysOf("admin"), "eu-central-1")
	document := func(statements string) string { return `{"Version":"2012-10-17","Statement":` + statements + `}` }
	statement := func(elements string) string {
		return document(`[{"Effect":"Allow","Principal":"*",` + elements + `}]`)
	}
	on := func(action, resource, rest string) string {
		return statement(`"Action":` + action + `,"Resource":` + resource + rest)
	}
	when := func(operator, key, value string) string {
		return `,"Condition":{"` + operator + `":{"` + key + `":` + value + `}}`
	}
	const (
		bucket, objects = `"arn:aws:s3:::acme-vault"`, `"arn:aws:s3:::acme-vault/*"`
		both            = `["arn:aws:s3:::acme-vault","arn:aws:s3:::acme-vault/*"]`
		notApplied      = "Action does not apply to any resource(s) in statement"
		notCombined     = "Conditions do not apply to combination of actions and resources in statement"
		wrongKey        = "Policy has an invalid condition key"
		wrongAddress    = "Invalid IP address in Conditions"
	)
	get, list := `"s3:GetObject"`, `"s3:ListBucket"`
	for _, c := range []struct{ name, text, want string }{
		{"no statement", `{"Version":"2012-10-17"}`, "Missing required field Statement"},
		{"no statements", document(`[]`), "Could not parse the policy: Statement is empty!"},
		{"an unknown version", `{"Version":"2013-10-17","Statement":[]}`, "The policy must contain a valid version string"},
		{"an unknown element", on(get, objects, `,"Conditions":{}`), "Invalid policy syntax."},
		{"no effect", document(`[{"Principal":"*","Action":"s3:*","Resource":` + objects + `}]`), "Missing required field Effect"},
		{"an unknown effect", document(`[{"Effect":"allow","Principal":"*","Action":"s3:*","Resource":` + objects + `}]`), "Invalid effect: allow"},
		{"a principal of none", document(`[{"Effect":"Allow","Principal":{"AWS":[]},"Action":"s3:*","Resource":` + objects + `}]`), "Missing required field Principal cannot be empty!"},
		{"a principal of no kind", document(`[{"Effect":"Allow","Principal":{},"Action":"s3:*","Resource":` + objects + `}]`), "Missing required field Principal cannot be empty!"},
		{"a principal without a name", document(`[{"Effect":"Allow","Principal":{"AWS":""},"Action":"s3:*","Resource":` + objects + `}]`), "Missing required field Principal cannot be empty!"},
		{"allow all but some", document(`[{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*","Resource":` + objects + `}]`), "Allow with NotPrincipal is not allowed."},
		{"no action", statement(`"Resource":` + objects), "Missing required field Action"},
		{"actions of none", on(`[]`, objects, ""), "Missing required field Action cannot be empty!"},
		{"resources of none", on(get, `[]`, ""), "Missing required field Resource cannot be empty!"},

		{"an action that is not there", on(`"s3:GetObjects"`, objects, ""), "Policy has invalid action"},
		{"a wildcard for none", on(`"s3:Fetch*"`, objects, ""), "Policy has invalid action"},
		{"no service", on(`"GetObject"`, objects, ""), "Policy has invalid action"},
		{"bucket's action on all objects", on(list, objects, ""), notApplied},
		{"bucket's action on objects", on(`"s3:ListBucketVersions"`, `"arn:aws:s3:::acme-vault/in/*"`, ""), notApplied},
		{"one of two on objects", on(`["s3:GetObject","s3:GetBucketLocation"]`, objects, ""), notApplied},
		{"one of two on the bucket", on(`["s3:ListBucket","s3:PutObject"]`, bucket, ""), notApplied},
		{"object's action on the bucket", on(`"s3:GetObjectTagging"`, bucket, ""), notApplied},
		{"a wildcard of object's actions on the bucket", on(`"s3:GetObject*"`, bucket, ""), notApplied},
		{"the account's action", on(`"s3:ListAllMyBuckets"`, both, ""), notApplied},

		{"a key of lists for objects", on(get, objects, when("StringLike", "s3:prefix", `"in/*"`)), notCombined},
		{"a key of one of two", on(`["s3:ListBucket","s3:GetBucketLocation"]`, bucket, when("StringLike", "s3:prefix", `"in/*"`)), notCombined},
		{"a key of writes for reads", on(get, objects, when("StringEquals", "s3:x-amz-server-side-encryption", `"aws:kms"`)), notCombined},
		{"a key that is not there", on(get, objects, when("StringEquals", "s3:nosuchkey", `"x"`)), wrongKey},
		{"a key of another service", on(get, objects, when("StringEquals", "kms:ViaService", `"x"`)), wrongKey},
		{"a key of none", on(get, objects, when("StringEquals", "prefix", `"x"`)), wrongKey},
		{"not an address", on(get, objects, when("IpAddress", "aws:SourceIp", `"not-an-ip"`)), wrongAddress},
		{"one is no address", on(get, objects, when("NotIpAddress", "aws:SourceIp", `["192.0.2.1","192.0.2.0/33"]`)), wrongAddress},
		{"no address at all", on(get, objects, when("IpAddressIfExists", "aws:SourceIp", `""`)), wrongAddress},
		{"an address as a word", on(get, objects, when("ForAnyValue:IpAddress", "aws:SourceIp", `"192.0.2"`)), wrongAddress},

		{"an operator that is not there", on(get, objects, when("StringSame", "aws:SourceIp", `"x"`)), "Invalid Condition type : StringSame"},
		{"an operator in another form", on(get, objects, when("ForAllValue:StringEquals", "aws:SourceIp", `"x"`)), "Invalid Condition type : ForAllValue:StringEquals"},
		{"a wildcard of all", on(`"s3:*"`, objects, when("StringLike", "s3:prefix", `"in/*"`)), notCombined},
		{"everything", on(`"s3:*"`, both, when("StringLike", "s3:prefix", `"in/*"`)), ""},
		{"all of AWS's", on(`"*"`, both, ""), ""},
		{"a bucket's name with a star", on(get, `"arn:aws:s3:::acme-v*"`, ""), ""},
		{"lists under a prefix", on(list, bucket, when("StringLike", "s3:prefix", `"in/*"`)), ""},
		{"lists, in another case", on(`"S3:listbucket"`, bucket, when("StringLike", "S3:Prefix", `"in/*"`)), ""},
		{"a tag", on(get, objects, when("StringEquals", "s3:ExistingObjectTag/team", `"media"`)), ""},
		{"a tag with a slash", on(`"s3:PutObject"`, objects, when("StringEquals", "s3:RequestObjectTag/a/b", `"c"`)), ""},
		{"a global key that is not there", on(get, objects, when("StringEquals", "aws:NoSuchKey", `"x"`)), ""},
		{"of TLS", on(`["s3:GetObject","s3:ListBucket"]`, both, when("NumericLessThan", "s3:TlsVersion", `"1.2"`)), ""},
		{"addresses", on(get, objects, when("IpAddress", "aws:SourceIp", `["192.0.2.1","192.0.2.7/24","2001:db8::/32","::1"]`)), ""},
		{"all but", statement(`"NotAction":"s3:DeleteObject","Resource":` + both), ""},
		{"elsewhere", statement(`"Action":"s3:ListBucket","NotResource":` + objects), ""},
	} {
		_, err := client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("acme-vault"), Policy: &c.text})
		code := ""
		if c.want != "" {
			code = "MalformedPolicy"
		}
		if codeOf(err) != code || err != nil && !strings.HasSuffix(err.Error(), "MalformedPolicy: "+c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// What IAM does not store, in its words: the first two documents for a user or
// a role, the others for a role's trust.
func TestIAMPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	const valid = `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	one := func(elements string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow",` + elements + `}}`
	}
	put := func(text string) (string, []string) {
		return "PutUserPolicy", []string{"UserName", "nobody", "PolicyName", "p", "PolicyDocument", text}
	}
	managed := func(text string) (string, []string) {
		return "CreatePolicy", []string{"PolicyName", "p" + sha256Hex(text)[:8], "PolicyDocument", text}
	}
	trust := func(text string) (string, []string) {
		return "UpdateAssumeRolePolicy", []string{"RoleName", "media", "PolicyDocument", text}
	}
	const principal = `"Principal":{"AWS":"873682911326"},"Action":"sts:AssumeRole"`
	type call func(string) (string, []string)
	for _, c := range []struct {
		name  string
		calls []call
		text  string
		want  string
	}{
		{"no JSON", []call{put, managed}, `{"Statement":[}`, "Syntax errors in policy."},
		{"no statements", []call{put, managed}, `{"Version":"2012-10-17","Statement":[]}`, "Syntax errors in policy."},
		{"no statement", []call{put, managed}, `{"Version":"2012-10-17"}`, "Syntax errors in policy."},
		{"no effect", []call{put, managed}, `{"Statement":{"Action":"s3:*","Resource":"*"}}`, "Syntax errors in policy."},
		{"an unknown element", []call{put, managed}, one(`"Action":"s3:*","Resource":"*","Extra":1`), "Syntax errors in policy."},
		{"a Sid twice", []call{put, managed}, valid + `,{"Sid":"a","Effect":"Deny","Action":"s3:*","Resource":"*"}]}`, "Statement IDs (SID) in a single policy must be unique."},
		{"a Sid with a blank", []call{put, managed}, one(`"Sid":"a b","Action":"s3:*","Resource":"*"`), "Statement IDs (SID) must be alpha-numeric."},
		{"a principal of none", []call{put, managed}, one(`"Principal":{"AWS":[]},"Action":"s3:*","Resource":"*"`), "Policy document should not specify a principal."},
		{"no action", []call{put, managed}, one(`"Resource":"*"`), "Policy statement must contain actions."},
		{"actions of none", []call{put, managed}, one(`"Action":[],"Resource":"*"`), "Policy statement must contain actions."},
		{"all but none", []call{put, managed}, one(`"NotAction":[],"Resource":"*"`), "Policy statement must contain actions."},
		{"no resource", []call{put, managed}, one(`"Action":"s3:*"`), "Policy statement must contain resources."},
		{"resources of none", []call{put, managed}, one(`"Action":"s3:*","Resource":[]`), "Policy statement must contain resources."},
		{"elsewhere than none", []call{put, managed}, one(`"Action":"s3:*","NotResource":[]`), "Policy statement must contain resources."},
		{"no ARN", []call{put, managed}, one(`"Action":"s3:*","Resource":"acme-masters"`), `Resource acme-masters must be in ARN format or "*".`},
		{"an empty resource", []call{put, managed}, one(`"Action":"s3:*","Resource":""`), `Resource  must be in ARN format or "*".`},
		{"no service", []call{put, managed}, one(`"Action":"GetObject","Resource":"*"`), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		{"two colons", []call{put, managed}, one(`"Action":"s3:Get:Object","Resource":"*"`), "Actions/Condition can contain only one colon."},
		{"no name of a service", []call{put, managed}, one(`"Action":"s 3:GetObject","Resource":"*"`), "Vendor s 3 is not valid"},
		{"not an address", []call{put, managed}, one(`"Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"not-an-ip"}}`), "The policy failed legacy parsing"},
		{"a key without a service", []call{put, managed}, one(`"Action":"s3:*","Resource":"*","Condition":{"StringLike":{"prefix":"x"}}`), noVendor},
		{"a key of no service", []call{put, managed}, one(`"Action":"s3:*","Resource":"*","Condition":{"Bool":{":SecureTransport":"true"}}`), noVendor},
		{"a tag without a service", []call{put, managed}, one(`"Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"PrincipalTag/team":"x"}}`), noVendor},
		{"one key of two without a service", []call{put, managed}, one(`"Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true","SecureTransport":"true"}}`), noVendor},
		{"a key with colons", []call{put, managed}, one(`"Action":"kms:*","Resource":"*","Condition":{"StringLike":{"kms:EncryptionContext:aws:s3:arn":"x"},"StringEquals":{"aws:ResourceTag/aws:cloudformation:stack-name":"x"}}`), ""},
		{"a key that is not there", []call{put, managed}, one(`"Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:nosuchkey":"x"}}`), ""},
		{"a key of lists for objects", []call{put, managed}, one(`"Action":"s3:GetObject","Resource":"*","Condition":{"StringLike":{"s3:prefix":"x"}}`), ""},
		{"Sids", []call{put, managed}, valid + `,{"Sid":"A","Effect":"Deny","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}`, ""},

		{"trust: no JSON", []call{trust}, `{"Statement":[}`, "This policy contains invalid Json"},
		{"trust: no statements", []call{trust}, `{"Statement":[]}`, "Could not parse the policy: Statement is empty!"},
		{"trust: an unknown version", []call{trust}, `{"Version":"2012-10-18","Statement":[]}`, "The policy must contain a valid version string"},
		{"trust: a principal of none", []call{trust}, one(`"Principal":{"AWS":[]},"Action":"sts:AssumeRole"`), "Missing required field Principal cannot be empty!"},
		{"trust: services of none", []call{trust}, one(`"Principal":{"AWS":"873682911326","Service":[]},"Action":"sts:AssumeRole"`), "Missing required field Principal cannot be empty!"},
		{"trust: all but some", []call{trust}, one(`"NotPrincipal":{"AWS":"873682911326"},"Action":"sts:AssumeRole"`), "Allow with NotPrincipal is not allowed."},
		{"trust: deny all but some", []call{trust}, `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"873682911326"},"Action":"sts:AssumeRole"}}`, "AssumeRole policy must not contain NotPrincipal field."},
		{"trust: no action", []call{trust}, one(`"Principal":{"AWS":"873682911326"}`), "Missing required field Action"},
		{"trust: actions of none", []call{trust}, one(`"Principal":{"AWS":"873682911326"},"Action":[]`), "Missing required field Action cannot be empty!"},
		{"trust: a resource", []call{trust}, one(principal + `,"Resource":"*"`), "Has prohibited field Resource"},
		{"trust: a Sid twice", []call{trust}, `{"Statement":[{"Sid":"a","Effect":"Allow",` + principal + `},{"Sid":"a","Effect":"Allow",` + principal + `}]}`, "The Statement Ids in the policy are not unique"},
		{"trust", []call{trust}, `{"Statement":[{"Sid":"a","Effect":"Allow",` + principal + `},{"Sid":"b","Effect":"Allow",` + principal + `}]}`, ""},
	} {
		for _, call := range c.calls {
			operation, parameters := call(c.text)
			status, body := w.iam(t, keysOf("admin"), operation, parameters...)
			want := http.StatusBadRequest
			if c.want == "" {
				want = http.StatusOK
			}
			if status != want || c.want != "" && !strings.Contains(body, "<Code>MalformedPolicyDocument</Code><Message>"+c.want) {
				t.Errorf("%s by %s: %d %s, want %q", c.name, operation, status, body, c.want)
			}
		}
	}
}

func TestKeyPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	for _, text := range []string{
		`{"Statement":[]}`,
		`{"Statement":{"Effect":"Allow","Principal":{"AWS":[]},"Action":"kms:*","Resource":"*"}}`,
		`{"Statement":{"Effect":"Allow","Principal":{},"Action":"kms:*","Resource":"*"}}`,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":[]}}`,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*"}}`,
	} {
		_, out := w.kms(t, keysOf("admin"), "PutKeyPolicy", input{"KeyId": "open", "Policy": text, "BypassPolicyLockoutSafetyCheck": true})
		if out["__type"] != "MalformedPolicyDocumentException" {
			t.Errorf("%s: %v", text, out)
		}
	}
}

// Principals that are not AWS's exist neither in a bucket's policy nor in a trust;
// nor does an address that is none.
func TestPrincipalsThatDoNotExist(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	buckets := w.s3(keysOf("admin"), "eu-central-1")
	setTrust := func(text string) error {
		if status, answer := w.iam(t, keysOf("admin"), "UpdateAssumeRolePolicy", "RoleName", "media", "PolicyDocument", text); status != http.StatusOK {
			return errors.New(html.UnescapeString(answer))
		}
		return nil
	}
	const canonical = `"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"`
	for principal, exists := range map[string]bool{
		`"Service":"ec2.amazonaws.com"`: true, `"Service":"logs.eu-central-1.amazonaws.com"`: true, `"Service":"s3.amazonaws.com"`: true, `"Service":"ec2.amazonaws.com.cn"`: true,
		`"Service":["lambda.amazonaws.com","delivery.logs.amazonaws.com"]`: true, `"Service":"vpc-flow-logs.amazonaws.com"`: true,
		`"Service":"bogus.amazonaws.com"`: false, `"Service":"ec2.example.com"`: false, `"Service":["ec2.amazonaws.com","ec3.amazonaws.com"]`: false, `"Service":"ec2.nowhere.amazonaws.com"`: false,
		`"Federated":"accounts.google.com"`: true, `"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"`: true,
		`"Federated":"x"`: false, `"Federated":"arn:aws:iam::121212121212:saml-provider/idp"`: false, `"Federated":"example.com"`: false,
		`"CanonicalUser":` + canonical: false, `"CanonicalUser":"aaa"`: false,
	} {
		for _, document := range []struct {
			name string
			put  func(text string) error
			text string
		}{
			{"bucket", func(text string) error {
				_, err := buckets.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("acme-vault"), Policy: &text})
				return err
			}, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{` + principal + `},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-vault/*"}]}`},
			{"trust", setTrust, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{` + principal + `},"Action":"sts:AssumeRole"}]}`},
		} {
			if err := document.put(document.text); (err == nil) != exists || err != nil && !strings.Contains(err.Error(), "Invalid principal in policy") {
				t.Errorf("%s of %s: %v", principal, document.name, err)
			}
		}
	}
	for value, fits := range map[string]bool{`"x"`: false, `["192.0.2.1","y"]`: false, `"192.0.2.0/24"`: true} {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole","Condition":{"IpAddress":{"aws:SourceIp":` + value + `}}}]}`
		if err := setTrust(text); (err == nil) != fits {
			t.Errorf("the address %s: %v", value, err)
		}
	}
}
