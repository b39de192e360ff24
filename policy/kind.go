package policy

import "slices"

// Kind is which document of a set-up a policy is: what it is attached to, and
// what it decides there.
type Kind string

// The kinds. The JSON of a kit and of a patch names documents by them.
const (
	TrustDocument       Kind = "trust"       // of a role: who may assume it
	PermissionsDocument Kind = "permissions" // of a role or user: what it may do
	BoundaryDocument    Kind = "boundary"    // of a role or user: what its permissions may allow
	BucketDocument      Kind = "bucket"      // of a bucket
	KeyDocument         Kind = "key"         // of a KMS key
	WorkerDocument      Kind = "worker"      // of the vendor's workers: which roles they may assume
	SessionDocument     Kind = "session"     // of a session, given when the role is assumed
	RevocationDocument  Kind = "revocation"  // of a role: ends living sessions
	SCPDocument         Kind = "scp"         // service control policy of an organization
	RCPDocument         Kind = "rcp"         // resource control policy of an organization
)

// AWS's limits of documents. White space does not count.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
// https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
const (
	MaxTrustPolicy        = 2048      // unless AWS raised the role's quota
	MaxRolePolicy         = 10_240    // all inline policies of a role
	MaxUserPolicy         = 2048      // all inline policies of a user
	MaxBoundary           = 6144      // a managed policy
	MaxBucketPolicy       = 20 * 1024 // bytes
	MaxKeyPolicy          = 32 * 1024 // bytes
	MaxOrganizationPolicy = 5120      // a service or resource control policy
)

// kindDetails are what follows from a document's kind.
type kindDetails struct {
	title    string
	layer    Layer
	limit    int
	services []string
	single   bool
}

var kinds = map[Kind]kindDetails{
	TrustDocument:       {"trust policy", ResourcePolicy, MaxTrustPolicy, []string{"sts"}, true},
	PermissionsDocument: {"permissions policy", Identity, MaxRolePolicy, []string{"s3", "kms"}, false},
	BoundaryDocument:    {"permissions boundary", Boundary, MaxBoundary, []string{"s3", "kms"}, false},
	BucketDocument:      {"bucket policy", ResourcePolicy, MaxBucketPolicy, []string{"s3"}, true},
	KeyDocument:         {"key policy", ResourcePolicy, MaxKeyPolicy, []string{"kms"}, true},
	WorkerDocument:      {"permissions policy", Identity, MaxRolePolicy, []string{"sts"}, false},
	SessionDocument:     {"session policy", SessionPolicy, MaxSessionPolicy, []string{"s3", "kms"}, true},
	RevocationDocument:  {"permissions policy", Identity, MaxRolePolicy, []string{"s3", "kms"}, false},
	SCPDocument:         {"service control policy", SCP, MaxOrganizationPolicy, []string{"s3", "kms"}, false},
	RCPDocument:         {"resource control policy", RCP, MaxOrganizationPolicy, []string{"s3", "kms", "sts"}, false}, // bears on roles, too
}

// Title is what AWS's pages call a document of the kind.
func (k Kind) Title() string { return kinds[k].title }

// Layer is where a document of the kind stands among the policies that decide
// a request.
func (k Kind) Layer() Layer { return kinds[k].layer }

// Limit is how large AWS lets a document of the kind be, in bytes without
// white space.
func (k Kind) Limit() int { return kinds[k].limit }

// Single reports whether only one document of the kind can be attached to the
// same thing. The other kinds are policies of which there may be several.
func (k Kind) Single() bool { return kinds[k].single }

// Decides reports whether documents of the kind decide about requests of the
// connection to a service: s3, kms or sts.
func (k Kind) Decides(service string) bool { return slices.Contains(kinds[k].services, service) }
