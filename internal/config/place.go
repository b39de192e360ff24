package config

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/strict"
)

// Place is a file or directory that decides what rolecall does, for whom and
// as whom. It is the operator's: no job is to read or write it.
type Place struct {
	What   string // for people
	Path   string
	Secret bool // what is in it is nobody else's to read
}

// Places returns those of a config that was loaded: itself, the state directory,
// and the files that secrets, principals' credentials and certificates are read
// from, as the environment and AWS's shared configuration name them too.
func (c *Config) Places(ctx context.Context, getenv func(string) string) []Place {
	places := []Place{{What: "the config", Path: c.path}, {What: "the state directory", Path: c.State}}
	add := func(p Place) {
		if p.Path != "" {
			places = append(places, p)
		}
	}
	for _, org := range sorted(c.secrets) {
		for _, name := range sorted(c.secrets[org]) {
			add(Place{"the secret " + name, c.secrets[org][name].File, true})
		}
	}
	for _, name := range sorted(c.Sources) {
		for _, file := range c.Sources[name].Files(ctx, getenv) {
			add(Place{"the credentials of the principal " + name, file, slices.Contains(c.Sources[name].KeyFiles(getenv), file)})
		}
	}
	add(Place{"the sealing keys", c.Serve.SealingFile, true})
	add(Place{"the certificate's key", c.Serve.TLS.Key, true})
	// https://pkg.go.dev/crypto/x509#SystemCertPool
	add(Place{What: "what SSL_CERT_FILE names", Path: getenv("SSL_CERT_FILE")})
	for _, dir := range filepath.SplitList(getenv("SSL_CERT_DIR")) {
		add(Place{What: "what SSL_CERT_DIR names", Path: dir})
	}
	return places
}

// CheckFiles opens the files that principals' credentials and certificates are read
// from, and returns all that is wrong with them. Those of secrets are opened
// when the config is loaded.
func (c *Config) CheckFiles(ctx context.Context, getenv func(string) string) error {
	var faults rolecall.Errors
	for _, name := range sorted(c.Sources) {
		faults.AddErr(strict.Pointer("principals", name, "credentials"), c.Sources[name].CheckFiles(ctx, getenv))
	}
	declared := map[string]credential.Declared{}
	for name, p := range c.Vendor.Principals {
		declared[name] = credential.Declared{Principal: p, Source: c.Sources[name]}
	}
	_, err := credential.Open(declared, credential.SourceOptions{}) // finds principals that rest on themselves
	faults = faults.Merge(rolecall.List(err)).In(c.path, c.lines)
	certificates := append(filepath.SplitList(getenv("SSL_CERT_DIR")), getenv("SSL_CERT_FILE"))
	for _, path := range certificates {
		if _, err := os.Stat(path); path != "" && errors.Is(err, fs.ErrNotExist) {
			faults.Add("", path+" does not exist, which the environment names for certificates", "Operator: correct SSL_CERT_FILE or SSL_CERT_DIR, or unset it")
		}
	}
	return faults.Err()
}
