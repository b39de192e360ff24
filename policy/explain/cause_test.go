package explain_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// TestTexts reads what AWS answers, as its tools and public reports show it.
// Causes that are no policy name no layer.
func TestTexts(t *testing.T) {
	t.Parallel()
	const (
		by         = "User: arn:aws:sts::111122223333:assumed-role/media/job is not authorized to perform: "
		ciphertext = by + "kms:Decrypt on the resource associated with this ciphertext"
		assume     = " when calling the AssumeRole operation: "
		put        = " when calling the PutBucketPolicy operation: "
		read       = " when calling the GetObject operation: "
	)
	for _, c := range []struct {
		text  string
		layer policy.DenialLayer
		says  string // in the summary or the first candidate
	}{
		{"An error occurred (RegionDisabledException)" + assume + "STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console.", "", "not active in this region"},
		{"api error RegionDisabledException: STS is not activated in this region for account: 111122223333", "", "not active in this region"},
		{"An error occurred (AccessDenied)" + assume + "Roles may not be assumed by root accounts.", "", "root user"},
		{"An error occurred (AccessDenied)" + assume + "MultiFactorAuthentication failed with invalid MFA one time pass code. ", "", "second factor"},
		{"An error occurred (AccessDenied) when calling the GetSessionToken operation: Cannot call GetSessionToken with session credentials", "", "long-term credentials"},
		{ciphertext + " because no identity-based policy allows the kms:Decrypt action", policy.DeniedByIdentity, "permissions policy"},
		{ciphertext + " because no resource-based policy allows the kms:Decrypt action", policy.DeniedByResource, "does not allow"},
		{ciphertext + " because no session policy allows the kms:Decrypt action", policy.DeniedBySession, "session policy"},
		{by + "kms:GenerateDataKey on this resource because no identity-based policy allows the kms:GenerateDataKey action", policy.DeniedByIdentity, "permissions policy"},
		{ciphertext + " with an explicit deny in an identity-based policy", policy.DeniedByIdentity, "Deny"},
		{ciphertext + " with an explicit deny in a service control policy", policy.DeniedBySCP, "Deny"},
		{ciphertext + " because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access", policy.DeniedByResource, "does not exist in this region"},
		{"An error occurred (MalformedPolicy)" + put + "Action does not apply to any resource(s) in statement", "", "do not fit"},
		{"MalformedPolicy: Action does not apply to any resource(s)", "", "do not fit"},
		{"An error occurred (MalformedPolicy)" + put + "Invalid principal in policy", "", "principal"},
		{`An error occurred (MalformedPolicyDocument) when calling the UpdateAssumeRolePolicy operation: Invalid principal in policy: "AWS":"AROA1234567890EXAMPLE"`, "", "principal"},
		{"An error occurred (MalformedPolicyDocument) when calling the PutRolePolicy operation: Syntax errors in policy.", "", "its JSON"},
		{"An error occurred (MalformedPolicyDocument)" + assume + "The policy is not in the valid JSON format.", "", "its JSON"},
		{"An error occurred (MalformedPolicy)" + put + "Policy has invalid resource", "", "not the bucket"},
		{"An error occurred (MalformedPolicy)" + put + "Policy has invalid action", "", "none of the service's"},
		{"An error occurred (MalformedPolicy)" + put + "Policy has an invalid condition key", "", "a condition in it"},
		{"An error occurred (MalformedPolicy)" + put + "Missing required field Principal", "", "lacks its Effect, Principal"},
		{"An error occurred (MalformedPolicyDocument) when calling the UpdateAssumeRolePolicy operation: Has prohibited field Resource", "", "it has a Resource"},
		{"An error occurred (MalformedPolicyDocument) when calling the UpdateAssumeRolePolicy operation: AssumeRole policy may only specify STS AssumeRole actions.", "", "by which a role is assumed"},
		{"An error occurred (MalformedPolicyDocument) when calling the PutRolePolicy operation: Policy document should not specify a principal.", "", "names a principal"},
		{"An error occurred (MalformedPolicyDocument) when calling the PutRolePolicy operation: Statement IDs (SID) in a single policy must be unique.", "", "a Sid stands at two"},
		{"An error occurred (MalformedPolicyDocument) when calling the PutRolePolicy operation: Resource acme must be in ARN format or \"*\".", "", "its JSON"},
		{"An error occurred (MalformedPolicyDocumentException) when calling the PutKeyPolicy operation: Policy contains a statement with one or more invalid principals.", "", "principal"},
		{"An error occurred (LimitExceeded) when calling the PutRolePolicy operation: Maximum policy size of 10240 bytes exceeded for role media", "", "larger than AWS takes"},
		{"An error occurred (NoSuchEntity) when calling the PutRolePolicy operation: The role with name media cannot be found.", "", "no role"},
		{"An error occurred (KMS.NotFoundException) when calling the PutObject operation: Invalid keyId 'aws/s3'", "", "names none"},
		{"KMS.NotFoundException: Invalid keyId aws/s3", "", "names none"},
		{"An error occurred (NotFoundException) when calling the Decrypt operation: Key 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab' does not exist", "", "no such key"},
		{"An error occurred (NotFoundException) when calling the Encrypt operation: Alias arn:aws:kms:eu-central-1:111122223333:alias/media is not found.", "", "no such key"},
		{"An error occurred (KMS.DisabledException)" + read + "arn:aws:kms:eu-central-1:111122223333:key/0 is disabled.", "", "disabled"},
		{"An error occurred (KMS.KMSInvalidStateException)" + read + "arn:aws:kms:eu-central-1:111122223333:key/0 is pending deletion.", "", "cannot be used"},
		{"An error occurred (PackedPolicyTooLarge)" + assume + "Packed policy consumes 118% of allotted space, please use smaller policy.", "", "larger than STS takes"},
		{"An error occurred (PackedPolicyTooLarge)" + assume + "Packed size of session tags consumes 134% of allotted space.", "", "larger than STS takes"},
		{"PackedPolicyTooLarge", "", "larger than STS takes"},
		{"An error occurred (InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: No OpenIDConnect provider found in your account for https://example.com", "", "identity provider"},
		{"An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid.", "", "access key"},
		{"An error occurred (InvalidRequest)" + read + "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.", "", "SSE-C"},
		{"An error occurred (InvalidObjectState)" + read + "The operation is not valid for the object's storage class", "", "archived"},
		{"operation error S3: GetObject, https response error StatusCode: 400, api error SomethingNew: it is new", "", "S3 answered SomethingNew to GetObject"},
		{"An error occurred (AnotherThingException) when calling the Decrypt operation: what", "", "KMS answered AnotherThingException to Decrypt"},
		{"<Error><Code>UnheardOf</Code><Message>never</Message></Error>", "", "AWS answered UnheardOf"},
		{`{"__type":"com.amazonaws.sts#OddException","message":"x"}`, "", "AWS answered OddException"},
		{"An error occurred (AccessDenied)" + read + "Access Denied s3://acme/NoSuchKey/NotFound", "", "does not say which policy"},
		{"NoSuchBucket", "", "no such bucket"},
		{"An error occurred (AccessDenied)" + put + `User: arn:aws:iam::111122223333:user/bob is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::b" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`, "", "BlockPublicPolicy"},
		{by + `s3:PutObjectAcl on resource: "arn:aws:s3:::b/k" because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access.`, "", "BlockPublicAcls"},
		{"<Error><Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>60</X-Amz-Expires></Error>", "", "expired"},
		{"<Error><Code>AccessDenied</Code><Message>There were headers present in the request which were not signed</Message></Error>", "", "as it was written"},
		{"AccessDenied: Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters", "", "as it was written"},
		{"<Error><Code>AccessDenied</Code><Message>AWS authentication requires a valid Date or x-amz-date header</Message></Error>", "", "as it was written"},
		{"An error occurred (AccessDenied) when calling the DeleteObject operation: Access Denied because object protected by object lock.", "", "object lock"},
		{"An error occurred (InvalidArgument) when calling the PutObject operation: Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.", "", "without TLS"},
		{"<Error><Code>AccessDenied</Code><Message>Anonymous users cannot initiate multipart uploads.  Please authenticate.</Message></Error>", "", "no credentials"},
		{"An error occurred (400) when calling the HeadObject operation: Bad Request", "", "S3 answered 400 to HeadObject"},
		{"An error occurred (301) when calling the HeadBucket operation: Moved Permanently", "", "another region"},
		{"An error occurred (404) when calling the HeadObject operation: Not Found", "", "does not exist"},
		{"fatal error: An error occurred (404) when calling the HeadBucket operation: Not Found", "", "no such bucket"},
		{`An error occurred (AuthorizationHeaderMalformed)` + read + `The authorization header is malformed; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`, "", "access key"},
		{"An error occurred (IllegalLocationConstraintException) when calling the CreateBucket operation: The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.", "", "no bucket can be made"},
		{"AccessDenied: Not authorized to perform sts:TagSession", "", "refused sts:TagSession"},
	} {
		e, err := explain.Message(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		sound(t, e)
		first := e.Candidates[0]
		if guessed := c.layer == "" && first.Layer != "" && !strings.Contains(c.text, "Access Denied") && !strings.Contains(c.text, "Not authorized"); guessed || e.Layer != c.layer || !strings.Contains(e.Summary+first.Message, c.says) {
			t.Errorf("%s: layer %q, %q, %+v", c.text, e.Layer, e.Summary, first)
		}
	}
}

// TestEveryCode checks that each code that AWS's models list is explained, that
// no layer is made up, and that the hint says who acts.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../internal/awscode/testdata/codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		service, code, found := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(line, "#") || !found || code == "AccessDenied" {
			continue
		}
		for _, text := range []string{
			"An error occurred (" + code + ") when calling the Something operation: as it is",
			"operation error " + strings.ToUpper(service) + ": Something, https response error StatusCode: 400, RequestID: 1, api error " + code + ": as it is",
			"<Error><Code>" + code + "</Code><Message>as it is</Message></Error>",
		} {
			e, err := explain.Message(text)
			if err != nil || strings.Contains(e.Summary, "rolecall does not know") || e.Candidates[0].Layer != "" {
				t.Errorf("%s: %v %+v", text, err, e)
			}
			if hint := e.Candidates[0].Hint; len(strings.Fields(hint)) > 25 {
				t.Errorf("%s: the hint %q is long", text, hint)
			}
		}
	}
}
