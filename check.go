package rolecall

import "encoding/json"

// checkSteps are the steps of a check, in the order in which it reports them.
var checkSteps = []string{
	StepARN, StepPrincipal, StepClaim, StepAssume, StepExternalIDAbsent, StepExternalIDRandom, StepExternalIDNear, StepDuration,
	StepRegion, StepOwner, StepList, StepRead, StepWrite, StepMultipart, StepEncryption, StepKey, StepOwnership, StepCleanup,
}

// The steps of a check of a connection.
const (
	StepARN              = "arn"                // the role's ARN, and all else that the connection says, is well formed
	StepPrincipal        = "principal"          // the vendor's worker has credentials of its own, and they are the declared principal's
	StepClaim            = "claim"              // the role is no other organization's, and not the vendor's
	StepAssume           = "assume"             // it can be assumed with the right external id
	StepExternalIDAbsent = "external-id-absent" // and cannot without one
	StepExternalIDRandom = "external-id-random" // nor with a random one
	StepExternalIDNear   = "external-id-near"   // nor with one that is like the right one
	StepDuration         = "duration"           // sessions last as long as asked
	StepRegion           = "region"             // the bucket exists and is where the connection says
	StepOwner            = "owner"              // it is the declared account's
	StepList             = "list"
	StepRead             = "read"
	StepWrite            = "write"
	StepMultipart        = "multipart"
	StepEncryption       = "encryption" // what is written is encrypted as the connection requires
	StepKey              = "key"        // the KMS key can be used
	StepOwnership        = "ownership"  // who owns what is written, and which ACLs the bucket takes
	StepCleanup          = "cleanup"    // nothing is left behind
)

// CheckSteps gives the names of a check's steps in order.
func CheckSteps() []string { return append([]string(nil), checkSteps...) }

// CheckResult is how a step, or a check, ended.
type CheckResult string

// The results. Drift is of whole checks only: a role that once passed its
// probes does not any more, or is another one now; its claim is ended.
const (
	CheckPass  CheckResult = "pass"
	CheckWarn  CheckResult = "warn" // works, but somebody should know
	CheckFail  CheckResult = "fail"
	CheckSkip  CheckResult = "skip" // has no meaning here, or cannot be told while another step fails
	CheckDrift CheckResult = "drift"
)

// CheckLayer is what is at fault.
type CheckLayer string

// The layers. AWS names some of them in its answers, to callers of the
// resource's own account or organization; else they are inferred.
const (
	LayerTrust        CheckLayer = "trust"               // the role's trust policy
	LayerRole         CheckLayer = "role"                // the role's permissions, boundary or settings
	LayerSession      CheckLayer = "session"             // the session policy that rolecall makes
	LayerBucket       CheckLayer = "bucket"              // the bucket's policy or settings
	LayerKey          CheckLayer = "key"                 // the KMS key's policy or state
	LayerOrganization CheckLayer = "organization policy" // a service control or resource control policy
	LayerNetwork      CheckLayer = "network"             // the way to AWS, its endpoints, AWS being overloaded
	LayerName         CheckLayer = "name"                // what the connection says: an ARN, a bucket, a region, an account
	LayerPrincipal    CheckLayer = "principal"           // the vendor's own identity: its credentials, policies, clock
)

// CheckReport is the diagnosis of a connection.
type CheckReport struct {
	Organization string      `json:"organization"`
	Connection   string      `json:"connection"`
	Result       CheckResult `json:"result"`
	Steps        []CheckStep `json:"steps"`
}

// CheckStep is one step of a check as it ended. Where it failed, either Layer
// is at fault, or one of Candidates, the likeliest first.
type CheckStep struct {
	Step       string       `json:"step"`
	Result     CheckResult  `json:"result"`
	Layer      CheckLayer   `json:"layer"`
	Candidates []CheckLayer `json:"candidates"`
	Message    string       `json:"message"`
	Hint       string       `json:"hint,omitempty"`
	// Patch is what mends it, whole; of several candidates the likeliest's.
	Patch *Patch `json:"patch,omitempty"`
	// Patches has one for each candidate where there are several, the
	// likeliest first: what to try next when Patch was not it.
	Patches []Patch `json:"patches,omitempty"`
}

// Patch is a whole corrected document, and where it goes.
type Patch struct {
	// Document is one of trust, permissions, boundary, bucket, key, worker,
	// scp and rcp, with Policy; connection, with Connection; or setting, with
	// Commands alone.
	Document string `json:"document"`
	Target   string `json:"target"` // ARN or name of what it belongs to
	// Policy replaces the policies of that kind which Target has; or, of these,
	// the one that Corrects names.
	Policy json.RawMessage `json:"policy,omitempty"`
	// Corrects is the file of the document that Policy was made of: all that
	// it said for others is still there.
	Corrects string `json:"corrects,omitempty"`
	// Connection is the connection as it should be declared.
	Connection json.RawMessage `json:"connection,omitempty"`
	// Commands of the AWS command line do it; the account's administrator runs them.
	Commands []string `json:"commands,omitempty"`
}
