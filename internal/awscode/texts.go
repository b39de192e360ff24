package awscode

import "regexp"

// texts say more than the codes that they come with; those without a code are
// known by themselves. The first that matches counts. Each has its source.
var texts = []struct {
	code   string
	form   *regexp.Regexp
	means  Meaning
	source string
}{
	{"", regexp.MustCompile(`(?:^|: )Signature (?:expired|not yet current)`), Clock, iamGuide + "signature-v4-troubleshooting.html"},
	{"", regexp.MustCompile(`difference between the request time and the (?:current|server's) time is too large`), Clock, s3Errors},
	{"", regexp.MustCompile(`DurationSeconds exceeds .* chaining`), TooLongChained, iamGuide + "troubleshoot_roles.html"},
	{"", regexp.MustCompile(`DurationSeconds exceeds`), TooLong, iamGuide + "troubleshoot_roles.html"},
	{"ValidationError", regexp.MustCompile(`DurationSeconds`), TooLong, iamGuide + "troubleshoot_roles.html"},
	{"", regexp.MustCompile(`token included in the request is expired`), Expired, iamGuide + "troubleshoot_general.html"},
	{"", regexp.MustCompile(`provided token has expired`), Expired, s3Errors},
	{"", regexp.MustCompile(`(?i)encoded authorization failure message`), Encoded, "https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html"},

	// What S3 says with AccessDenied, and is no policy's.
	{"", regexp.MustCompile(`(?:^|>|: )Request has expired\b`), Expired, s3Guide + "using-presigned-url.html"},
	{"", regexp.MustCompile(`headers present in the request which were not signed|Query-string authentication requires the Signature`), Malformed, s3Errors},
	{"", regexp.MustCompile(`AWS authentication requires a valid Date or x-amz-date header`), Malformed, s3Errors},
	{"", regexp.MustCompile(`object protected by object lock`), Locked, s3Guide + "object-lock.html"},
	{"", regexp.MustCompile(`must be made over a secure connection`), Insecure, s3Guide + "ServerSideEncryptionCustomerKeys.html"},
	{"", regexp.MustCompile(`Anonymous (?:users|callers?) (?:cannot|must)|Anonymous access is forbidden`), Unsigned, s3Errors},
	{"", regexp.MustCompile(`the Credential is mal-?formed; expecting "<YOUR-AKID>`), BadKeys, s3Errors},

	// STS
	{"", regexp.MustCompile(`STS is not activated in this region`), RegionDisabled, iamGuide + "id_credentials_temp_enable-regions.html"},
	{"", regexp.MustCompile(`Roles may not be assumed by root accounts`), RootCaller, iamGuide + "id_roles_use_switch-role-api.html"},
	{"", regexp.MustCompile(`MultiFactorAuthentication failed`), WrongMFA, iamGuide + "id_credentials_mfa_configure-api-require.html"},
	{"", regexp.MustCompile(`Cannot call (?:GetSessionToken|GetFederationToken) with session credentials`), NotChained, iamGuide + "id_credentials_temp_request.html"},
	{"", regexp.MustCompile(`(?:Packed (?:size|policy)|[Pp]acked policy (?:size )?(?:consumes|exceeds)|PackedPolicySize)`), PolicyTooLarge, iamGuide + "reference_iam-quotas.html"},
	{"", regexp.MustCompile(`(?:No OpenIDConnect provider found|Incorrect token audience|Couldn't retrieve verification key)`), IdentityToken, iamGuide + "troubleshoot_roles.html"},
	{"", regexp.MustCompile(`security token included in the request is invalid`), BadKeys, iamGuide + "troubleshoot_general.html"},

	// Policies that are not stored. IAM, KMS and S3 have the same words for some.
	{"", regexp.MustCompile(`Invalid principal in policy`), BadPrincipal, iamGuide + "troubleshoot_roles.html"},
	{"", regexp.MustCompile(`Policy contains a statement with one or more invalid principals`), BadPrincipal, "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html"},
	{"", regexp.MustCompile(`Action does not apply to any resource`), NoMatch, s3Guide + "troubleshoot-403-errors.html"},
	{"", regexp.MustCompile(`Policy has (?:an )?invalid resource`), PolicyResource, s3Errors},
	{"", regexp.MustCompile(`Policy has (?:an )?invalid action`), PolicyAction, s3Errors},
	{"", regexp.MustCompile(`Policy has (?:an )?invalid condition`), PolicyCondition, s3Errors},
	{"", regexp.MustCompile(`Conditions do not apply to combination of actions and resources`), NoMatch, s3Errors},
	{"", regexp.MustCompile(`Has prohibited field Resource`), TrustResource, iamGuide + "reference_policies_elements_resource.html"},
	{"", regexp.MustCompile(`AssumeRole policy may only specify STS AssumeRole actions`), TrustAction, iamGuide + "troubleshoot_roles.html"},
	{"", regexp.MustCompile(`Policy document should not specify a principal`), IdentityPrincipal, iamGuide + "troubleshoot_policies.html"},
	{"", regexp.MustCompile(`Statement IDs \(SID\)|Statement Ids in the policy are not unique`), PolicySid, iamGuide + "reference_policies_elements_sid.html"},
	{"", regexp.MustCompile(`Missing required field (?:Principal|Resource|Action|Effect|Statement)|Policy statement must contain (?:actions|resources)`), PolicyElement, iamGuide + "troubleshoot_policies.html"},
	{"", regexp.MustCompile(`(?:Syntax errors in policy|This policy contains invalid Json|Policies must be valid JSON|policy is not in the valid JSON format|must be in ARN format or|` +
		`must be prefaced by a vendor|Has prohibited field|failed legacy parsing|Unknown field \w+|Invalid policy syntax)`), PolicyForm, iamGuide + "troubleshoot_policies.html"},
	{"", regexp.MustCompile(`Maximum policy size of \d+ bytes exceeded|Cannot exceed quota for \w+`), LimitReached, iamGuide + "reference_iam-quotas.html"},
	{"", regexp.MustCompile(`The new key policy will not allow you to update the key policy in the future`), Unmodifiable, "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html"},

	// KMS, by itself or in front of it S3
	{"", regexp.MustCompile(`Invalid keyId|Invalid arn \S+`), InvalidKey, "https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html"},
	{"", regexp.MustCompile(`Key '?arn:aws[\w-]*:kms:\S+ does not exist|Alias arn:aws[\w-]*:kms:\S+ is not found`), KeyMissing, "https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html"},
	{"", regexp.MustCompile(`arn:aws[\w-]*:kms:\S+ is disabled`), KeyDisabled, "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"},
	{"", regexp.MustCompile(`arn:aws[\w-]*:kms:\S+ is pending (?:deletion|import)`), KeyUnusable, "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"},

	// S3
	{"", regexp.MustCompile(`object was stored using a form of Server Side Encryption`), CustomerKey, s3Guide + "ServerSideEncryptionCustomerKeys.html"},
	{"", regexp.MustCompile(`(?:require|Please use) (?:AWS Signature Version 4|AWS4-HMAC-SHA256)`), OldSignature, s3Guide + "UsingKMSEncryption.html"},
	{"", regexp.MustCompile(`operation is not valid for the object's storage class`), Archived, s3Guide + "troubleshoot-403-errors.html"},
	{"", regexp.MustCompile(`bucket does not allow ACLs`), NoACLs, s3Guide + "object-ownership-error-responses.html"},
	{"", regexp.MustCompile(`bucket you are attempting to access must be addressed using the specified endpoint`), WrongRegion, s3Errors},
	{"", regexp.MustCompile(`[Tt]he authorization header is malformed; the region .* is wrong`), WrongRegion, s3Errors},
	{"", regexp.MustCompile(`All access to this (?:object|resource|bucket) has been disabled`), Closed, s3Errors},
}

const (
	iamGuide = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
	s3Guide  = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
	s3Errors = "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
)
