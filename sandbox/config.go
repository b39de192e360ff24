package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/strict/yaml"
	"github.com/rolecall/rolecall/policy"
)

// Config is a sandbox.yaml. Make one with ParseConfig or LoadConfig, or fill
// it in: Start validates it.
type Config struct {
	Accounts map[string]*Account `json:"accounts"`
	Faults   []Fault             `json:"faults"`
	// Seed makes faults with a rate hit the same requests each time.
	Seed int64 `json:"seed"`
	// SecureTransport is the value of aws:SecureTransport. If it is nil, the
	// value is whether the request came over TLS.
	SecureTransport *bool `json:"secure_transport"`
	// ClockSkew is how far the server's clock is ahead of the machine's, or
	// behind it if negative.
	ClockSkew Skew `json:"clock_skew"`

	dir string // what Bucket.Objects is relative to
}

// Account is one AWS account; its id is the key in Config.Accounts.
type Account struct {
	Partition    string             `json:"partition"`    // "aws" when empty
	Organization string             `json:"organization"` // id of the AWS organization, if any
	SCP          []*policy.Document `json:"scp"`          // service control policies; none: everything allowed
	RCP          []*policy.Document `json:"rcp"`          // resource control policies
	Users        map[string]*User   `json:"users"`
	Roles        map[string]*Role   `json:"roles"`
	Buckets      map[string]*Bucket `json:"buckets"`
	Keys         map[string]*Key    `json:"keys"`
}

// User is an IAM user; its name is the key in Account.Users.
type User struct {
	Path            string             `json:"path"` // "/" when empty
	AccessKeyID     string             `json:"access_key_id"`
	SecretAccessKey string             `json:"secret_access_key"`
	Policies        []*policy.Document `json:"policies"`
	Boundary        *policy.Document   `json:"boundary"`
}

// Role is an IAM role; its name is the key in Account.Roles.
//
// If it has an access key, secret and session token, the role has a standing
// session, as the role of an instance or a container does: it does not expire
// and does not count as role chaining.
type Role struct {
	Path               string             `json:"path"` // "/" when empty
	Trust              *policy.Document   `json:"trust"`
	Policies           []*policy.Document `json:"policies"`
	Boundary           *policy.Document   `json:"boundary"`
	MaxSessionDuration int                `json:"max_session_duration"` // seconds; 3600 when zero

	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token"`
	SessionName     string `json:"session_name"`    // of the standing session; the role's name when empty
	SessionExpired  bool   `json:"session_expired"` // the standing session has ended
}

// Bucket is an S3 bucket; its name is the key in Account.Buckets.
type Bucket struct {
	// Region must be given, such as eu-central-1: there is no default.
	Region     string           `json:"region"`
	Policy     *policy.Document `json:"policy"`
	Encryption Encryption       `json:"encryption"`
	Versioning bool             `json:"versioning"`
	// Ownership says who owns what others write: BucketOwnerEnforced, which is
	// the default as on AWS, BucketOwnerPreferred or ObjectWriter.
	Ownership     string `json:"ownership"`
	RequesterPays bool   `json:"requester_pays"`
	// ObjectLock also retains what is written for a day.
	ObjectLock bool `json:"object_lock"`
	// Objects is a directory whose regular files are the bucket's first
	// objects. Their keys are the paths below it.
	Objects string `json:"objects"`
	// StorageClass is the storage class of these objects; STANDARD when empty.
	StorageClass string `json:"storage_class"`
}

// Encryption is a bucket's default encryption.
type Encryption struct {
	Type      string `json:"type"` // AES256 when empty, aws:kms, aws:kms:dsse
	Key       string `json:"key"`  // name of a key of the bucket's account, or an ARN
	BucketKey bool   `json:"bucket_key"`
}

// Key is a KMS key; its name, the key in Account.Keys, is its id.
type Key struct {
	Region string `json:"region"` // must be given
	// Policy is AWS's default if nil: the account's own policies decide.
	Policy *policy.Document `json:"policy"`
	State  string           `json:"state"` // Enabled when empty, Disabled, PendingDeletion
}

// Duration is a time.Duration that a config writes as "1m30s".
type Duration time.Duration

// UnmarshalJSON reads the form of time.ParseDuration.
func (d *Duration) UnmarshalJSON(data []byte) error {
	v, err := readDuration(data, 0)
	*d = Duration(v)
	return err
}

// Skew is a Duration that may be negative.
type Skew time.Duration

// UnmarshalJSON reads the form of time.ParseDuration.
func (d *Skew) UnmarshalJSON(data []byte) error {
	v, err := readDuration(data, -maxDuration)
	*d = Skew(v)
	return err
}

func readDuration(data []byte, least time.Duration) (time.Duration, error) {
	const hint = `You: write it like "500ms" or "1m30s"`
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return 0, &rolecall.Error{Code: rolecall.Invalid, Message: "must be a duration", Hint: hint}
	}
	v, err := time.ParseDuration(text)
	if err != nil || v < least || v > maxDuration {
		return 0, &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("%.80q is no duration between %s and %s", text, least, maxDuration), Hint: hint}
	}
	return v, nil
}

const (
	maxDuration = 24 * time.Hour
	// maxConfig bounds a config file.
	maxConfig = 8 << 20
)

// LoadConfig reads a sandbox.yaml. Directories of objects are relative to the
// file's.
func LoadConfig(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: err.Error(), Hint: "You: give the sandbox's config with --config", Err: err}
	}
	cfg, err := ParseConfig(data, filepath.Dir(path))
	if err != nil {
		return nil, rolecall.List(err).In(path, yaml.LinesOf(data))
	}
	return cfg, nil
}

// ParseConfig reads a sandbox.yaml strictly and reports all its faults at
// once, each with a pointer. Directories of objects are relative to dir; they
// are read by Start.
func ParseConfig(data []byte, dir string) (*Config, error) {
	if len(data) > maxConfig {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("the config is longer than %d bytes", maxConfig)}
	}
	doc, err := yaml.ToJSON(data)
	if err != nil {
		return nil, err
	}
	cfg := &Config{dir: dir}
	var faults rolecall.Errors
	if strict.Decode(doc, cfg, &faults); len(faults) > 0 {
		return nil, faults
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return cfg, nil
}
