package awscode

// Cause says what an answer of AWS's means that names no policy, and who must
// act. It is false where an answer of that meaning needs no explanation, or more
// than its meaning to explain it.
func Cause(means Meaning) (message, hint string, known bool) {
	c, known := causes[means]
	return c.message, c.hint, known
}

type cause struct{ message, hint string }

var causes = map[Meaning]cause{
	Encoded: {
		"AWS says only in code which policy refused",
		"You: decode it by aws sts decode-authorization-message --encoded-message CODE in that account, and give the answer to rolecall policy explain",
	},
	Expired: {"the credentials have expired", "You: assume the role again; no policy is at fault"},
	BadKeys: {
		"AWS does not know the access key", "You: give keys that exist, of this partition, with their session token if they have one; no policy is at fault",
	},
	BadSignature: {
		"the secret does not fit the access key, or the request was altered on its way", "You: give the secret again, without white space; no policy is at fault",
	},
	Clock: {"the caller's clock is more than 15 minutes off", "You: set the clock; no policy is at fault"},
	NoACLs: {
		"the bucket takes no ACLs: its owner enforces ownership of all objects",
		"You: send no acl, and ask for no s3:PutObjectAcl: the bucket's owner owns all that is written",
	},
	MalformedPolicy: {
		"the policy was not stored: it is malformed, or a principal in it does not exist",
		"You: run rolecall policy lint FILE, which finds what is wrong; make a role or user before a policy names it",
	},
	PolicyForm: {
		"the policy was not stored: its JSON, or a name or value in it, is not what AWS reads", "You: run rolecall policy lint FILE, which finds the place",
	},
	PolicyResource: {
		"the policy was not stored: a resource in it is not the bucket that it was given to", "Customer: name in Resource the ARN of this bucket, and the ARN and /* for its objects",
	},
	PolicyAction: {
		"the policy was not stored: an action in it is none of the service's", "You: run rolecall policy lint FILE, which names the action and what is meant",
	},
	PolicyCondition: {
		"the policy was not stored: a condition in it is none that the service has for these actions", "You: run rolecall policy lint FILE, which names the condition",
	},
	PolicyElement: {
		"the policy was not stored: a statement lacks its Effect, Principal, Action or Resource", "You: run rolecall policy lint FILE, which names the statement and what it lacks",
	},
	TrustResource: {
		"the trust policy was not stored: it has a Resource, and none belongs there", "Customer: remove Resource; a trust policy speaks of the role that it is attached to",
	},
	TrustAction: {
		"the trust policy was not stored: an action in it is not one by which a role is assumed", "Customer: leave sts:AssumeRole, with sts:TagSession or sts:SetSourceIdentity where they are needed",
	},
	IdentityPrincipal: {
		"the policy was not stored: it names a principal, and a policy of a user or role names none", "Customer: remove Principal, or give the document to the bucket, key or role that it is for",
	},
	PolicySid: {
		"the policy was not stored: a Sid stands at two statements, or has other characters than letters and digits", "Customer: give each statement a Sid of its own, of A-Z, a-z and 0-9",
	},
	Archived:       {"the object is archived and cannot be read", "Customer: restore it first, which takes hours; no policy is at fault"},
	Closed:         {"AWS has closed the bucket, or its account", "Customer: ask AWS why; no policy is at fault"},
	WrongRegion:    {"the bucket is in another region", "You: ask in the region that the answer names; no policy is at fault"},
	NoStorageClass: {"S3 knows no such storage class", "You: correct the storage class, or leave it out; no policy is at fault"},
	KeyDisabled:    {"the KMS key is disabled", "Customer: enable it; no policy is at fault"},
	KeyUnusable: {
		"the KMS key cannot be used as it is: it may be about to be deleted", "Customer: cancel the deletion and enable it; no policy is at fault",
	},
	KeyMissing: {"KMS knows no such key in the bucket's region", "You: name the key by its ARN, as the bucket's owner has it"},
	InvalidKey: {
		"what the request names as KMS key names none",
		"You: name the key by its ARN, or leave it out for the bucket's own; an alias begins with alias/",
	},
	KeyMismatch: {
		"the KMS key is not one for this use, or not the one that the data is under",
		"You: compare the key with the object's or bucket's encryption; it must be symmetric, for encryption. No policy is at fault",
	},
	CustomerKey: {
		"the object is encrypted with a key that is sent with each request (SSE-C)",
		"Customer: copy it to the bucket's own encryption, or exclude it; rolecall does not send such keys",
	},
	Locked: {"an object lock keeps this version of the object", "Customer: wait until its retention ends, or remove the legal hold; no policy is at fault"},
	Insecure: {
		"the request came without TLS, and S3 takes it only over HTTPS", "You: use an https:// endpoint; no policy is at fault",
	},
	Unsigned: {
		"the request has no credentials, and S3 takes this one only from known callers", "You: give the tool credentials; no policy is at fault",
	},
	NoLocation: {
		"no bucket can be made in that region from the endpoint that was asked",
		"You: ask the endpoint of the bucket's region, and give that region as LocationConstraint; no policy is at fault",
	},
	OldSignature: {
		"the request is signed in an old way, which S3 does not take in this region or for data under a KMS key",
		"You: sign with Signature Version 4, as current tools do; a public link cannot. No policy is at fault",
	},
	BadGrant: {"the token of a KMS grant is not valid", "You: ask without grant tokens, or with the one that CreateGrant returned"},
	RegionDisabled: {
		"STS is not active in this region for the role's account",
		"Customer: activate STS in that region, in the account settings of IAM; or ask STS in another region. No policy is at fault",
	},
	RootCaller: {
		"the root user of an account asked for the role, and no root user may assume roles",
		"You: ask as a user or role of the account; no policy is at fault",
	},
	WrongMFA: {
		"the code of the second factor is wrong or was used before, or its device is another user's",
		"You: give the device's ARN and its next code; no policy is at fault",
	},
	IdentityToken: {
		"AWS does not accept what the identity provider signed",
		"You: get a new token, and compare its issuer and audience with the provider in IAM; no policy is at fault",
	},
	NotChained: {
		"a session asks for what only long-term credentials may, or for more time than it has left",
		"You: ask with the user's or role's own credentials; no policy is at fault",
	},
	PolicyTooLarge: {
		"the session policies and tags are together larger than STS takes, packed",
		"You: name fewer objects, shorten the prefix, or hand on fewer session tags; no policy is at fault",
	},
	BadPrincipal: {
		"the policy was not stored: a principal in it does not exist, was deleted, or is no ARN that IAM knows",
		"Customer: make the role or user first, and take ids such as AROA… out; rolecall policy lint names them",
	},
	NoMatch: {
		"the policy was not stored: a statement's actions and resources do not fit",
		"Customer: put s3:ListBucket on the bucket's ARN, s3:GetObject on the ARN and /*; rolecall policy lint names the statement",
	},
	LimitReached: {
		"a quota of the account is reached, or the document is larger than AWS takes",
		"Customer: remove what is not needed, shorten the document, or have AWS raise the quota; no policy is at fault",
	},
	NoEntity:     {"IAM has no role, user or policy of that name in the account", "You: compare account, path and name letter by letter; case counts"},
	Exists:       {"something of that name exists already", "You: change it, or choose another name; no policy is at fault"},
	Unmodifiable: {"AWS does not let this be changed so", "You: leave what AWS made as it is; a key's policy must let someone change it. No policy is at fault"},
	InUse:        {"something else hangs on it and has to be removed first", "You: detach its policies and remove what uses it; no policy is at fault"},
	Malformed:    {"the service does not take the request as it was written", "You: read the text that came with it, which says which part; no policy is at fault"},
	InvalidRequest: {
		"the service does not take the request as it was written", "You: read the text that came with it, which says which part; no policy is at fault",
	},
	Throttled:     {"AWS is asked too often", "You: wait and try again; no policy is at fault"},
	Failing:       {"the service fails or is overloaded", "You: try again; no policy is at fault"},
	Contended:     {"another request on the same thing is under way", "You: try again; no policy is at fault"},
	NoObject:      {"what was asked for does not exist", "You: compare the key letter by letter; case counts. No policy is at fault"},
	NoBucket:      {"there is no such bucket", "You: compare the bucket's name letter by letter; no policy is at fault"},
	NoUpload:      {"the upload in parts was completed or aborted, or never begun", "You: begin it again; no policy is at fault"},
	NoRange:       {"the object has no such bytes", "You: compare the range with the object's size; no policy is at fault"},
	Changed:       {"a condition of the request does not hold: the object was changed meanwhile, or exists", "You: ask again; no policy is at fault"},
	Corrupt:       {"what arrived is not what was sent", "You: send it again; no policy is at fault"},
	TooLarge:      {"the object, or its number of parts, is larger than S3 takes", "You: send it in larger parts, or divide it; no policy is at fault"},
	LargeMetadata: {"the object's metadata is larger than S3 takes", "You: shorten its headers and metadata; no policy is at fault"},
	Unsupported: {
		"the server does not do this, or the version that was asked for is a delete marker", "You: ask for another version, or without what the server does not know; no policy is at fault",
	},
	TooLong:        tooLong,
	TooLongChained: tooLong,
}

var tooLong = cause{
	"the role does not give sessions of that length",
	"You: ask for 3600 seconds or less, or have the role's maximum session duration raised; a chained session lasts an hour at most",
}

// What is said where AWS does not accept the time of the worker's requests.
const (
	WrongClock     = "the clock of the worker is wrong: AWS does not accept the time of its requests"
	WrongClockHint = "Operator: set the clock, and keep it right by NTP"
)
