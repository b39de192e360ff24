package check_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/sandbox"
	"github.com/rolecall/rolecall/internal/yaml"
	"github.com/rolecall/rolecall/policy"
)

// world is a set-up: a sandbox.yaml, a rolecall.yaml and what files that names,
// as one tree, so that anything of it can be changed.
type world struct {
	tree       map[string]any
	connection string // the one that is checked
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
			VendorAccounts: r.Vendor.Accounts, Versioned: true, Whole: true,
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
					fill(has.(map[string]any), kind, id == vendor, kits)
				}
			}
		}
	}
	return w
}

const vendor = "873682911326"

// fill puts documents in the place of connections' names.
func fill(has map[string]any, kind string, worker bool, kits map[string]policy.Kit) {
	if name, ok := has["trust"].(string); ok {
		has["trust"] = jsonOf(kits[name].Trust)
	}
	if name, ok := has["policy"].(string); ok && kind == "buckets" {
		has["policy"] = jsonOf(kits[name].Bucket)
	} else if ok {
		has["policy"] = jsonOf(kits[name].Key)
	}
	list, _ := has["policies"].([]any)
	for i, p := range list {
		name, ok := p.(string)
		switch {
		case ok && worker:
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
	return &world{tree: jsonOf(w.tree).(map[string]any), connection: connection}
}

// accounts are those of the role and of the bucket.
func (w *world) accounts() (role, owner string) {
	owner = "111122223333"
	if _, ok := w.tree["sandbox"].(map[string]any)["accounts"].(map[string]any)["444455556666"]; ok {
		owner = "444455556666"
	}
	return "111122223333", owner
}

// path is where something is in the tree. What a connection is about can be
// named for what it is.
func (w *world) path(place string) []string {
	role, owner := w.accounts()
	accounts, c := "sandbox/accounts/", w.connection
	head, rest, _ := strings.Cut(place, "/")
	for short, long := range map[string]string{
		"worker":      accounts + vendor + "/roles/VTKWorker",
		"role":        accounts + role + "/roles/" + c,
		"trust":       accounts + role + "/roles/" + c + "/trust/Statement",
		"permissions": accounts + role + "/roles/" + c + "/policies/0/Statement",
		"user":        accounts + role + "/users/" + c,
		"account":     accounts + role,
		"bucket":      accounts + owner + "/buckets/acme-" + c,
		"key":         accounts + owner + "/keys/" + c,
		"owner":       accounts + owner,
		"acme":        "rolecall/organizations/acme",
		"connection":  "rolecall/organizations/acme/connections/" + c,
	} {
		if head == short {
			head = long
		}
	}
	return strings.Split(strings.TrimSuffix(head+"/"+rest, "/"), "/")
}

// at finds what is at a place.
func (w *world) at(t *testing.T, place string) any {
	t.Helper()
	v := w.find(place)
	if v == nil {
		t.Fatalf("nothing is at %s", place)
	}
	return v
}

// find is nil when nothing is there.
func (w *world) find(place string) any {
	var v any = w.tree
	for _, step := range w.path(place) {
		switch at := v.(type) {
		case map[string]any:
			if at["Sid"] != step { // else a single statement
				v = at[step]
			}
		case []any:
			i := index(at, step)
			if i < 0 {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// index finds an element by its number, or a statement by its Sid.
func index(list []any, step string) int {
	if i, err := strconv.Atoi(step); err == nil && i < len(list) {
		return i
	}
	for i, v := range list {
		if s, ok := v.(map[string]any); ok && s["Sid"] == step {
			return i
		}
	}
	return -1
}

// set changes one place: nil takes away what is there, the name "-" adds to a
// list. What is on the way is made.
func (w *world) set(t *testing.T, place string, value any) {
	t.Helper()
	w.tree = put(t, w.tree, w.path(place), w.expand(value), place).(map[string]any)
}

func put(t *testing.T, v any, path []string, value any, place string) any {
	t.Helper()
	if len(path) == 0 {
		return value
	}
	step := path[0]
	list, isList := v.([]any)
	m, isMap := v.(map[string]any)
	switch {
	case step == "-" && (isList || v == nil):
		return append(list, put(t, nil, path[1:], value, place))
	case isList:
		i := index(list, step)
		switch {
		case i < 0:
			t.Fatalf("%s: nothing is at %s", place, step)
		case len(path) == 1 && value == nil:
			return append(list[:i:i], list[i+1:]...)
		}
		list[i] = put(t, list[i], path[1:], value, place)
		return list
	case v == nil:
		m = map[string]any{}
	case !isMap:
		t.Fatalf("%s: nothing can be at %s", place, step)
	case m["Sid"] == step:
		return put(t, v, path[1:], value, place)
	}
	if len(path) == 1 && value == nil {
		delete(m, step)
		return m
	}
	m[step] = put(t, m[step], path[1:], value, place)
	return m
}

// expand puts the names of what the set-up is about into texts: {role} and so on.
func (w *world) expand(value any) any {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	role, owner := w.accounts()
	text := strings.NewReplacer(
		"{role}", "arn:aws:iam::"+role+":role/"+w.connection, "{bucket}", "acme-"+w.connection,
		"{key}", "arn:aws:kms:eu-central-1:"+owner+":key/"+w.connection, "{account}", role, "{owner}", owner,
		"{worker}", "arn:aws:iam::"+vendor+":role/VTKWorker", "{vendor}", vendor,
	).Replace(string(data))
	var out any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic(err)
	}
	return out
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

// local is a sandbox that runs.
type local struct {
	server *sandbox.Server
	url    string
}

// start runs the set-up's sandbox.yaml.
func (w *world) start(t *testing.T) local {
	t.Helper()
	data, err := json.Marshal(w.tree["sandbox"])
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := sandbox.ParseConfig(data, worlds)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.New(cfg, sandbox.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	url, err := server.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return local{server, url}
}

// check checks the connection against a sandbox, as `rolecall check` does.
func (w *world) check(t *testing.T, l local, state string, deep bool) rolecall.CheckReport {
	t.Helper()
	w = w.copy()
	for service, url := range map[string]string{"sts": l.url, "s3": l.url} {
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
	verdicts, err := credential.OpenDir(filepath.Join(state, "verdicts"))
	if err != nil {
		t.Fatal(err)
	}
	vault := credential.New(credential.Options{
		Principals: principals, VendorAccounts: cfg.Vendor.Accounts, Verdicts: verdicts, STSEndpoint: cfg.Endpoints.STS,
		Rand:    rand.NewChaCha8([32]byte{}), // so that the same probes are made each time
		Secrets: func(_ context.Context, org, name string) (credential.Keys, error) { return cfg.Keys(org, name) },
	})
	defer vault.Close()
	env := check.Environment{Vault: vault, STSEndpoint: cfg.Endpoints.STS, S3Endpoint: cfg.Endpoints.S3, Allow: cfg.Allow}
	r := request(t, cfg, c, faults)
	r.Deep = deep
	return check.Run(t.Context(), r, env, nil)
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
