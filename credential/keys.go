package credential

import (
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
)

// Keys are AWS keys: static ones of a secret or of a principal. Nothing
// prints them: every way to text gives only a mark.
type Keys struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // empty for long-lived keys
}

// ReadKeys reads keys from JSON: access_key_id, secret_access_key and
// optionally session_token.
func ReadKeys(data []byte) (Keys, error) {
	var in struct {
		AccessKeyID     string `json:"access_key_id"`
		SecretAccessKey string `json:"secret_access_key"`
		SessionToken    string `json:"session_token"`
	}
	if err := rolecall.Decode(data, &in); err != nil {
		return Keys{}, err
	}
	k := Keys(in)
	return k, k.Validate()
}

// Validate checks that the two keys are there.
func (k Keys) Validate() error {
	var faults rolecall.Errors
	if k.AccessKeyID == "" {
		faults.Add("/access_key_id", "the access key id is missing", "")
	}
	if k.SecretAccessKey == "" {
		faults.Add("/secret_access_key", "the secret access key is missing", "")
	}
	return faults.Err()
}

func (k Keys) credentials(source string) aws.Credentials {
	return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken, Source: source}
}

const redacted = "[redacted]"

// String gives a mark instead of the keys.
func (Keys) String() string { return redacted }

// GoString gives a mark instead of the keys.
func (Keys) GoString() string { return redacted }

// Format writes a mark instead of the keys, whatever the verb.
func (Keys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue gives a mark instead of the keys.
func (Keys) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON gives a mark instead of the keys.
func (Keys) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText gives a mark instead of the keys.
func (Keys) MarshalText() ([]byte, error) { return []byte(redacted), nil }
