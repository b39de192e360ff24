package rolecall

import "encoding/json"

// checkSteps lists the steps of a check, in the order of its report.
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

// CheckSteps returns the names of a check's steps in order.
func CheckSteps() []string { return append([]string(nil), checkSteps...) }

// CheckResult is how a step, or a check, ended.
type CheckResult string

// The results. Only whole checks end with drift: a role that once passed its
// probes no longer does, or is another one now; its claim has ended.
const (
	CheckPass  CheckResult = "pass"
	CheckWarn  CheckResult = "warn" // works, but somebody should know
	CheckFail  CheckResult = "fail"
	CheckSkip  CheckResult = "skip" // does not apply, or cannot be decided while another step fails
	CheckDrift CheckResult = "drift"
)

// CheckLayer is what is at fault.
type CheckLayer string

// The layers. AWS names some of them in its answers to callers of the
// resource's own account or organization; others are inferred.
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

// PatchMode is how a policy gets to where it belongs.
type PatchMode string

// The modes. A document is replaced only if it was given to the check.
const (
	PatchReplace PatchMode = "replace" // the policy takes the place of the document that Corrects names
	PatchMerge   PatchMode = "merge"   // its statements take the place of those with their Sids; all others stay
)

// CheckReport is the diagnosis of a connection.
type CheckReport struct {
	Organization string      `json:"organization"`
	Connection   string      `json:"connection"`
	Result       CheckResult `json:"result"`
	Steps        []CheckStep `json:"steps"`
}

// CheckStep is one step of a check as it ended. If it failed, either Layer is
// at fault, or one of Candidates, the likeliest first.
type CheckStep struct {
	Step       string       `json:"step"`
	Result     CheckResult  `json:"result"`
	Layer      CheckLayer   `json:"layer"`
	Candidates []CheckLayer `json:"candidates"`
	Message    string       `json:"message"`
	Hint       string       `json:"hint,omitempty"`
	// Patch is the whole fix; of several candidates that of the likeliest.
	Patch *Patch `json:"patch,omitempty"`
	// Patches has one patch for each of several candidates, the likeliest
	// first: what to try next if Patch did not help.
	Patches []Patch `json:"patches,omitempty"`
	// ObjectKeys are those of the objects that the step knows. It and those after
	// it may name them; not everybody who sees a report may.
	ObjectKeys []string `json:"-"`
}

// Patch is a change that fixes what a step found, and where it goes.
type Patch struct {
	// Document is one of trust, permissions, boundary, bucket, key, worker,
	// scp and rcp, with Policy; connection, with Connection; or setting, with
	// Commands alone.
	Document string `json:"document"`
	Target   string `json:"target"` // ARN or name of what it belongs to
	// Mode says what to do with Policy; empty without one.
	Mode PatchMode `json:"mode,omitempty"`
	// Policy is a whole document or statements alone, as Mode says.
	Policy json.RawMessage `json:"policy,omitempty"`
	// Corrects is the file of the document that Policy was made from: what it
	// says for others is unchanged.
	Corrects string `json:"corrects,omitempty"`
	// Connection is the connection as it should be declared.
	Connection json.RawMessage `json:"connection,omitempty"`
	// Commands are commands of the AWS command line that do it; the account's
	// administrator runs them.
	Commands []string `json:"commands,omitempty"`
}
