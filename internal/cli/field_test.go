package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// fieldCases is a cases.json; testdata/field/README.md describes it.
type fieldCases struct {
	Env   map[string]string `json:"env"`
	Cases []fieldCase       `json:"cases"`
}

type fieldCase struct {
	Name      string `json:"name"`
	Sandbox   string `json:"sandbox"`
	Config    string `json:"config"`
	Org       string `json:"org"`
	Principal string `json:"principal"`
	Job       string `json:"job"`
	Expect    struct {
		Exit   int              `json:"exit"`
		Status *rolecall.Status `json:"status"`
		Errors []struct {
			Code    rolecall.Code `json:"code"`
			Pointer string        `json:"pointer"`
			Task    *int          `json:"task"`
		} `json:"errors"`
		Objects map[string]map[string]string `json:"objects"`
	} `json:"expect"`
}

// TestField runs the jobs of the field's own pages, each on a sandbox of its
// own, and compares what comes of them.
func TestField(t *testing.T) {
	t.Parallel()
	tables, err := filepath.Glob("../../testdata/field/*/cases.json")
	if err != nil || len(tables) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, table := range tables {
		data, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		var cases fieldCases
		if err := json.Unmarshal(data, &cases); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		dir := filepath.Dir(table)
		for _, c := range cases.Cases {
			t.Run(filepath.Base(dir)+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				c.run(t, dir, cases.Env)
			})
		}
	}
}

func (c fieldCase) run(t *testing.T, from string, env map[string]string) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if c.Sandbox == "" {
		c.Sandbox = "sandbox.yaml"
	}
	if c.Config == "" {
		c.Config = "rolecall.yaml"
	}
	site := newSite(t, filepath.Join(dir, c.Sandbox), nil)
	site.fillIn(t, filepath.Join(dir, c.Config))

	args := []string{"run", c.Job, "--org", c.Org, "--config", c.Config, "--output", "json"}
	if c.Principal != "" {
		args = append(args, "--principal", c.Principal)
	}
	run := command(t, dir, args...)
	for name, value := range env {
		run.Env = append(run.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	if err := run.Run(); err != nil && run.ProcessState == nil {
		t.Fatal(err)
	}
	t.Logf("stdout: %s\nstderr: %s", &stdout, &stderr)
	if got := run.ProcessState.ExitCode(); got != c.Expect.Exit {
		t.Errorf("exit code %d, not %d", got, c.Expect.Exit)
	}
	var report struct {
		Status *rolecall.Status `json:"status"`
		rolecall.JobReport
	}
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatalf("stdout is not JSON: %v", err)
	}
	if diff := cmp.Diff(c.Expect.Status, report.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	for _, want := range c.Expect.Errors {
		among := report.Errors
		if want.Task != nil && *want.Task < len(report.Tasks) {
			among = report.Tasks[*want.Task].Errors
		}
		if !slices.ContainsFunc(among, func(e *rolecall.Error) bool {
			return e.Code == want.Code && strings.HasPrefix(e.Pointer, want.Pointer)
		}) {
			t.Errorf("there is no error %s at %q", want.Code, want.Pointer)
		}
	}
	for bucket, objects := range c.Expect.Objects {
		want := map[string]string{}
		for key, file := range objects {
			data, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			want[key] = string(data)
		}
		if diff := cmp.Diff(want, site.objects(t, bucket)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", bucket, diff)
		}
	}
	site.noUploads(t)
}

// site is a sandbox with an auditor in each account, who may read all of it.
type site struct {
	server *sandbox.Server
	url    string
	owners map[string]string // accounts by bucket
	config *sandbox.Config
}

const auditorSecret = "of-the-auditor"

func auditorKey(account string) string { return "AKIAAUDITOR" + account }

func newSite(t *testing.T, config string, alter func(*sandbox.Config, *sandbox.Options)) *site {
	t.Helper()
	cfg, err := sandbox.LoadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	everything, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{owners: map[string]string{}, config: cfg}
	for id, account := range cfg.Accounts {
		if account.Users == nil {
			account.Users = map[string]*sandbox.User{}
		}
		account.Users["auditor"] = &sandbox.User{AccessKeyID: auditorKey(id), SecretAccessKey: auditorSecret, Policies: []*policy.Document{everything}}
		for bucket := range account.Buckets {
			s.owners[bucket] = id
		}
	}
	options := sandbox.Options{}
	if alter != nil {
		alter(cfg, &options)
	}
	s.server = sandboxtest.StartConfig(t, cfg, options)
	s.url = s.server.URL
	return s
}

// fillIn puts the sandbox's address into a file.
func (s *site) fillIn(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(data, []byte(placeholder), []byte(strings.TrimPrefix(s.url, "http://")))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// client is the auditor's of a bucket's account.
func (s *site) client(bucket string) *s3.Client {
	account := s.owners[bucket]
	return s3.New(s3.Options{
		Region: s.config.Accounts[account].Buckets[bucket].Region, BaseEndpoint: &s.url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(auditorKey(account), auditorSecret, ""),
	})
}

// objects gives all that a bucket holds.
func (s *site) objects(t *testing.T, bucket string) map[string]string {
	t.Helper()
	client := s.client(bucket)
	list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, o := range list.Contents {
		object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(object.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = object.Body.Close()
		found[*o.Key] = string(data)
	}
	return found
}

// noUploads asks that no bucket has a multipart upload open.
func (s *site) noUploads(t *testing.T) {
	t.Helper()
	for _, bucket := range slices.Sorted(maps.Keys(s.owners)) {
		open, err := s.client(bucket).ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
		if err != nil {
			t.Fatal(err)
		}
		if len(open.Uploads) > 0 {
			t.Errorf("%s has %d uploads open", bucket, len(open.Uploads))
		}
	}
}
