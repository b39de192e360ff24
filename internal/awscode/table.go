package awscode

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

	KeyMismatch Meaning = "key_mismatch" // the KMS key is not one for this, or not that of the data
	InvalidKey  Meaning = "invalid_key"  // what is given as a KMS key names none
	CustomerKey Meaning = "customer_key" // the object is under a key that the customer sends with each request

	Locked        Meaning = "locked"         // the version of an object is kept by an object lock
	Insecure      Meaning = "insecure"       // asked for without TLS
	Unsigned      Meaning = "unsigned"       // asked for without credentials
	NoLocation    Meaning = "no_location"    // no bucket can be made there from here
	OldSignature  Meaning = "old_signature"  // not Signature Version 4
	Malformed     Meaning = "malformed"      // the request is not one that the service takes
	BadGrant      Meaning = "bad_grant"      // a grant's token is not valid
	Exists        Meaning = "exists"         // something of that name exists already
	NoEntity      Meaning = "no_entity"      // IAM has no role, user or policy of that name
	Unmodifiable  Meaning = "unmodifiable"   // only AWS changes it
	InUse         Meaning = "in_use"         // something else has to be removed first
	LimitReached  Meaning = "limit_reached"  // a quota of the account, or AWS's size of a document
	BadPrincipal  Meaning = "bad_principal"  // a principal of the policy does not exist
	NoMatch       Meaning = "no_match"       // an action and the resources of a statement do not fit
	RootCaller    Meaning = "root_caller"    // the account's root user may not
	WrongMFA      Meaning = "wrong_mfa"      // the code of the second factor is wrong
	IdentityToken Meaning = "identity_token" // what an identity provider signed is not accepted
	NotChained    Meaning = "not_chained"    // a session may not ask for this

	RegionDisabled  Meaning = "region_disabled" // STS is not active there for the account
	PolicyTooLarge  Meaning = "policy_too_large"
	MalformedPolicy Meaning = "malformed_policy"

	// What is malformed, where the text says so.
	PolicyForm        Meaning = "policy_form"        // its JSON, or a name or value in it
	PolicyResource    Meaning = "policy_resource"    // it names another resource than it is for
	PolicyAction      Meaning = "policy_action"      // an action that the service does not have
	PolicyCondition   Meaning = "policy_condition"   // a condition key that the service does not have
	PolicyElement     Meaning = "policy_element"     // a statement lacks what it must have
	TrustResource     Meaning = "trust_resource"     // a trust policy names a resource
	TrustAction       Meaning = "trust_action"       // a trust policy allows something else than to assume the role
	IdentityPrincipal Meaning = "identity_principal" // a policy of a user or role names a principal
	PolicySid         Meaning = "policy_sid"         // a Sid is there twice, or has other characters

	InvalidRequest Meaning = "invalid_request"
	TooLong        Meaning = "too_long"         // the role does not grant sessions as long
	TooLongChained Meaning = "too_long_chained" // a session's session lasts no longer than an hour
)

// groups are the codes by themselves. All are here that the models of AWS's
// SDKs list for the operations that rolecall calls or grants, of S3, STS, KMS
// and IAM (testdata/codes.txt has them with their sources), and those of S3's
// and the common pages that are read in answers:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html.
var groups = map[Meaning][]string{
	Denied:        {AccessDenied, "AccessDeniedException", "Forbidden"},
	Closed:        {"AllAccessDisabled", "AccountProblem", "InvalidPayer", "NotSignedUp", "OptInRequired"},
	IdentityToken: {"InvalidIdentityToken", "IDPRejectedClaim"},

	BadKeys: {
		"InvalidAccessKeyId", "InvalidToken", "InvalidSecurity", "InvalidClientTokenId", "UnrecognizedClientException",
		"MissingAuthenticationToken",
	},
	BadSignature: {"SignatureDoesNotMatch", "IncompleteSignature"},
	Expired:      {"ExpiredToken", "ExpiredTokenException", "ExpiredTradeInTokenException", "TokenRefreshRequired"},
	Clock:        {"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"},

	Throttled: {
		"SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException", "BandwidthLimitExceeded", "PriorRequestNotComplete",
	},
	Failing: {
		"ServiceUnavailable", "InternalError", "InternalFailure", "RequestTimeout", "RequestTimeoutException", "ServiceFailure",
		"DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException", "IDPCommunicationError",
	},
	Contended: {"OperationAborted", "ConditionalRequestConflict", "ConcurrentModification", "EntityTemporarilyUnmodifiable"},

	NoObject:    {"NoSuchKey", "NotFound", "NoSuchVersion", "NoSuchAnnotation"},
	NoBucket:    {"NoSuchBucket"},
	NoUpload:    {"NoSuchUpload"},
	NoRange:     {"InvalidRange"},
	Changed:     {"PreconditionFailed"},
	Archived:    {"InvalidObjectState", "ObjectNotInActiveTierError"},
	Corrupt:     {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "IncompleteBody"},
	TooLarge:    {"EntityTooLarge", "TooManyParts"},
	WrongRegion: {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed"},
	NoLocation:  {"IllegalLocationConstraintException", "InvalidLocationConstraint"},
	Unsupported: {"NotImplemented", "MethodNotAllowed", "OutboundWebIdentityFederationDisabledException"},

	NoACLs:         {"AccessControlListNotSupported"},
	NoStorageClass: {"InvalidStorageClass"},
	LargeMetadata:  {MetadataTooLarge},

	KeyDisabled: {"DisabledException"},
	KeyUnusable: {"KMSInvalidStateException"},
	KeyMissing:  {"KMS.NotFoundException"}, // without the service it may be any service's
	KeyMismatch: {"IncorrectKeyException", "InvalidKeyUsageException", "InvalidCiphertextException", "EncryptionTypeMismatch"},
	InvalidKey:  {"InvalidArnException"},
	BadGrant:    {"InvalidGrantTokenException"},

	Malformed: {
		"InvalidRequest", "InvalidArgument", "MalformedXML", "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "InvalidTag", "KeyTooLongError",
		"InvalidWriteOffset", "IdempotencyParameterMismatch", "InvalidInput", "UnsupportedOperationException", "InvalidAuthorizationMessageException",
		"JWTPayloadSizeExceededException", "DryRunOperationException", "UnsupportedMediaType", "InvalidPrefix", "InvalidAnnotationName", "AnnotationNameTooLong",
		"AnnotationLimitExceeded",
	},
	Exists:       {"EntityAlreadyExists", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "ObjectAlreadyInActiveTierError"},
	NoEntity:     {"NoSuchEntity"},
	Unmodifiable: {"UnmodifiableEntity", "PolicyNotAttachable"},
	InUse:        {"DeleteConflict"},
	LimitReached: {"LimitExceeded", "TooManyBuckets"},
	NotChained:   {"SessionDurationEscalationException"},

	RegionDisabled:  {"RegionDisabledException"},
	PolicyTooLarge:  {"PackedPolicyTooLarge"},
	MalformedPolicy: {"MalformedPolicyDocument", "MalformedPolicy", "MalformedPolicyDocumentException"},
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
