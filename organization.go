package rolecall

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/strict"
)

// Vendor is the side that runs the workers: its own accounts, which no
// tenant's connection or job may lead into, and the identities that its
// workers run as.
type Vendor struct {
	Accounts   []string
	Principals map[string]Principal
}

// Principal is a vendor-side identity that workers run as: an IAM role or
// user, declared once per environment, region or partition.
type Principal struct {
	Name    string
	ARN     ARN
	Regions []string // of jobs that it serves, in addition to those that name it
	Default bool
}

// STSRegion returns the region whose STS issues the principal's sessions on a
// bucket, for jobs, checks and tools alike: the job's, if it names one that the
// principal serves, or the principal has no regions; else the bucket's, likewise;
// else the principal's first; else its partition's home. Regions of other partitions
// are ignored, and so is what a tenant's endpoint says about its bucket:
// tenants do not choose which STS is asked.
func (p Principal) STSRegion(job string, bucket Place) string {
	foreign := func(region string) bool { return !IsRegion(region) || PartitionOf(region) != p.ARN.Partition }
	served := slices.DeleteFunc(slices.Clone(p.Regions), foreign)
	usable := func(region string) bool {
		return !foreign(region) && (len(served) == 0 || slices.Contains(served, region))
	}
	switch {
	case usable(job):
		return job
	case bucket.EndpointURL == "" && usable(bucket.Region):
		return bucket.Region
	case len(served) > 0:
		return served[0]
	default:
		return HomeRegion(p.ARN.Partition)
	}
}

// CheckRegion returns an error if a region is of another partition than the
// principal. An empty region, or a principal that was not found, is not an
// error.
func (p Principal) CheckRegion(region string) error {
	own := p.ARN.Partition
	if own == "" || region == "" || PartitionOf(region) == own {
		return nil
	}
	return &Error{
		Code: Invalid, Message: fmt.Sprintf("the region %s is of partition %s, but the principal %q is in %s", region, PartitionOf(region), p.Name, own),
		Hint: "Operator: declare a principal for that partition",
	}
}

// PrincipalFor returns the principal of a job: the named one, else the one
// that serves the job's region, else the default, else the only one. It is
// never the one that signs for dispensers.
func (v Vendor) PrincipalFor(name, region string) (Principal, error) {
	declared := make([]string, 0, len(v.Principals))
	for n := range v.Principals {
		if n != DispenserPrincipal {
			declared = append(declared, n)
		}
	}
	sort.Strings(declared)
	if name == DispenserPrincipal {
		return Principal{}, &Error{
			Code: Invalid, Message: "the principal " + strict.Quote(name) + " signs requests to dispensers and does nothing else",
			Hint: "You: name one that is declared: " + strings.Join(declared, ", "),
		}
	}
	if name != "" {
		if p, ok := v.Principals[name]; ok {
			return p, nil
		}
		return Principal{}, &Error{Code: Invalid, Message: "there is no principal " + strict.Quote(name), Hint: "You: name one that is declared: " + strings.Join(declared, ", ")}
	}
	for _, n := range declared {
		for _, r := range v.Principals[n].Regions {
			if region != "" && r == region {
				return v.Principals[n], nil
			}
		}
	}
	for _, n := range declared {
		if v.Principals[n].Default {
			return v.Principals[n], nil
		}
	}
	if len(declared) == 1 {
		return v.Principals[declared[0]], nil
	}
	return Principal{}, &Error{
		Code: Invalid, Message: "no principal serves this job",
		Hint: "You: choose one with --principal. Operator: or mark one as default in rolecall.yaml; declared: " + strings.Join(declared, ", "),
	}
}

// Owns reports whether the account is one of the vendor's own: declared so, or
// a principal's.
func (v Vendor) Owns(account string) bool {
	for _, a := range v.Accounts {
		if a == account {
			return true
		}
	}
	for _, p := range v.Principals {
		if p.ARN.Account == account {
			return true
		}
	}
	return false
}

// Organization is the tenant. It owns its connections and secrets.
type Organization struct {
	APIName     string
	ExternalID  ExternalID
	Connections map[string]Connection
	Secrets     map[string]Secret
}

// ExternalIDFor returns the value for sts:ExternalId in work on the connection:
// the connection's own, or else the organization's.
func (o Organization) ExternalIDFor(c Connection) string {
	if c.ExternalID != nil {
		return c.ExternalID.Value
	}
	return o.ExternalID.Value
}

// ExternalIDMode is where an external id comes from.
type ExternalIDMode string

// The modes. Only the operator may choose the last two.
const (
	ExternalIDGenerated ExternalIDMode = "generated" // 128 random bits
	ExternalIDAPIName   ExternalIDMode = "api_name"  // the organization's api_name
	ExternalIDCustom    ExternalIDMode = "custom"    // a value agreed upon elsewhere
)

// ExternalID is the value for sts:ExternalId and where it comes from.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
type ExternalID struct {
	Mode  ExternalIDMode `json:"mode"`
	Value string         `json:"value,omitempty"`
}

// Validate checks the form of an external id: 2 to 1,224 characters of
// [\w+=,.@:\/-].
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (e ExternalID) Validate() error {
	var faults Errors
	switch e.Mode {
	case ExternalIDGenerated, ExternalIDAPIName, ExternalIDCustom:
	default:
		faults.Add("/mode", "unknown external id mode "+strict.Quote(string(e.Mode)), "You: write one of generated, api_name, custom")
	}
	if e.Value != "" && (len(e.Value) < 2 || len(e.Value) > 1224 || !externalIDForm.MatchString(e.Value)) {
		faults.Add("/value", "the external id is not one that STS accepts", `You: write 2 to 1224 letters, digits or characters of _+=,.@:/-`)
	}
	if e.Value == "" && e.Mode == ExternalIDCustom {
		faults.Add("/value", "an external id of mode custom needs a value", "You: give it as value, or leave external_id out to have one made")
	}
	return faults.Err()
}

// SecretType is what a secret contains.
type SecretType string

// The types of secret.
const (
	SecretAWSAccessKey SecretType = "aws_access_key" // an access key id and secret access key
	SecretText         SecretType = "text"
)

// Secret is what is known about a named secret, without its value. Version
// changes whenever the value does. Bucket, if set, is the only bucket that an
// access key may be used for. Host is the only host that a text may be sent to
// as a bearer token; if it is empty, the text is not sent.
type Secret struct {
	Name    string
	Type    SecretType
	Version string
	Bucket  string
	Host    string
}

// Validate checks the type and what the secret is bound to, and writes the
// host as requests name it.
func (s *Secret) Validate() error {
	var faults Errors
	switch s.Type {
	case SecretAWSAccessKey, SecretText:
	case "":
		faults.Add("/type", "a secret needs a type", "You: write aws_access_key or text")
	default:
		faults.Add("/type", "unknown type of secret", "You: write aws_access_key or text")
	}
	switch host := (HTTPCredentialSource{URL: "https://" + s.Host + "/"}).Host(); {
	case s.Host == "":
	case s.Type == SecretAWSAccessKey:
		faults.Add("/host", "an access key is sent to no host", "You: bind it to a bucket")
	case host == "" || !strings.EqualFold(host, s.Host):
		faults.Add("/host", "not a host name", "You: write it as credentials.example.com")
	default:
		s.Host = host
	}
	return faults.Err()
}

// Encryption is the server-side encryption of objects that are written. Type
// is AES256 or aws:kms; Key is the ARN of a KMS key, or empty for the bucket's
// default key.
type Encryption struct {
	Type string `json:"type"`
	Key  string `json:"key,omitempty"`
}

// Validate checks the type and the key's form.
func (e Encryption) Validate() error {
	var faults Errors
	switch e.Type {
	case "AES256":
		if e.Key != "" {
			faults.Add("/key", "AES256 takes no key", "You: use type aws:kms with a key")
		}
	case "aws:kms":
		if e.Key != "" {
			a, err := ParseARN(e.Key)
			switch {
			case err != nil:
				faults.AddErr("/key", err)
			case a.Service != "kms" || a.Region == "" || a.Account == "" || !keyForm.MatchString(a.Resource):
				faults.Add("/key", strict.Quote(e.Key)+" is not the ARN of a KMS key", "You: write it as arn:aws:kms:eu-central-1:111122223333:key/ID; aliases do not work across accounts")
			}
		}
	case "":
		faults.Add("/type", "encryption needs a type", "You: write AES256 or aws:kms")
	default:
		faults.Add("/type", "unknown encryption type "+strict.Quote(e.Type), "You: write AES256 or aws:kms; client-side encryption is not supported")
	}
	return faults.Err()
}

// The limits of role_session_duration_seconds, and its default.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const (
	MinSessionDuration     = 900 * time.Second
	MaxSessionDuration     = 43200 * time.Second
	DefaultSessionDuration = 3600 * time.Second
)

func validateDuration(faults *Errors, pointer string, seconds *int) {
	if seconds != nil && (*seconds < int(MinSessionDuration/time.Second) || *seconds > int(MaxSessionDuration/time.Second)) {
		faults.Add(pointer, "a role session lasts 900 to 43200 seconds", "You: leave it out for an hour")
	}
}

// ValidateAPIName checks an organization's api_name: kebab-case, 2 to 63
// characters.
func ValidateAPIName(name string) error {
	if len(name) < 2 || len(name) > 63 || !kebabForm.MatchString(name) {
		return &Error{Code: Invalid, Message: strict.Quote(name) + " is not an api_name", Hint: "You: use 2 to 63 lowercase letters, digits and single hyphens, beginning with a letter or digit"}
	}
	return nil
}

// ValidateName checks the name of a principal, connection or secret.
func ValidateName(name string) error {
	if len(name) > 63 || !nameForm.MatchString(name) {
		return &Error{Code: Invalid, Message: strict.Quote(name) + " is not a name", Hint: "You: use 1 to 63 letters, digits and characters of ._-, beginning with a letter or digit"}
	}
	return nil
}

var (
	externalIDForm = regexp.MustCompile(`^[\w+=,.@:/-]*$`)
	keyForm        = regexp.MustCompile(`^key/[A-Za-z0-9_-]{1,128}$`)
	kebabForm      = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	nameForm       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)
