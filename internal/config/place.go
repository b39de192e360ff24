package config

import (
	"context"
	"path/filepath"
)

// Place is a file or directory that decides what rolecall does, for whom and
// as whom. It is the operator's: no job is to read or write it.
type Place struct {
	What string // for people
	Path string
}

// Places returns those of a config that was loaded: itself, the state directory,
// and the files that secrets, principals' credentials and certificates are read
// from, as the environment and AWS's shared configuration name them too.
func (c *Config) Places(ctx context.Context, getenv func(string) string) []Place {
	places := []Place{{"the config", c.path}, {"the state directory", c.State}}
	add := func(what, path string) {
		if path != "" {
			places = append(places, Place{what, path})
		}
	}
	for _, org := range sorted(c.secrets) {
		for _, name := range sorted(c.secrets[org]) {
			add("the secret "+name, c.secrets[org][name].File)
		}
	}
	for _, name := range sorted(c.Sources) {
		for _, file := range c.Sources[name].Files(ctx, getenv) {
			add("the credentials of the principal "+name, file)
		}
	}
	// https://pkg.go.dev/crypto/x509#SystemCertPool
	add("what SSL_CERT_FILE names", getenv("SSL_CERT_FILE"))
	for _, dir := range filepath.SplitList(getenv("SSL_CERT_DIR")) {
		add("what SSL_CERT_DIR names", dir)
	}
	return places
}
