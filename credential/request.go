package credential

import (
	"regexp"
	"time"

	"github.com/rolecall/rolecall"
)

// Role asks for a session of a customer's role for one step of a job.
type Role struct {
	Organization string // api_name
	Principal    string // name; the identity that assumes
	RoleARN      string
	ExternalID   string
	JobID        string
	TaskLabel    string        // goes into the User-Agent of STS calls only
	Policy       []byte        // session policy; without one there is no session
	Duration     time.Duration // zero: one hour
	Region       string        // whose STS is asked; empty: the principal's
	Revision     string        // of the connection
}

// SessionName is what the customer's CloudTrail shows: the organization, cut
// to 30 characters, and the job.
func (r Role) SessionName() string {
	name := r.Organization[:min(len(r.Organization), 30)] + "." + r.JobID
	name = notInSessionName.ReplaceAllString(name, "-")
	return name[:min(len(name), 64)]
}

var notInSessionName = regexp.MustCompile(`[^\w+=,.@-]`)

func (r Role) duration() time.Duration {
	if r.Duration == 0 {
		return rolecall.DefaultSessionDuration
	}
	return r.Duration
}

func (r Role) subject(p Principal) Subject {
	return Subject{Organization: r.Organization, Principal: p.ARN.String(), RoleARN: r.RoleARN, ExternalID: r.ExternalID}
}

func (r Role) key(p Principal) key {
	return key{
		Subject: r.subject(p), PrincipalName: r.Principal, SessionName: r.SessionName(),
		Policy: string(r.Policy), Duration: r.duration(), Region: r.Region, Revision: r.Revision,
	}
}

// DispenserRequest asks a customer's dispenser for credentials for one step of
// a job. They are what the dispenser makes them: nothing here narrows them.
type DispenserRequest struct {
	Organization string // api_name
	// Principal is the name of the identity that the job runs as, in whose
	// partition STS is asked whose the credentials are.
	Principal  string
	Source     rolecall.HTTPCredentialSource
	Secret     rolecall.Secret // that Source names, if any
	ExternalID string
	JobID      string
	TaskID     string // within the job
	TaskLabel  string // goes into the User-Agent only
	Tool       string
	Bucket     string
	Prefix     string // a prefix or one key; see the contract
	Access     string // AccessRead or AccessWrite
	Region     string // whose STS is asked; empty: the principal's
	Revision   string // of the connection
}

// asProbe returns the request for the same credentials that proves the
// dispenser.
func (r DispenserRequest) asProbe() DispenserRequest {
	r.Tool, r.Access = ProbeTool, AccessRead
	return r
}

// subject is what a verdict on the dispenser is about. Who asks is the
// principal that signs, or the name of the bearer secret.
func (r DispenserRequest) subject(signer Principal) Subject {
	asks := "bearer:" + r.Source.Secret
	if r.Source.Secret == "" {
		asks = signer.ARN.String()
	}
	return Subject{Organization: r.Organization, Principal: asks, RoleARN: r.Source.Normal().URL, ExternalID: r.ExternalID}
}

func (r DispenserRequest) key(signer Principal) key {
	return key{
		Subject: r.subject(signer), PrincipalName: r.Principal, Region: r.Region, Bucket: r.Bucket, Revision: r.Revision,
		Secret: r.Source.Secret, SecretVersion: r.Secret.Version,
		Dispenser: dispenserKey{r.JobID, r.TaskID, r.Tool, r.Prefix, r.Access},
	}
}

// SecretRequest asks for the static keys of an organization's secret, for use
// on one bucket. Static keys cannot be narrowed: they can do whatever their
// user may.
type SecretRequest struct {
	Organization string
	Secret       rolecall.Secret
	Bucket       string // that it is to be used for
	Revision     string // of the connection
}

func (r SecretRequest) key() key {
	return key{
		Subject: Subject{Organization: r.Organization}, Secret: r.Secret.Name, SecretVersion: r.Secret.Version,
		Bucket: r.Bucket, Revision: r.Revision,
	}
}
