package sandboxtest_test

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// The server serves while its test runs, and not any more after that.
func TestStart(t *testing.T) {
	t.Parallel()
	var server *sandbox.Server
	dial := func() error {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
		if err == nil {
			conn.Close()
		}
		return err
	}
	t.Run("user", func(t *testing.T) {
		server = sandboxtest.Start(t, `accounts: {"111122223333": {buckets: {acme-masters: {region: eu-central-1}}}}`)
		if err := dial(); err != nil {
			t.Error(err)
		}
	})
	if err := dial(); err == nil {
		t.Error("the server still listens")
	}
}

// Objects are kept where the options say, and removed at the end.
func TestStartConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	t.Run("user", func(t *testing.T) {
		cfg := &sandbox.Config{Accounts: map[string]*sandbox.Account{"111122223333": {Buckets: map[string]*sandbox.Bucket{"acme-masters": {Region: "eu-central-1"}}}}}
		server := sandboxtest.StartConfig(t, cfg, sandbox.Options{Dir: dir})
		if err := server.PutObject("acme-masters", "a", strings.NewReader("bytes")); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) == 0 {
			t.Errorf("nothing is kept in the directory, %v", err)
		}
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
