// Package sandboxtest starts a local AWS in a test. Call Start with a
// sandbox.yaml and point AWS clients at the server's URL:
//
//	aws := sandboxtest.Start(t, `accounts: {"111122223333": {buckets: {acme-masters: {region: eu-central-1}}}}`)
//	client := s3.New(s3.Options{BaseEndpoint: &aws.URL, UsePathStyle: true, …})
//
// It is a package of its own so that programs that run a sandbox do not link
// package testing.
package sandboxtest

import (
	"testing"

	"github.com/rolecall/rolecall/sandbox"
)

// Start starts a sandbox of a sandbox.yaml, given as text, on a free port of
// 127.0.0.1. Directories of objects are relative to the test's own. The test
// fails if the text has faults; its end closes the server.
func Start(t testing.TB, yaml string) *sandbox.Server {
	t.Helper()
	cfg, err := sandbox.ParseConfig([]byte(yaml), ".")
	if err != nil {
		t.Fatal(err)
	}
	return StartConfig(t, cfg, sandbox.Options{})
}

// StartConfig is Start for a config that the test has made or changed, and
// with options. Objects are kept in a directory of the test's when the options
// name none.
func StartConfig(t testing.TB, cfg *sandbox.Config, opts sandbox.Options) *sandbox.Server {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	server, err := sandbox.Start(t.Context(), cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}
