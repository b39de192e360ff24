package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/strict"
)

// secret is where a named secret's value is: in a file or an environment
// variable, never in the config.
type secret struct {
	Type   rolecall.SecretType `json:"type"`
	File   string              `json:"file"`
	Env    string              `json:"env"`
	Bucket string              `json:"bucket"` // of an access key: the only one that it may be used for
	Host   string              `json:"host"`   // of a text: the only one that it may be sent to
}

const maxSecretBytes = 64 << 10

func (r reader) secret(s *secret, at string) {
	declared := rolecall.Secret{Type: s.Type, Bucket: s.Bucket, Host: s.Host}
	r.faults.AddErr(at, declared.Validate())
	s.Host = declared.Host
	switch {
	case s.File == "" && s.Env == "":
		r.faults.Add(at, "a secret needs a place for its value", "You: give file, or env with the name of an environment variable")
	case s.File != "" && s.Env != "":
		r.faults.Add(at+"/env", "file and env are both given", "You: keep one")
	case s.File != "":
		s.File = within(r.dir, s.File)
	}
}

// readSecrets checks that each secret can be read and is well formed, and sets
// its version, a digest of its value.
func (c *Config) readSecrets() error {
	var faults rolecall.Errors
	for _, org := range sorted(c.secrets) {
		for _, name := range sorted(c.secrets[org]) {
			s := c.secrets[org][name]
			at := strict.Pointer("organizations", org, "secrets", name)
			data, err := s.read()
			switch {
			case err != nil:
			case s.Type == rolecall.SecretAWSAccessKey:
				_, err = credential.ReadKeys(data)
			case s.Host != "":
				err = bearer(data).Validate()
			}
			if err != nil {
				faults.AddErr(at, err)
				continue
			}
			sum := sha256.Sum256(data)
			known := c.Organizations[org].Secrets[name]
			known.Version = hex.EncodeToString(sum[:8])
			c.Organizations[org].Secrets[name] = known
		}
	}
	return faults.Err()
}

// Keys implements tenant.Secrets.
func (c *Config) Keys(_ context.Context, org, name string) (credential.Keys, error) {
	s, ok := c.secrets[org][name]
	if !ok || s.Type != rolecall.SecretAWSAccessKey {
		return credential.Keys{}, &rolecall.Error{Code: rolecall.NotFound, Message: "there is no secret " + name + " that holds an AWS access key"}
	}
	data, err := s.read()
	if err != nil {
		return credential.Keys{}, err
	}
	return credential.ReadKeys(data)
}

// Bearer implements tenant.Secrets.
func (c *Config) Bearer(_ context.Context, org, name string) (credential.Bearer, error) {
	s, ok := c.secrets[org][name]
	if !ok || s.Type != rolecall.SecretText {
		return credential.Bearer{}, &rolecall.Error{Code: rolecall.NotFound, Message: "there is no secret " + name + " that holds a text"}
	}
	data, err := s.read()
	if err != nil {
		return credential.Bearer{}, err
	}
	return bearer(data), nil
}

// bearer drops the end of line that editors put behind a token.
func bearer(data []byte) credential.Bearer {
	return credential.Bearer{Token: strings.TrimRight(string(data), "\r\n")}
}

func (s secret) read() ([]byte, error) {
	if s.Env != "" {
		value, ok := os.LookupEnv(s.Env)
		if !ok || value == "" {
			return nil, &rolecall.Error{Code: rolecall.Invalid, Pointer: "/env", Message: "the environment variable " + s.Env + " is not set"}
		}
		return []byte(value), nil
	}
	return readFile(s.File, "/file")
}

func readFile(path, at string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Pointer: at, Message: "cannot read " + path, Hint: "You: see that the file is there and readable", Err: err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+1))
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Pointer: at, Message: "cannot read " + path, Err: err}
	}
	if len(data) > maxSecretBytes {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Pointer: at, Message: path + " is larger than 64 KiB"}
	}
	return data, nil
}
