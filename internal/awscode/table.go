package awscode

import "regexp"

// Meaning is what an answer of AWS's means.
type Meaning string

// The meanings.
const (
	Unlisted Meaning = "" // the code is not in the table

	Denied  Meaning = "denied"  // a policy refuses
	Closed  Meaning = "closed"  // AWS has closed the bucket, the object or the account
	Encoded Meaning = "encoded" // a policy refuses, and the text that says which is encoded

	BadKeys      Meaning = "bad_keys"      // the access key is not known, or is disabled
	BadSignature Meaning = "bad_signature" // the secret key does not fit the access key
	Expired      Meaning = "expired"       // the session is over
	Clock        Meaning = "clock"         // the request's time is too far from AWS's

	Throttled Meaning = "throttled" // too many requests: this one was not looked at
	Failing   Meaning = "failing"   // the server fails or is overloaded; the request may have been carried out
	Contended Meaning = "contended" // another request on the same thing is under way

	NoObject    Meaning = "no_object"
	NoBucket    Meaning = "no_bucket"
	NoUpload    Meaning = "no_upload" // it was completed or aborted meanwhile
	NoRange     Meaning = "no_range"  // the object has no such bytes
	Changed     Meaning = "changed"   // a condition of the request does not hold
	Archived    Meaning = "archived"
	Corrupt     Meaning = "corrupt"
	TooLarge    Meaning = "too_large"
	WrongRegion Meaning = "wrong_region"
	Unsupported Meaning = "unsupported" // the server does not do this

	NoACLs         Meaning = "no_acls" // the bucket's owner owns all objects
	NoStorageClass Meaning = "no_storage_class"
	LargeMetadata  Meaning = "large_metadata"

	KeyDisabled Meaning = "key_disabled" // the KMS key
	KeyUnusable Meaning = "key_unusable" // the KMS key's state: waiting to be deleted, or without key material
	KeyMissing  Meaning = "key_missing"  // the KMS key

	RegionDisabled  Meaning = "region_disabled" // STS is not active there for the account
	PolicyTooLarge  Meaning = "policy_too_large"
	MalformedPolicy Meaning = "malformed_policy"
	InvalidRequest  Meaning = "invalid_request"
	TooLong         Meaning = "too_long"         // the role does not grant sessions as long
	TooLongChained  Meaning = "too_long_chained" // a session's session lasts no longer than an hour
)

// groups are the codes by themselves.
//
// S3's are in https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
// those that all services have in
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, STS's in
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, KMS's in
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html.
var groups = map[Meaning][]string{
	Denied: {AccessDenied, "AccessDeniedException", "Forbidden"},
	Closed: {"AllAccessDisabled", "AccountProblem", "InvalidPayer"},

	BadKeys: {
		"InvalidAccessKeyId", "InvalidToken", "InvalidSecurity", "NotSignedUp", "InvalidClientTokenId", "UnrecognizedClientException",
		"MissingAuthenticationToken",
	},
	BadSignature: {"SignatureDoesNotMatch", "IncompleteSignature"},
	Expired:      {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"},
	Clock:        {"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"},

	Throttled: {
		"SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException", "BandwidthLimitExceeded", "PriorRequestNotComplete",
	},
	Failing:   {"ServiceUnavailable", "InternalError", "InternalFailure", "RequestTimeout", "RequestTimeoutException"},
	Contended: {"OperationAborted", "ConditionalRequestConflict"},

	NoObject:    {"NoSuchKey", "NotFound", "NoSuchVersion"},
	NoBucket:    {"NoSuchBucket"},
	NoUpload:    {"NoSuchUpload"},
	NoRange:     {"InvalidRange"},
	Changed:     {"PreconditionFailed"},
	Archived:    {"InvalidObjectState"},
	Corrupt:     {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "IncompleteBody"},
	TooLarge:    {"EntityTooLarge"},
	WrongRegion: {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"},
	Unsupported: {"NotImplemented", "MethodNotAllowed"},

	NoACLs:         {"AccessControlListNotSupported"},
	NoStorageClass: {"InvalidStorageClass"},
	LargeMetadata:  {MetadataTooLarge},

	// S3 puts the service in front of KMS's codes.
	KeyDisabled: {"KMS.DisabledException", "DisabledException"},
	KeyUnusable: {"KMS.KMSInvalidStateException", "KMSInvalidStateException"},
	KeyMissing:  {"KMS.NotFoundException"},

	RegionDisabled:  {"RegionDisabledException"},
	PolicyTooLarge:  {"PackedPolicyTooLarge"},
	MalformedPolicy: {"MalformedPolicyDocument", "MalformedPolicy"},
	InvalidRequest:  {"ValidationError"},
}

var codes = byCode(groups)

func byCode(groups map[Meaning][]string) map[string]Meaning {
	out := map[string]Meaning{}
	for means, group := range groups {
		for _, code := range group {
			out[code] = means
		}
	}
	return out
}

// texts say more than the codes that they come with; those without a code are
// known by themselves. The first that matches counts.
var texts = []struct {
	code  string
	form  *regexp.Regexp
	means Meaning
}{
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
	{"", regexp.MustCompile(`(?:^|: )Signature (?:expired|not yet current)`), Clock},
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html
	{"", regexp.MustCompile(`DurationSeconds exceeds .* chaining`), TooLongChained},
	{"", regexp.MustCompile(`DurationSeconds exceeds`), TooLong},
	{"ValidationError", regexp.MustCompile(`DurationSeconds`), TooLong},
	{"", regexp.MustCompile(`token included in the request is expired`), Expired},
	{"", regexp.MustCompile(`Invalid principal in policy`), MalformedPolicy},
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
	{"", regexp.MustCompile(`(?i)encoded authorization failure message`), Encoded},
}
