package cli_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox"
)

// astray are hosts that no tenant may lead rolecall to, one for each reason
// and each spelling; package guard tests the ranges. The numbers that are no
// addresses to Go are answered by the test's DNS as C libraries read them.
var astray = []string{
	"127.0.0.1", "localhost", "localhost.", "loopback.example", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "0.0.0.0", "0",
	"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
	"10.0.0.1", "192.168.1.1", "[fd12:3456::1]", "private.example",
	"169.254.169.254", "[fd00:ec2::254]", "169.254.170.2", "metadata.example", "2852039166", "[::ffff:a9fe:a9fe]",
	"169.254.1.1", "[fe80::1]", "[fe80::1%25lo]", "100.64.0.1", "224.0.0.1", "255.255.255.255",
}

// listed is an address that the operator lists, so that a tenant may use it.
const listed = "127.77.0.1"

// signer is the role that signs requests to dispensers.
var signer = sandbox.Role{
	Trust: &policy.Document{}, AccessKeyID: "ASIADISPENSER0000000", SecretAccessKey: "planted-secret-of-dispenser", SessionToken: "planted-token-of-dispenser",
}

// surface is a way for a tenant to have a URL used.
type surface struct {
	name       string
	connection string   // its members, with URL in the place of the URL
	job        string   // where there is one
	args       []string // of rolecall, CONFIG and JOB being files
	quiet      bool     // the URL is not used at all, so that nothing fails
	unasked    bool     // the URL is judged, and then not used by rolecall itself
	tls        bool     // the URL is https on port 443
	region     bool     // it is a region that would make STS's host name another
}

const (
	ownRole     = `role_arn: "arn:aws:iam::111122223333:role/media"`
	anyEndpoint = ownRole + `, s3_endpoint_url: "URL"`
	anyRegion   = `, region: "URL"`
	dispensed   = `http_credential_source: {url: "URL"}`
)

func surfaces() []surface {
	task := func(parameters string) string {
		return `{"tasks": [{"tool": "storage:get", "parameters": {` + parameters + `, "files": ["**"]}}]}`
	}
	role := `"location": "s3://acme-masters/in/", "role_arn": "arn:aws:iam::111122223333:role/media"`
	run := []string{"run", "JOB", "--org", "acme", "--config", "CONFIG"}
	command := []string{"exec", "tenant", "--config", "CONFIG", "--", "true"}
	check := []string{"check", "tenant", "--config", "CONFIG"}
	credentials := []string{"credentials", "tenant", "--config", "CONFIG"}
	return []surface{
		{name: "a task's endpoint", connection: ownRole, job: task(role + `, "s3_endpoint_url": "URL"`), args: run},
		{name: "a task's endpoint, region told", connection: ownRole, args: run, job: task(`"location": "https://acme-masters.s3.eu-central-1.amazonaws.com/in/",
			"role_arn": "arn:aws:iam::111122223333:role/media", "s3_endpoint_url": "URL"`)},
		{name: "a connection's endpoint in a job", connection: anyEndpoint, job: task(`"connection": "tenant"`), args: run},
		{name: "a connection's endpoint in a check", connection: anyEndpoint, args: check},
		{name: "a connection's endpoint for a command", connection: anyEndpoint, args: command},
		{name: "a connection's endpoint for a command, region told", connection: anyEndpoint + ", region: eu-central-1", args: command, unasked: true},
		{name: "a connection's endpoint beside credentials", connection: anyEndpoint, args: credentials, quiet: true},
		{name: "a connection's region in a check", connection: ownRole + anyRegion, args: check, region: true},
		{name: "a dispenser's region in a check", connection: `http_credential_source: {url: "https://dispenser.example/"}` + anyRegion, args: check, region: true},
		{name: "a connection's region for a command", connection: ownRole + anyRegion, args: command, region: true},
		{name: "a job's region", connection: ownRole, args: run, region: true, job: `{"region": "URL", "tasks": [{"tool": "storage:exists", "parameters": {"connection": "tenant", "files": ["in/a.txt"]}}]}`},
		{name: "a task's dispenser", connection: ownRole, job: task(`"location": "s3://acme-masters/in/", "http_credential_source": {"url": "URL"}`), args: run, tls: true},
		{name: "a connection's dispenser in a job", connection: dispensed, job: task(`"connection": "tenant"`), args: run, tls: true},
		{name: "a connection's dispenser in a check", connection: dispensed, args: check, tls: true},
		{name: "a connection's dispenser for a command", connection: dispensed, args: command, tls: true},
		{name: "a connection's dispenser for credentials", connection: dispensed, args: credentials, tls: true},
		{
			name: "notify", connection: ownRole, args: run, quiet: true, tls: true,
			job: `{"notify": "URL", "tasks": [{"tool": "storage:exists", "parameters": {"connection": "tenant", "files": ["in/a.txt"]}}]}`,
		},
	}
}

// field is where the matrix is tried: a sandbox for the operator's endpoints, a
// canary that must not be reached, and a server that may be.
type field struct {
	dir, sandbox string
	port         string
	hits         atomic.Int32 // of the canary
	welcome      atomic.Int32 // of the listed server
}

func newField(t *testing.T) *field {
	t.Helper()
	f := &field{dir: t.TempDir()}
	if err := os.CopyFS(f.dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	f.sandbox = newSite(t, filepath.Join(f.dir, "sandbox.yaml"), func(cfg *sandbox.Config, _ *sandbox.Options) {
		cfg.Accounts["999988887777"].Roles["dispenser"] = &signer
	}).url
	canary := f.serve(t, "127.0.0.1:0", &f.hits, http.NotFound)
	_, f.port, _ = net.SplitHostPort(canary)
	if l, err := net.Listen("tcp6", "[::1]:"+f.port); err == nil {
		_ = l.Close()
		f.serve(t, "[::1]:"+f.port, &f.hits, http.NotFound)
	}
	// Whoever is let in here is sent on to where nobody may go.
	f.serve(t, listed+":"+f.port, &f.welcome, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+canary+r.URL.Path, http.StatusTemporaryRedirect)
	})
	return f
}

// serve counts the connections that an address gets.
func (f *field) serve(t *testing.T, address string, count *atomic.Int32, handle http.HandlerFunc) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handle)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Config.SetKeepAlivesEnabled(false) // each request resolves the name again
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			count.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

// write makes the files of one try and gives the arguments for it.
func (f *field) write(t *testing.T, n int, s surface, url string, allow ...string) []string {
	t.Helper()
	fill := func(name, text string) string {
		path := filepath.Join(f.dir, fmt.Sprintf("%d-%s", n, name))
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "URL", url)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	endpoints := fmt.Sprintf("sts: %q, s3: %q", f.sandbox, f.sandbox)
	if s.region {
		endpoints = fmt.Sprintf("s3: %q", f.sandbox)
	}
	config := fmt.Sprintf(`
vendor_accounts: ["999988887777"]
principals:
  production: {arn: "arn:aws:iam::999988887777:role/worker", default: true, credentials: {source: static, access_key_id_env: PRODUCTION_KEY, secret_access_key_env: PRODUCTION_SECRET, session_token_env: PRODUCTION_TOKEN}}
  dispenser: {arn: "arn:aws:iam::999988887777:role/dispenser", credentials: {source: static, access_key_id_env: DISPENSER_KEY, secret_access_key_env: DISPENSER_SECRET, session_token_env: DISPENSER_SESSION}}
organizations:
  acme:
    external_id: {mode: custom, value: x-42}
    connections:
      tenant: {purpose: source, bucket: acme-masters, %s}
endpoints: {%s}
network: {allow: [%s]}
state: ./state
`, s.connection, endpoints, strings.Join(allow, ", "))
	args := slices.Clone(s.args)
	for i, arg := range args {
		switch arg {
		case "CONFIG":
			args[i] = fill("rolecall.yaml", config)
		case "JOB":
			args[i] = fill("job.json", s.job)
		}
	}
	return args
}

// undisclosed is what a command adds for whoever runs it, who is the operator:
// no tenant is told it (rolecall.Undisclosed).
var undisclosed = regexp.MustCompile(`(may not be reached); .*`)

// Whatever URL of a tenant's it is, and however it is written: nothing connects
// to where tenants may not lead, not by an address, not by a name that changes
// its answer, not by a redirect, and not by what the environment says.
func TestTenantsLeadNowhere(t *testing.T) {
	t.Parallel()
	f := newField(t)
	rolecall := f.runner(t)
	n := 0
	try := func(s surface, host string, allow ...string) outcome {
		url := "http://" + host + ":" + f.port
		switch {
		case s.tls:
			url = "https://" + host + "/credentials"
		case s.region:
			url = "x@" + host + ":" + f.port + "/#"
		}
		n++
		got := rolecall(f.write(t, n, s, url, allow...))
		got.Said = undisclosed.ReplaceAllString(got.Said, "$1")
		if s.region { // which is shown as it was written
			got.Said = strings.ReplaceAll(got.Said, url, "")
		}
		return got
	}
	for _, s := range surfaces() {
		for _, host := range astray {
			got := try(s, host)
			if reached := f.hits.Swap(0); reached > 0 {
				t.Errorf("%s: %s was reached by %d connections", s.name, host, reached)
			}
			told := strings.Contains(got.Said, "may not be reached") || strings.Contains(got.Said, "may be led to") ||
				strings.Contains(got.Said, "has no host name") || strings.Contains(got.Said, "is not a region")
			if s.quiet != (got.Code == 0) || s.quiet == told {
				t.Errorf("%s: %s ends with %d: %s", s.name, host, got.Code, got.Said)
			}
			for _, found := range []string{"127.0.0.1:" + f.port, "no such host", "loopback", "dial tcp"} {
				if strings.Contains(got.Said, found) && !strings.Contains(host, found) {
					t.Errorf("%s: %s is told about: %s", s.name, host, got.Said)
				}
			}
		}
	}
	if f.welcome.Load() > 0 {
		t.Error("the listed address was reached before anyone listed it")
	}

	// What the operator lists is reached, and nothing else by way of it. An
	// endpoint that is a name is not passed on to a command.
	for _, s := range surfaces() {
		if s.tls || s.quiet || s.unasked || s.region {
			continue
		}
		for _, host := range []string{listed, "rebind.example"} {
			got := try(s, host, listed)
			if came, want := f.welcome.Swap(0) > 0, host == listed || s.args[0] != "exec"; came != want {
				t.Errorf("%s: the listed server at %s was reached: %v; %s", s.name, host, came, got.Said)
			}
			if reached := f.hits.Swap(0); reached > 0 {
				t.Errorf("%s: from %s it went on, by %d connections", s.name, host, reached)
			}
		}
		if try(s, "127.0.0.1", "127.0.0.1"); f.hits.Swap(0) == 0 {
			t.Errorf("%s: nothing came to the canary, though it was listed", s.name)
		}
	}
}

// A tenant cannot tell a name that is not there from one that leads to where
// nobody may go, and so learns nothing of the operator's network.
func TestTenantsLearnNoNames(t *testing.T) {
	t.Parallel()
	f := newField(t)
	rolecall := f.runner(t)
	n := 0
	for _, s := range surfaces() {
		if s.quiet || s.region {
			continue
		}
		try := func(host string) outcome {
			url := "https://" + host
			if s.tls {
				url += "/credentials"
			}
			n++
			got := rolecall(f.write(t, n, s, url))
			got.Said = undisclosed.ReplaceAllString(got.Said, "$1")
			got.Said = passing.ReplaceAllString(strings.ReplaceAll(got.Said, host, "HOST"), "")
			return got
		}
		unknown := try("nowhere.example")
		for _, host := range []string{"private.example", "loopback.example"} {
			if diff := cmp.Diff(unknown, try(host)); diff != "" {
				t.Errorf("%s: %s (-unknown +there):\n%s", s.name, host, diff)
			}
		}
	}
}

// passing is what is another in each try: ids of jobs, and that a connection
// has changed.
var passing = regexp.MustCompile(`\b[0-9a-z]{26}\b|(?m)^note: .*\n`)

// No tenant says where STS and KMS are.
func TestOnlyTheOperatorPlacesSTS(t *testing.T) {
	t.Parallel()
	f := newField(t)
	rolecall := f.runner(t)
	n := 0
	for _, name := range []string{"sts_endpoint_url", "kms_endpoint_url", "endpoint_url", "endpoints", "sts"} {
		for _, s := range []surface{
			{connection: ownRole, job: `{"tasks": [{"tool": "storage:get", "parameters": {"connection": "tenant", "files": ["**"], "` + name + `": "URL"}}]}`},
			{connection: ownRole, job: `{"` + name + `": "URL", "tasks": [{"tool": "storage:get", "parameters": {"connection": "tenant", "files": ["**"]}}]}`},
			{connection: ownRole + ", " + name + `: "URL"`, job: `{"tasks": []}`},
		} {
			n++
			s.args = []string{"run", "JOB", "--org", "acme", "--config", "CONFIG"}
			if got := rolecall(f.write(t, n, s, "http://127.0.0.1:"+f.port)); got.Code != 2 || !strings.Contains(got.Said, name) {
				t.Errorf("%s ends with %d: %s", name, got.Code, got.Said)
			}
		}
	}
	if f.hits.Load() > 0 {
		t.Error("the canary was reached")
	}
}
