package credential

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
)

// Keys are AWS keys: static ones of a secret or of a principal. Nothing prints
// them: every conversion to text returns only a mark.
type Keys struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // empty for long-lived keys
}

// ReadKeys reads keys from the JSON that people have: access_key_id,
// secret_access_key and optionally session_token; the same in the spelling of
// AWS's tools, AccessKeyId; and that within the AccessKey or Credentials that
// `aws iam create-access-key` and `aws sts` print. Other members are ignored.
// No error shows any of it.
func ReadKeys(data []byte) (Keys, error) {
	var in struct {
		wireKeys
		AccessKey, Credentials *wireKeys
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return Keys{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: "the keys are not a JSON object of strings",
			Hint: `Operator: write {"access_key_id": "AKIA…", "secret_access_key": "…"}`,
		}
	}
	wire := in.wireKeys
	switch {
	case in.AccessKey != nil:
		wire = *in.AccessKey
	case in.Credentials != nil:
		wire = *in.Credentials
	}
	k := Keys{
		AccessKeyID:     cmp.Or(wire.AccessKeyID, wire.SnakeID),
		SecretAccessKey: cmp.Or(wire.SecretAccessKey, wire.SnakeSecret),
		SessionToken:    cmp.Or(wire.SessionToken, wire.SnakeToken),
	}
	return k, k.Validate()
}

// wireKeys are keys in both spellings.
type wireKeys struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey"`
	SessionToken    string `json:"SessionToken"`
	SnakeID         string `json:"access_key_id"`
	SnakeSecret     string `json:"secret_access_key"`
	SnakeToken      string `json:"session_token"`
}

// Validate checks that both keys are there.
func (k Keys) Validate() error {
	var faults rolecall.Errors
	if k.AccessKeyID == "" {
		faults.Add("/access_key_id", "the access key id is missing", "You: give it as access_key_id")
	}
	if k.SecretAccessKey == "" {
		faults.Add("/secret_access_key", "the secret access key is missing", "You: give it as secret_access_key")
	}
	for member, value := range map[string]string{"/access_key_id": k.AccessKeyID, "/secret_access_key": k.SecretAccessKey} {
		if len(value) > maxKey {
			faults.Add(member, fmt.Sprintf("a part of an access key has more than %d characters", maxKey), "You: copy it again from where it was made")
		}
	}
	return faults.Err()
}

func (k Keys) credentials(source string) aws.Credentials {
	return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken, Source: source}
}

// maxKey is longer than what AWS makes.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html
const maxKey = 256

const redacted = "[redacted]"

// String returns a mark instead of the keys.
func (Keys) String() string { return redacted }

// GoString returns a mark instead of the keys.
func (Keys) GoString() string { return redacted }

// Format writes a mark instead of the keys, whatever the verb.
func (Keys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns a mark instead of the keys.
func (Keys) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns a mark instead of the keys.
func (Keys) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns a mark instead of the keys.
func (Keys) MarshalText() ([]byte, error) { return []byte(redacted), nil }
