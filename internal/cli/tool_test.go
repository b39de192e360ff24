package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// sessionLife is for how long sessions are said to live in these tests.
const sessionLife = 4 * time.Second

// bench is a sandbox behind a front that sees what STS hands out and shortens
// its life, but only in what STS says: nothing is refused that a slow machine
// sent late. The front holds the answers about objects to the first session
// until its end: then what is still to be moved needs another one.
type bench struct {
	*site
	dir, front string
	life       time.Duration // zero: as STS says

	mu      sync.Mutex
	secrets map[string]bool
	first   sync.Once
	moving  chan struct{} // closed when the first object was moved
	ended   chan struct{} // closed at the first session's end
}

const benchFiles = 24

func newBench(t *testing.T, life time.Duration) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), life: life, secrets: map[string]bool{}, moving: make(chan struct{}), ended: make(chan struct{})}
	if err := os.CopyFS(b.dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"masters/in/reel", "reel"} {
		if err := os.MkdirAll(filepath.Join(b.dir, at), 0o700); err != nil {
			t.Fatal(err)
		}
		for n := range benchFiles {
			if err := os.WriteFile(filepath.Join(b.dir, at, strconv.Itoa(n)+".mov"), bytes.Repeat([]byte{byte(n)}, 1000+n), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.site = newSite(t, filepath.Join(b.dir, "sandbox.yaml"), nil)
	target, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host },
		ModifyResponse: func(r *http.Response) error {
			switch {
			case r.Request.URL.Path == "/":
				return b.note(r)
			case life > 0 && strings.HasSuffix(r.Request.URL.Path, ".mov") && r.StatusCode == http.StatusOK:
				b.first.Do(func() {
					time.AfterFunc(life, func() { close(b.ended) })
					close(b.moving)
				})
				<-b.ended
			}
			return nil
		},
	})
	t.Cleanup(front.Close)
	b.front = front.URL
	config := filepath.Join(b.dir, "rolecall.yaml")
	(&site{url: front.URL}).fillIn(t, config)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	// Debian's rclone sends an ACL always, which the session must allow then.
	text = bytes.Replace(text, []byte("prefix: out/,"), []byte("prefix: out/, acl: bucket-owner-full-control,"), 1)
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// expiration finds when what STS hands out ends.
var expiration = regexp.MustCompile(`<Expiration>[^<]+<`)

// note keeps the secrets of an answer of STS's, and has it tell of their end.
func (b *bench) note(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if b.life > 0 {
		end := time.Now().Add(b.life).UTC().Format(time.RFC3339)
		body = expiration.ReplaceAll(body, []byte("<Expiration>"+end+"<"))
		r.ContentLength = int64(len(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, found := range vended.FindAllSubmatch(body, -1) {
		b.secrets[string(found[1])] = true
	}
	return err
}

// sessions gives the access keys that moved objects by an operation, having
// checked whose sessions they are.
func (b *bench) sessions(t *testing.T, operation, bucket, scope string) map[string]int {
	t.Helper()
	policies, moved := map[string]string{}, map[string]int{}
	for _, e := range b.server.Trail() {
		if a := e.AssumeRole; a != nil && e.Status == http.StatusOK {
			policies[a.AccessKeyID] = a.SessionPolicy
		}
		if e.Operation != operation || e.Status != http.StatusOK || !strings.Contains(e.Resource, bucket) {
			continue
		}
		moved[e.AccessKeyID]++
		if !strings.HasPrefix(e.SessionName, "acme.tool-") {
			t.Errorf("%s of %s by the session %q", operation, e.Resource, e.SessionName)
		}
		if !strings.Contains(policies[e.AccessKeyID], scope) {
			t.Errorf("%s of %s under the policy %s", operation, e.Resource, policies[e.AccessKeyID])
		}
	}
	return moved
}

// Debian's own tools move files through a connection for longer than a session
// lives: from the container endpoint they take another, and nothing of it is
// seen by other processes, or left behind.
func TestToolsRenew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		access, connection, operation, bucket, scope string
		command                                      string
	}{
		"aws downloads": {
			"read", "masters", "GetObject", "acme-masters", "acme-masters/in/reel/*",
			`/usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL_S3" s3 cp --recursive --only-show-errors "s3://$ROLECALL_BUCKET/$ROLECALL_PREFIX" got`,
		},
		"aws uploads": {
			"write", "delivery", "PutObject", "acme-delivery", "acme-delivery/out/reel/*",
			`/usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL_S3" s3 cp --recursive --only-show-errors reel "s3://$ROLECALL_BUCKET/$ROLECALL_PREFIX"`,
		},
		"rclone downloads": {
			"read", "masters", "GetObject", "acme-masters", "acme-masters/in/reel/*",
			`/usr/bin/rclone copy --s3-provider Other --s3-env-auth --s3-region "$AWS_REGION" --s3-endpoint "$AWS_ENDPOINT_URL_S3" ":s3:$ROLECALL_BUCKET/$ROLECALL_PREFIX" got`,
		},
		"rclone uploads": {
			"write", "delivery", "PutObject", "acme-delivery", "acme-delivery/out/reel/*",
			`/usr/bin/rclone copy --s3-provider Other --s3-env-auth --s3-region "$AWS_REGION" --s3-no-check-bucket --s3-acl bucket-owner-full-control --s3-endpoint "$AWS_ENDPOINT_URL_S3" reel ":s3:$ROLECALL_BUCKET/$ROLECALL_PREFIX"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sessionLife)
			run := command(t, b.dir, "exec", c.connection, "--access", c.access, "--prefix", "reel", "--verbose", "--", "sh", "-c", c.command+" && test -d reel")
			var said bytes.Buffer
			run.Stdout, run.Stderr = &said, &said
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- run.Wait() }()
			select {
			case <-b.moving:
			case err := <-ended:
				t.Fatalf("%v: %s", err, &said)
			}
			token := tokenOf(t, run.Process.Pid)
			b.mu.Lock()
			b.secrets[token] = true
			unseen(t, b.secrets)
			b.mu.Unlock()
			if err := <-ended; err != nil {
				t.Fatalf("%v: %s", err, &said)
			}

			moved, all := b.sessions(t, c.operation, c.bucket, c.scope), 0
			for _, n := range moved {
				all += n
			}
			if len(moved) < 2 || all < benchFiles {
				t.Errorf("%d objects were moved by %d sessions: %s", all, len(moved), &said)
			}
			if c.access == "read" {
				b.same(t)
			} else if got := b.objects(t, "acme-delivery"); len(got) != benchFiles {
				t.Errorf("%d objects were delivered", len(got))
			}
			b.unwritten(t, said.String())
		})
	}
}

// same compares what a tool fetched with what there was.
func (b *bench) same(t *testing.T) {
	t.Helper()
	for n := range benchFiles {
		name := strconv.Itoa(n) + ".mov"
		want, err := os.ReadFile(filepath.Join(b.dir, "reel", name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(b.dir, "got", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// tokenOf reads the token of the endpoint in the environment of a child.
func tokenOf(t *testing.T, pid int) string {
	t.Helper()
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range children {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that ended
		}
		for _, child := range strings.Fields(string(pids)) {
			environment, err := os.ReadFile("/proc/" + child + "/environ")
			if found := tokenForm.FindSubmatch(environment); err == nil && found != nil {
				return string(found[1])
			}
		}
	}
	t.Fatal("no child has a token")
	return ""
}

var tokenForm = regexp.MustCompile(`AWS_CONTAINER_AUTHORIZATION_TOKEN=([0-9a-f]{64})`)

// unseen asks that no process has a secret among its arguments.
func unseen(t *testing.T, secrets map[string]bool) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		line, err := os.ReadFile(p)
		if err != nil {
			continue // it ended
		}
		for secret := range secrets {
			if bytes.Contains(line, []byte(secret)) {
				t.Errorf("%s shows a secret", p)
			}
		}
	}
}

// unwritten asks that no secret was said or written below the directory, where
// home and temporary directories are too.
func (b *bench) unwritten(t *testing.T, said string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.secrets["planted-secret-of-production"] = true
	for secret := range b.secrets {
		if strings.Contains(said, secret) {
			t.Errorf("the output shows a secret: %s", said)
		}
	}
	if err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Base(path) == "sandbox.yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		for secret := range b.secrets {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A profile of the AWS configuration gets its credentials by itself.
func TestCredentialProcess(t *testing.T) {
	t.Parallel()
	b := newBench(t, 0)
	profile := "[profile acme]\nregion = eu-central-1\ncredential_process = rolecall credentials masters --prefix reel\n"
	if err := os.WriteFile(filepath.Join(b.dir, "aws-config"), []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	tool := func(args ...string) (string, error) {
		run := command(t, b.dir)
		run.Path, run.Args = "/usr/bin/aws", append([]string{"aws", "--profile", "acme", "--endpoint-url", b.front}, args...)
		run.Env = append(run.Env, "AWS_CONFIG_FILE="+filepath.Join(b.dir, "aws-config"), "AWS_EC2_METADATA_DISABLED=true")
		said, err := run.CombinedOutput()
		return string(said), err
	}
	said, err := tool("s3", "cp", "--recursive", "--only-show-errors", "s3://acme-masters/in/reel/", "got")
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	b.same(t)
	if moved := b.sessions(t, "GetObject", "acme-masters", "acme-masters/in/reel/*"); len(moved) != 1 {
		t.Errorf("%d sessions moved the objects", len(moved))
	}
	b.unwritten(t, said)
	// The role could read it, the session cannot.
	var exit *exec.ExitError
	if said, err := tool("s3", "cp", "s3://acme-masters/in/a.txt", "out.txt"); !errors.As(err, &exit) || !strings.Contains(said, "403") {
		t.Errorf("beside the prefix: %v %s", err, said)
	}
}
