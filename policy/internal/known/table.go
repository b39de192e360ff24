package known

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awsaction"
)

// State is what is known of a condition key in a request of ours.
type State byte

// The states.
const (
	Unknown State = iota // it may be there or not
	Present              // it is there, and its value is not known
	Absent
	Listed // it has one of a few values
)

// row is what is known of the keys of a pattern in requests to STS for a role,
// to S3, and to KMS by S3.
type row struct {
	keys         string // names or patterns, by spaces
	sts, s3, kms State
	words        string // what a value is, for a reader who does not know the key
}

// table has all global keys and those of STS, S3 and KMS. The first row that
// matches counts.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var table = []row{
	// The caller. To STS it is a worker, to S3 a session of the role.
	{"aws:PrincipalArn aws:PrincipalAccount aws:PrincipalType aws:PrincipalIsAWSService", Listed, Listed, Listed, ""},
	{"aws:PrincipalOrgID aws:PrincipalOrgPaths", Unknown, Unknown, Unknown, "the caller's organization"},
	{"aws:PrincipalTag/*", Unknown, Unknown, Unknown, "a tag of the caller"},
	{"aws:PrincipalServiceName aws:PrincipalServiceNamesList", Absent, Absent, Absent, ""},
	{"aws:userid", Present, Present, Present, "the caller's unique id"},
	{"aws:username", Listed, Absent, Absent, ""},
	{"aws:AssumedRoot aws:ChatbotSourceArn aws:SignInSessionArn aws:MultiFactorAuthAge", Absent, Absent, Absent, ""},
	{"aws:MultiFactorAuthPresent", Listed, Listed, Listed, ""},
	{"aws:TokenIssueTime", Unknown, Present, Present, "when the session began"},
	{"aws:FederatedProvider identitystore:UserId", Unknown, Absent, Absent, "where the worker signed in"},
	{"aws:Ec2InstanceSourceVpc aws:Ec2InstanceSourcePrivateIPv4 ec2:SourceInstanceARN ssm:SourceInstanceARN", Unknown, Absent, Absent, "the machine that the worker runs on"},
	{"lambda:SourceFunctionArn glue:* codebuild:* ecs:*", Unknown, Absent, Absent, "the service that the worker runs in"},
	{"aws:SourceIdentity", Unknown, Unknown, Unknown, "the source identity that the worker's own session has"},

	// The way.
	{"aws:SourceIp", Unknown, Unknown, Unknown, "the caller's address"},
	{"aws:SourceVpc aws:SourceVpcArn aws:SourceVpce aws:VpcSourceIp", Unknown, Unknown, Unknown, "the caller's network"},
	{"aws:VpceAccount aws:VpceOrgID aws:VpceOrgPaths", Absent, Unknown, Unknown, "whose the caller's network is"},
	{"aws:SecureTransport", Listed, Listed, Listed, ""},
	{"aws:UserAgent", Present, Present, Present, "the caller's program"},
	{"aws:Referer", Absent, Absent, Absent, ""},
	{"aws:RequestedRegion", Present, Present, Present, "the region"},
	{"aws:CurrentTime aws:EpochTime", Present, Present, Present, "the time"},
	{"aws:CalledVia aws:CalledViaFirst aws:CalledViaLast", Absent, Absent, Unknown, "the service that calls for the caller"},
	{"aws:ViaAWSService", Listed, Listed, Unknown, "whether a service calls for the caller"},
	{"aws:ViaAWSMCPService aws:CalledViaAWSMCP", Absent, Absent, Absent, ""},
	{"aws:SourceAccount aws:SourceArn aws:SourceOrgID aws:SourceOrgPaths", Absent, Absent, Absent, ""}, // of calls by services only

	// The resource.
	{"aws:ResourceAccount s3:ResourceAccount", Listed, Listed, Listed, ""},
	{"aws:ResourceOrgID aws:ResourceOrgPaths", Unknown, Unknown, Unknown, "the organization of the resource"},
	{"aws:ResourceTag/*", Unknown, Unknown, Unknown, "a tag of the resource"},
	{"iam:ResourceTag/*", Unknown, Absent, Absent, "a tag of the role"},
	{"s3:BucketTag/* s3:ExistingObjectTag/*", Absent, Unknown, Absent, "a tag of the bucket or object"},
	{"kms:KeyOrigin kms:MultiRegion kms:MultiRegionKeyType kms:ResourceAliases kms:RequestAlias", Absent, Absent, Unknown, "what key it is"},
	{"kms:KeySpec kms:CustomerMasterKeySpec kms:KeyUsage kms:CustomerMasterKeyUsage kms:EncryptionAlgorithm", Absent, Absent, Listed, ""},

	// The request. What a worker's session makes transitive comes with AssumeRole.
	{"aws:RequestTag/* aws:TagKeys", Unknown, Absent, Absent, "the tags that the worker's session hands on"},
	{"sts:TransitiveTagKeys", Unknown, Absent, Absent, "the tags that the worker's session hands on"},
	{"sts:SourceIdentity", Unknown, Absent, Absent, "the source identity that the worker's own session has"},
	{"sts:ExternalId", Listed, Absent, Absent, ""},
	{"sts:RoleSessionName", Present, Absent, Absent, "the name of the session"},
	{"s3:authType s3:signatureversion s3:TlsVersion s3:signatureAge", Absent, Listed, Absent, ""},
	{"s3:x-amz-content-sha256", Absent, Present, Absent, "the checksum that signs the body"},
	{"s3:prefix", Absent, Listed, Absent, ""},
	{"s3:max-keys", Absent, Present, Absent, "how many keys a listing asks for"},
	{"s3:versionid", Absent, Unknown, Absent, "the version that is asked for"},
	{"s3:x-amz-copy-source s3:x-amz-metadata-directive s3:if-none-match s3:ObjectCreationOperation s3:RequestObjectTag/* s3:RequestObjectTagKeys", Absent, Unknown, Absent, "how the object is written"},
	{"s3:x-amz-storage-class s3:x-amz-acl s3:x-amz-server-side-encryption s3:x-amz-server-side-encryption-aws-kms-key-id", Absent, Listed, Absent, ""},
	{"kms:ViaService kms:CallerAccount kms:EncryptionContext:*", Absent, Absent, Listed, ""},
	{"kms:EncryptionContextKeys", Absent, Absent, Listed, ""},

	// Of requests that are never ours: other operations, access points and grants,
	// keys of the customer's own, locks, identity providers.
	{"iam:AWSServiceName iam:AccountPropertyNamespaces iam:AssociatedResourceArn iam:Delegation* iam:FIDO* iam:NotificationChannel " +
		"iam:OrganizationsPolicyId iam:PassedToService iam:PermissionsBoundary iam:PolicyARN iam:RegisterSecurityKey iam:RoleTemplateARN " +
		"iam:ServiceSpecificCredential* iam:TemplateArn", Absent, Absent, Absent, ""},
	{"s3:AccessGrant* s3:AccessPoint* s3:DataAccessPoint* s3:ExistingJob* s3:InventoryAccessibleOptionalFields s3:JobSuspendedCause s3:RequestJob* " +
		"s3:annotation-prefix s3:delimiter s3:deliverySourceArn s3:destinationRegion s3:if-match s3:isReplicationPauseRequest s3:locationconstraint s3:logType " +
		"s3:max-annotation-results s3:object-lock-* s3:resourceArnBeingAuthorized s3:x-amz-bucket-namespace s3:x-amz-grant-* " +
		"s3:x-amz-object-annotation-directive s3:x-amz-object-if-match s3:x-amz-object-ownership s3:x-amz-server-side-encryption-customer-algorithm " +
		"s3:x-amz-website-redirect-location", Absent, Absent, Absent, ""},
	{"kms:BypassPolicyLockoutSafetyCheck kms:DataKeyPairSpec kms:ExpirationModel kms:Grant* kms:KeyAgreementAlgorithm kms:MacAlgorithm kms:MessageType " +
		"kms:PrimaryRegion kms:ReEncryptOnSameKey kms:RecipientAttestation:* kms:ReplicaRegion kms:Retiring* kms:RotationPeriodInDays " +
		"kms:ScheduleKeyDeletionPendingWindowInDays kms:SigningAlgorithm kms:TrailingDaysWithoutKeyUsage kms:ValidTo kms:Wrapping*", Absent, Absent, Absent, ""},
	{"sts:AWSServiceName sts:IdentityTokenAudience sts:RequestContext/* sts:RequestContextProviders sts:DurationSeconds sts:RoleAuthorizedByIdp sts:SigningAlgorithm " +
		"sts:TaskPolicyArn", Absent, Absent, Absent, ""},
}

// listed are the values of keys that have one, or one of a few, in every request
// to a service. Those of a connection are in the request's context.
var listed = map[string][]string{
	"aws:principalisawsservice":  {"false"},
	"aws:multifactorauthpresent": {"false"},
	"aws:securetransport":        {"true"},
	"aws:viaawsservice":          {"false"},
	"s3:authtype":                {"REST-HEADER"},
	"s3:signatureversion":        {"AWS4-HMAC-SHA256"},
	"s3:tlsversion":              {"1.2", "1.3"},
	"s3:signatureage":            {"1", "60000"}, // milliseconds
	"kms:keyspec":                {"SYMMETRIC_DEFAULT"},
	"kms:customermasterkeyspec":  {"SYMMETRIC_DEFAULT"},
	"kms:keyusage":               {"ENCRYPT_DECRYPT"},
	"kms:customermasterkeyusage": {"ENCRYPT_DECRYPT"},
	"kms:encryptionalgorithm":    {"SYMMETRIC_DEFAULT"},
	"kms:encryptioncontextkeys":  {"aws:s3:arn"},
}

// find returns the row of a key, without keys if it has none.
func find(key string) row {
	for _, r := range table {
		for _, name := range strings.Fields(r.keys) {
			if glob, ok := strings.CutSuffix(name, "*"); ok && len(key) >= len(glob) && strings.EqualFold(key[:len(glob)], glob) || strings.EqualFold(name, key) {
				return r
			}
		}
	}
	return row{}
}

// Words says what a value of the key is, for a reader who does not know the key.
func Words(key string) string { return find(key).words }

// Of returns what is known of a key in requests for an action by a principal
// beyond their context; with its values if they are listed. A key that AWS does
// not list at the action is absent, and so is one that it does not list at all.
func Of(key, action, principal string) (State, []string) {
	if has, listed := awsaction.Has(action, key); listed && !has {
		return Absent, nil
	}
	r := find(key)
	if prefix, _, _ := strings.Cut(strings.ToLower(key), ":"); r.keys == "" && (prefix == "aws" || slices.Contains(awsaction.Read().Services, prefix)) {
		return Absent, nil
	}
	service, _, _ := strings.Cut(strings.ToLower(action), ":")
	state, folded := r.s3, strings.ToLower(key)
	switch service {
	case "sts":
		state = r.sts
	case "kms":
		state = r.kms
	}
	if state != Listed {
		return state, nil
	}
	user, name := userOf(principal)
	switch {
	case folded == "aws:principaltype" && user:
		return Listed, []string{"User"}
	case folded == "aws:principaltype":
		return Listed, []string{"AssumedRole"}
	case folded == "aws:username" && user:
		return Listed, []string{name}
	case folded == "aws:multifactorauthpresent" && user:
		return Absent, nil
	case listed[folded] == nil: // the context says it, or the request is without
		return Absent, nil
	}
	return Listed, listed[folded]
}

// userOf returns the name of a user.
func userOf(principal string) (is bool, name string) {
	arn, err := rolecall.ParseARN(principal)
	if err != nil || arn.Service != "iam" || !strings.HasPrefix(arn.Resource, "user/") {
		return false, ""
	}
	return true, arn.Resource[strings.LastIndexByte(arn.Resource, '/')+1:]
}
