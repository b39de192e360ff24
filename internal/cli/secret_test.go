package cli_test

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// vended finds what STS hands out.
var vended = regexp.MustCompile(`<(?:SecretAccessKey|SessionToken)>([^<]+)<`)

// Secrets that come up only while a job runs, those of its sessions and of
// the probes', stay inside of the process: neither outputs nor logs, neither
// state nor temporary files have them, whether the job goes well or not.
func TestVendedSecretsStayInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	behind := newSite(t, filepath.Join(dir, "sandbox.yaml"), nil)
	var mu sync.Mutex
	secrets := map[string]bool{}
	target, err := url.Parse(behind.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method != http.MethodPost || r.Request.URL.Path != "/" {
				return nil
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			mu.Lock()
			defer mu.Unlock()
			for _, found := range vended.FindAllSubmatch(body, -1) {
				secrets[string(found[1])] = true
			}
			return nil
		},
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	(&site{url: front.URL}).fillIn(t, filepath.Join(dir, "rolecall.yaml"))

	var said bytes.Buffer
	for _, output := range []string{"json", "text"} { // the second finds other objects there, and fails
		run := command(t, dir, "run", "job.json", "--org", "acme", "--verbose", "--keep", "--output", output)
		run.Stdout, run.Stderr = &said, &said
		if err := run.Run(); (err == nil) != (output == "json") {
			t.Fatalf("%v: %s", err, &said)
		}
		if err := behind.server.PutObject("acme-masters", "in/a.txt", strings.NewReader("other")); err != nil {
			t.Fatal(err)
		}
	}
	// Two sessions a run and the accepted probes, with a key and a token each.
	if len(secrets) < 8 {
		t.Fatalf("the proxy saw %d secrets only", len(secrets))
	}
	for secret := range secrets {
		if strings.Contains(said.String(), secret) {
			t.Errorf("the output shows %s", secret)
		}
	}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		for secret := range secrets {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds %s", path, secret)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
