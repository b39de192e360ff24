package rolecall

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// Purpose is what a connection is for.
type Purpose string

// The purposes.
const (
	Source   Purpose = "source"   // read
	Delivery Purpose = "delivery" // read and write
)

// Connection is a named bucket and prefix of an organization, and how to
// authorize work on it: exactly one of RoleARN, Secret and
// HTTPCredentialSource.
type Connection struct {
	Name                       string                `json:"-"`
	Purpose                    Purpose               `json:"purpose"`
	Bucket                     string                `json:"bucket"`
	Prefix                     string                `json:"prefix,omitempty"` // empty, or ends in a slash
	Region                     string                `json:"region,omitempty"`
	RoleARN                    string                `json:"role_arn,omitempty"`
	Secret                     string                `json:"secret,omitempty"`
	HTTPCredentialSource       *HTTPCredentialSource `json:"http_credential_source,omitempty"`
	RoleSessionDurationSeconds int                   `json:"role_session_duration_seconds,omitempty"` // 0: 3600
	ExternalID                 *ExternalID           `json:"external_id,omitempty"`                   // nil: the organization's
	BucketOwner                string                `json:"bucket_owner,omitempty"`                  // empty: the role's account
	Encryption                 *Encryption           `json:"encryption,omitempty"`
	StorageClass               string                `json:"storage_class,omitempty"`
	ACL                        string                `json:"acl,omitempty"`
	S3EndpointURL              string                `json:"s3_endpoint_url,omitempty"`
	RequesterPays              bool                  `json:"requester_pays,omitempty"`
	ProbeKey                   string                `json:"probe_key,omitempty"` // an object below Prefix that checks read; empty: the first that is listed
}

// Validate checks a connection by itself and reports all faults at once.
func (c Connection) Validate() error {
	var faults Errors
	if c.RoleARN == "" && c.Secret == "" && c.HTTPCredentialSource == nil {
		faults.Add("", "a connection needs a way to authorize", "You: give role_arn, secret or http_credential_source")
	}
	if c.Bucket == "" {
		faults.AddErr("/bucket", validateBucket(c.Bucket))
	}
	faults.AddErr("", c.ValidateDraft())
	return faults.Err()
}

// ValidateDraft is Validate for a connection that may still lack its bucket and
// what authorizes it.
func (c Connection) ValidateDraft() error {
	var faults Errors
	switch c.Purpose {
	case Source, Delivery:
	case "":
		faults.Add("/purpose", "a connection needs a purpose", "You: write source to read, delivery to read and write")
	default:
		faults.Add("/purpose", "unknown purpose "+strict.Quote(string(c.Purpose)), "You: write source to read, delivery to read and write")
	}
	if c.Bucket != "" {
		faults.AddErr("/bucket", validateBucket(c.Bucket))
	}
	switch {
	case c.Prefix == "":
	case strings.Contains(c.Prefix, "://") && holdsCredential(c.Prefix):
		faults.Add("/prefix", "the prefix holds what looks like a literal credential",
			"You: give the beginning of keys, and store the account's keys as a secret; treat the ones written here as leaked")
	case !strings.HasSuffix(c.Prefix, "/"):
		hint := "You: leave it out for the whole bucket"
		if p := strings.TrimRight(strings.TrimSuffix(c.Prefix, "*"), "/"); p != "" {
			hint = "You: write " + strict.Quote(p+"/")
		}
		faults.Add("/prefix", "a prefix ends in a slash", hint)
	case strings.HasPrefix(c.Prefix, "/"):
		faults.Add("/prefix", "a prefix does not begin with a slash", "You: leave the slash out; write "+strict.Quote(strings.TrimLeft(c.Prefix, "/")))
	default:
		faults.AddErr("/prefix", validateKey(c.Prefix))
	}
	if c.ProbeKey != "" {
		faults.AddErr("/probe_key", validateKey(c.ProbeKey))
	}
	if c.Region != "" && !IsRegion(c.Region) {
		faults.Add("/region", strict.Quote(c.Region)+" is not a region", "You: write it as eu-central-1")
	}
	c.validateAuthorization(&faults)
	if c.ExternalID != nil {
		faults.AddErr("/external_id", c.ExternalID.Validate())
		if c.Secret != "" {
			faults.Add("/external_id", "an external id has no meaning with a secret", "You: leave external_id out")
		}
	}
	storage{
		RoleSessionDurationSeconds: given(c.RoleSessionDurationSeconds), BucketOwner: c.BucketOwner, StorageClass: c.StorageClass, ACL: c.ACL,
		S3EndpointURL: c.S3EndpointURL, Encryption: c.Encryption,
	}.validate(&faults)
	if text, _ := json.Marshal(c); len(text) > maxConnection { // strings, numbers and booleans
		faults.Add("", fmt.Sprintf("the connection has more than %d bytes", maxConnection), "You: shorten the longest of its members")
	}
	return faults.Err()
}

// maxConnection is how large a connection may be, as JSON: lists have many.
const maxConnection = 16 << 10

// validateAuthorization checks how the connection is authorized.
func (c Connection) validateAuthorization(faults *Errors) {
	const one = "You: remove one; a connection is authorized in one way"
	switch dispenser := c.HTTPCredentialSource; {
	case c.RoleARN != "" && c.Secret != "":
		faults.Add("/secret", "role_arn and secret are both given", one)
	case dispenser != nil && c.RoleARN+c.Secret != "":
		other := "role_arn"
		if c.Secret != "" {
			other = "secret"
		}
		faults.Add("/http_credential_source", other+" and http_credential_source are both given", one)
	case dispenser != nil:
		faults.AddErr("/http_credential_source", dispenser.Validate())
		if c.RoleSessionDurationSeconds != 0 {
			faults.Add("/role_session_duration_seconds", dispenserDecides, "You: leave it out")
		}
	case c.RoleARN != "":
		_, err := ParseRoleARN(c.RoleARN)
		faults.AddErr("/role_arn", err)
	}
}

const dispenserDecides = "a dispenser decides itself how long its credentials last"

// Revision returns a digest of the whole connection: it changes whenever the
// connection does.
func (c Connection) Revision() string {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings, numbers and booleans only
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
