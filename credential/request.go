package credential

import (
	"crypto/sha256"
	"encoding/hex"
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
	Policy       []byte        // session policy; without one there is no session
	Duration     time.Duration // zero: one hour
	Region       string        // whose STS is asked; empty: the principal's
	Revision     string        // of the connection
}

// SessionName is what the customer's CloudTrail shows: the organization and the
// job. What is too long is cut and has a digest, so that no two are the same.
func (r Role) SessionName() string {
	organization := r.Organization
	if len(organization) > maxOrganization || cutForm.MatchString(organization) {
		organization = cutTo(maxOrganization, organization)
	}
	name := notInSessionName.ReplaceAllString(organization+"."+r.JobID, "-")
	if len(name) > maxSessionName {
		name = cutTo(maxSessionName, name)
	}
	return name
}

const (
	maxSessionName  = 64
	maxOrganization = 30 // of it
	cutDigits       = 8
)

// cutTo returns what is left of a text in so many bytes, with a digest of all
// of it.
func cutTo(length int, text string) string {
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])[:cutDigits]
	return text[:min(len(text), length-1-cutDigits)] + "-" + digest
}

var (
	notInSessionName = regexp.MustCompile(`[^\w+=,.@-]`)
	// cutForm matches an organization's name that another's could be cut to.
	cutForm = regexp.MustCompile(`^.{21}-[0-9a-f]{8}$`)
)

func (r Role) duration() time.Duration {
	if r.Duration == 0 {
		return rolecall.DefaultSessionDuration
	}
	return r.Duration
}

func (r Role) subject(p Principal) Subject {
	return Subject{
		Organization: r.Organization, Principal: p.ARN.String(), RoleARN: r.RoleARN, ExternalID: r.ExternalID, Region: regionFor(r.Region, p.Principal),
	}
}

func (r Role) key(p Principal) key {
	return key{
		Subject: r.subject(p), PrincipalName: r.Principal, SessionName: r.SessionName(),
		Policy: string(r.Policy), Duration: r.duration(), AskedRegion: r.Region, Revision: r.Revision,
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

// subject is what a verdict on the dispenser is about. Who asks is the
// principal that signs, for a region, or the name of the bearer secret.
func (r DispenserRequest) subject(signer Principal) Subject {
	s := Subject{
		Organization: r.Organization, Principal: "bearer:" + r.Source.Secret, RoleARN: r.Source.Normal().URL, ExternalID: r.ExternalID, Access: r.Access,
	}
	if r.Source.Secret == "" {
		s.Principal, s.Region = signer.ARN.String(), regionFor(r.Region, signer.Principal)
	}
	return s
}

func (r DispenserRequest) key(signer Principal) key {
	return key{
		Subject: r.subject(signer), PrincipalName: r.Principal, AskedRegion: r.Region, Bucket: r.Bucket, Revision: r.Revision,
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
