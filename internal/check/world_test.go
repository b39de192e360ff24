package check_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/strict/yaml"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// world is a set-up: a sandbox.yaml, a rolecall.yaml and what files that names,
// as one tree, so that anything of it can be changed.
type world struct {
	tree       map[string]any
	connection string // the one that is checked
	remote     bool   // over HTTP
}

const worlds = "testdata/worlds"

// loadWorld reads a set-up. A policy in it that is only a connection's name is
// the one that rolecall makes for that connection.
func loadWorld(t *testing.T, name string) *world {
	t.Helper()
	w := &world{tree: map[string]any{}}
	loadYAML(t, filepath.Join(worlds, name+".yaml"), &w.tree)
	w.set(t, "rolecall/endpoints", map[string]any{})
	kits := map[string]policy.Kit{}
	for _, r := range w.requests(t) {
		if r.Connection.RoleARN == "" {
			continue
		}
		kit, err := policy.Generate(policy.KitRequest{
			Connection: r.Connection, Principals: []string{r.Principal.ARN.String()}, ExternalIDs: []string{r.Organization.ExternalID.Value},
			VendorAccounts: r.Vendor.Accounts,
		})
		if err != nil {
			t.Fatal(err)
		}
		kits[r.Connection.Name] = kit
	}
	for id, account := range w.at(t, "sandbox/accounts").(map[string]any) {
		for kind, named := range account.(map[string]any) {
			if kind == "roles" || kind == "buckets" || kind == "keys" {
				for _, has := range named.(map[string]any) {
					fill(has.(map[string]any), kind, id, kits)
				}
			}
		}
	}
	return w
}

const vendor = "873682911326"

// fill puts documents in the place of connections' names.
func fill(has map[string]any, kind, account string, kits map[string]policy.Kit) {
	if name, ok := has["trust"].(string); ok {
		has["trust"] = jsonOf(kits[name].Trust)
	}
	if name, ok := has["policy"].(string); ok && kind == "buckets" {
		has["policy"] = jsonOf(kits[name].Bucket)
	} else if ok {
		key := jsonOf(kits[name].Key).(map[string]any)
		statements, several := key["Statement"].([]any)
		if !several {
			statements = []any{key["Statement"]}
		}
		owner := map[string]any{"Sid": "Owner", "Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + account + ":root"}, "Action": "kms:*", "Resource": "*"}
		key["Statement"] = append(statements, owner)
		has["policy"] = key
	}
	list, _ := has["policies"].([]any)
	for i, p := range list {
		name, ok := p.(string)
		switch {
		case ok && account == vendor:
			list[i] = jsonOf(kits[name].Worker)
		case ok:
			list[i] = jsonOf(kits[name].Permissions)
		}
	}
}

func loadYAML(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.ToJSON(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// jsonOf gives a copy of the value, of JSON's types.
func jsonOf(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out
}

func (w *world) copy() *world { return w.of(w.connection) }

// of is a copy in which another connection is checked.
func (w *world) of(connection string) *world {
	return &world{tree: jsonOf(w.tree).(map[string]any), connection: connection, remote: w.remote}
}

// write writes a part of the tree as a file.
func (w *world) write(t *testing.T, path string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// load reads the set-up's rolecall.yaml as `rolecall check` does, in a
// directory of its own with what state is kept.
func (w *world) load(t *testing.T, state string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for name, content := range w.tree["files"].(map[string]any) {
		w.write(t, filepath.Join(dir, name), content)
	}
	declared := w.at(t, "rolecall").(map[string]any)
	declared["state"] = state
	path := filepath.Join(dir, "rolecall.yaml")
	w.write(t, path, declared)
	cfg, err := config.LoadTolerant(path)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// requests are what checks of all the connections ask for.
func (w *world) requests(t *testing.T) map[string]check.Request {
	t.Helper()
	cfg := w.load(t, t.TempDir())
	out := map[string]check.Request{}
	for name, c := range cfg.Organizations["acme"].Connections {
		out[name] = request(t, cfg, c, nil)
	}
	return out
}

func request(t *testing.T, cfg *config.Config, c rolecall.Connection, faults rolecall.Errors) check.Request {
	t.Helper()
	principal, err := cfg.Vendor.PrincipalFor("", c.Region)
	if err != nil {
		t.Fatal(err)
	}
	return check.Request{
		ID: "01CHECK", Organization: cfg.Organizations["acme"], Connection: c, Vendor: cfg.Vendor, Principal: principal, Faults: faults,
	}
}

// claim has another organization claim the connection's role.
func (w *world) claim(t *testing.T, organization, state string) {
	t.Helper()
	verdicts, r, now := verdictsIn(t, state), w.requests(t)[w.connection], time.Now()
	subject := credential.Subject{Organization: organization, Principal: r.Principal.ARN.String(), RoleARN: r.Connection.RoleARN, ExternalID: organization + "-7"}
	if err := verdicts.Put(t.Context(), subject, credential.Verdict{}, credential.Verdict{RoleID: "AROAROLE", Passed: true, First: now, Checked: now}); err != nil {
		t.Fatal(err)
	}
}

// verdictsIn opens the verdicts of a state directory.
func verdictsIn(t *testing.T, path string) credential.Verdicts {
	t.Helper()
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	verdicts, err := dir.Verdicts(nil)
	if err != nil {
		t.Fatal(err)
	}
	return verdicts
}

// start runs the set-up's sandbox.yaml.
func (w *world) start(t *testing.T) *sandbox.Server {
	t.Helper()
	data, err := json.Marshal(w.tree["sandbox"])
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := sandbox.ParseConfig(data, worlds)
	if err != nil {
		t.Fatal(err)
	}
	return sandboxtest.StartConfig(t, cfg, sandbox.Options{})
}

// check checks the connection against a sandbox, as `rolecall check` does.
func (w *world) check(t *testing.T, aws *sandbox.Server, state string, deep bool, given ...correct.Given) rolecall.CheckReport {
	t.Helper()
	w = w.copy()
	for service, url := range map[string]string{"sts": aws.URL, "s3": aws.URL} {
		if declared := w.at(t, "rolecall/endpoints").(map[string]any); declared[service] == nil {
			declared[service] = url
		}
	}
	cfg := w.load(t, state)
	c, faults := cfg.Organizations["acme"].Connections[w.connection], rolecall.Errors(nil)
	if faulty, ok := cfg.Faulty["acme"][w.connection]; ok {
		c, faults = faulty.Connection, faulty.Faults
	}
	declared := map[string]credential.Declared{}
	for name, p := range cfg.Vendor.Principals {
		declared[name] = credential.Declared{Principal: p, Source: cfg.Sources[name]}
	}
	principals, err := credential.Open(declared, credential.SourceOptions{STSEndpoint: cfg.Endpoints.STS})
	if err != nil {
		t.Fatal(err)
	}
	vault, err := credential.New(credential.Options{
		Principals: principals, VendorAccounts: cfg.Vendor.Accounts, Verdicts: verdictsIn(t, state), STSEndpoint: cfg.Endpoints.STS,
		Rand:    rand.NewChaCha8([32]byte{}), // so that the same probes are made each time
		Secrets: cfg.Keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer vault.Close()
	clients := guard.NewClients(cfg.Allow)
	defer clients.Close()
	r := request(t, cfg, c, faults)
	r.Deep, r.Policies, r.Remote = deep, given, w.remote
	return check.Run(t.Context(), r, &access.Access{
		Vault: vault, Clients: clients, STSEndpoint: cfg.Endpoints.STS, S3Endpoint: cfg.Endpoints.S3,
	}, nil)
}

// untouched holds the check to leaving nothing in the bucket.
func (w *world) untouched(t *testing.T, aws *sandbox.Server) {
	t.Helper()
	bucket := "acme-" + w.connection
	if uploads := aws.Uploads(bucket); len(uploads) > 0 {
		t.Errorf("uploads are left: %v", uploads)
	}
	for _, o := range aws.Objects(bucket) {
		if strings.HasSuffix(o.Key, ".rolecall-check") {
			t.Errorf("an object is left: %s", o.Key)
		}
	}
}

// faulty writes the steps of a report that are not as they should be.
func faulty(r rolecall.CheckReport) string {
	var out strings.Builder
	for _, s := range r.Steps {
		if s.Result != rolecall.CheckPass && s.Result != rolecall.CheckSkip {
			fmt.Fprintf(&out, "\t%s %s %s%v: %s (%s)\n", s.Step, s.Result, s.Layer, s.Candidates, s.Message, s.Hint)
		}
	}
	return out.String()
}
