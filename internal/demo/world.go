package demo

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed world
var files embed.FS

// world has the values for the three files.
type world struct {
	Vendor, Acme, Globex string // account ids
	Region               string
	Masters, Delivery    string // buckets
	Key                  string // ARN of the delivery bucket's key

	AcmeID, DeliveryID, GlobexID string // external ids
	Production, Staging          keys   // the fixed sessions of the worker roles
	AcmeAuditor, GlobexAuditor   keys   // the customers' own users
	URL                          string // of the sandbox

	dir string
}

// keys is the form of a file with a principal's credentials.
type keys struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token,omitempty"`
}

// The sizes of the objects in acme's bucket.
const (
	masterBytes = 64 << 20
	stillCount  = 200
	stillBytes  = 12 << 10
)

// outsideKey is the key of an object that the job may not read.
const outsideKey = "private/contract.txt"

func newWorld(dir string) *world {
	w := &world{
		Vendor: "873682911326", Acme: "111122223333", Globex: "444455556666",
		Region: "eu-central-1", Masters: "acme-masters", Delivery: "globex-delivery",
		AcmeID: random(16), DeliveryID: random(16), GlobexID: random(16),
		Production: newKeys("ASIA"), Staging: newKeys("ASIA"),
		AcmeAuditor: newKeys("AKIA"), GlobexAuditor: newKeys("AKIA"),
		dir: dir,
	}
	w.Key = fmt.Sprintf("arn:aws:kms:%s:%s:key/delivery", w.Region, w.Globex)
	return w
}

// newKeys returns new keys. Kind is ASIA, for a session, or AKIA.
func newKeys(kind string) keys {
	k := keys{AccessKeyID: kind + fmt.Sprintf("%X", randomBytes(8)), SecretAccessKey: random(20)}
	if kind == "ASIA" {
		k.SessionToken = random(32)
	}
	return k
}

func random(n int) string { return hex.EncodeToString(randomBytes(n)) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func (w *world) role(account, name string) string {
	return "arn:aws:iam::" + account + ":role/" + name
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// write fills in one of the files and writes it to the directory.
func (w *world) write(name string) error {
	text, err := files.ReadFile("world/" + name)
	if err != nil {
		return err
	}
	t, err := template.New(name).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, w); err != nil {
		return err
	}
	return os.WriteFile(w.path(name), b.Bytes(), 0o600)
}

// writeKeys writes the principals' credentials to the files that the config
// names.
func (w *world) writeKeys() error {
	for name, k := range map[string]keys{"production.json": w.Production, "staging.json": w.Staging} {
		data, err := json.Marshal(k)
		if err != nil {
			return err
		}
		if err := os.WriteFile(w.path(name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeObjects generates acme's objects: one large file and many small ones,
// always with the same bytes, and one outside the job's prefix.
func (w *world) writeObjects() error {
	source := mathrand.NewChaCha8([32]byte([]byte("metropolis, fritz lang, 1927 ...")))
	generate := func(name string, size int64) error {
		path := filepath.Join(w.dir, w.Masters, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		if _, err := io.CopyN(f, source, size); err != nil {
			_ = f.Close() // the first error counts
			return err
		}
		return f.Close()
	}
	if err := generate("in/metropolis.mov", masterBytes); err != nil {
		return err
	}
	for i := range stillCount {
		if err := generate(fmt.Sprintf("in/stills/%03d.jpg", i), stillBytes+int64(i)); err != nil {
			return err
		}
	}
	return generate(outsideKey, 1<<10)
}

// accounts returns the accounts of the story.
func (w *world) accounts() []Account {
	return []Account{
		{Name: "vendor", ID: w.Vendor, Principals: []string{"production", "staging"}},
		{Name: "acme", ID: w.Acme, Roles: []string{"media", "media-open"}, Bucket: w.Masters},
		{Name: "globex", ID: w.Globex, Roles: []string{"inbox"}, Bucket: w.Delivery, Key: w.Key},
	}
}
