package tenant_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/tenant"
)

// register declares organizations in a config in dir, and registers them in the
// state directory there.
func register(t *testing.T, dir, organizations string) (map[string]rolecall.Organization, error) {
	t.Helper()
	path := filepath.Join(dir, config.DefaultFile)
	text := "principals: {p: {arn: \"arn:aws:iam::873682911326:role/w\", credentials: {source: environment}}}\norganizations: " + organizations
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := state.Open(cfg.State)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tenant.Register(t.Context(), d.Names(), cfg.Organizations)
	return cfg.Organizations, err
}

// TestExternalIDsAreNeverReused holds generated and retired external ids, and
// retired api_names, to the namespace.
func TestExternalIDsAreNeverReused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	load := func(organizations string) (map[string]rolecall.Organization, error) {
		t.Helper()
		return register(t, dir, organizations)
	}
	first, err := load("{acme: {}, globex: {external_id: {mode: custom, value: Old-1}}}")
	if err != nil {
		t.Fatal(err)
	}
	id := first["acme"].ExternalID.Value
	if len(id) != 32 {
		t.Errorf("the generated external id is %q, want 128 bits in hex", id)
	}
	for name, organizations := range map[string]string{
		"generated for another": "{acme: {}, globex: {external_id: {mode: custom, value: " + strings.ToUpper(id) + "}}}",
		"retired by another":    "{acme: {external_id: {mode: custom, value: old-1}}, globex: {}}",
		"api_name of one gone":  "{acme: {external_id: {mode: custom, value: globex}}}",
		"id as api_name":        "{acme: {}, old-1: {}}",
	} {
		if _, err := load(organizations); rolecall.CodeOf(err) != rolecall.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again, err := load("{acme: {}, globex: {external_id: {mode: custom, value: Old-1}}}"); err != nil || again["acme"].ExternalID.Value != id {
		t.Errorf("as at first: %v", err)
	}
	for _, bad := range []string{"", "globex", strings.Repeat("z", 32)} {
		if err := os.WriteFile(filepath.Join(dir, "rolecall-state", "external-ids", "generated", "acme"), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load("{acme: {}}"); rolecall.CodeOf(err) != rolecall.Conflict {
			t.Errorf("with %q for a generated id: %v", bad, err)
		}
	}
}

// An external id is made once, said where it is kept, and never made again for
// an organization that had one.
func TestGeneratedIDsAreSaidOnce(t *testing.T) {
	t.Parallel()
	d, err := state.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	declared := func() map[string]rolecall.Organization {
		return map[string]rolecall.Organization{"acme": {APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDGenerated}}}
	}
	unmade := declared()
	if err := tenant.Read(t.Context(), d.Names(), unmade); err != nil || unmade["acme"].ExternalID.Value != "" {
		t.Errorf("reading: %+v, %v", unmade, err)
	}
	first, again := declared(), declared()
	made, err := tenant.Register(t.Context(), d.Names(), first)
	if err != nil || len(made) != 1 || made[0].Organization != "acme" || made[0].ID != first["acme"].ExternalID.Value {
		t.Fatalf("%+v, %v", made, err)
	}
	if made, err := tenant.Register(t.Context(), d.Names(), again); err != nil || len(made) != 0 || again["acme"].ExternalID != first["acme"].ExternalID {
		t.Errorf("again: %+v, %v", made, err)
	}
	if err := os.Remove(made[0].Record); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"register": func() error { _, err := tenant.Register(t.Context(), d.Names(), declared()); return err },
		"read":     func() error { return tenant.Read(t.Context(), d.Names(), declared()) },
	} {
		if err := f(); rolecall.CodeOf(err) != rolecall.Conflict || !strings.Contains(rolecall.List(err)[0].Hint, "external-ids/generated/acme") {
			t.Errorf("%s of a lost id: %v", name, err)
		}
	}
}

// An organization with a custom id gets a generated one as the hint says.
func TestFromCustomToGenerated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := register(t, dir, "{acme: {external_id: {mode: custom, value: acme-42}}}"); err != nil {
		t.Fatal(err)
	}
	_, err := register(t, dir, "{acme: {}}")
	hint := rolecall.List(err)[0].Hint
	_, command, found := strings.Cut(hint, "For a new one: openssl rand -hex 16 > ")
	if rolecall.CodeOf(err) != rolecall.Conflict || !found || !strings.HasPrefix(hint, "Operator: ") {
		t.Fatalf("%v: %s", err, hint)
	}
	const id = "5f2c9a2e7b1d4c0f9e8d7c6b5a493827"
	file := filepath.Join(dir, "rolecall-state", command)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(id+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := register(t, dir, "{acme: {}}"); err != nil || got["acme"].ExternalID.Value != id {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := register(t, dir, "{acme: {}, globex: {external_id: {mode: custom, value: "+id+"}}}"); rolecall.CodeOf(err) != rolecall.Conflict {
		t.Errorf("the new id is anyone's: %v", err)
	}
}

// All names that are another's are reported, each where it is declared, with
// what the operator can do about it.
func TestTakenNamesAreReported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := register(t, dir, "{acme: {external_id: {mode: custom, value: x-1}}, globex: {external_id: {mode: custom, value: x-2}}}"); err != nil {
		t.Fatal(err)
	}
	_, err := register(t, dir, `{initech: {external_id: {mode: custom, value: X-1}, connections: {masters: {
		purpose: source, bucket: acme-masters, role_arn: "arn:aws:iam::111122223333:role/media", external_id: {mode: custom, value: globex}}}}}`)
	want := map[string]string{"/organizations/initech/external_id": "acme", "/organizations/initech/connections/masters/external_id": "globex"}
	faults := rolecall.List(err)
	for _, e := range faults {
		_, record, _ := strings.Cut(e.Hint, "remove ")
		if _, err := os.Stat(record); e.Code != rolecall.Conflict || !strings.HasSuffix(e.Message, " the organization "+want[e.Pointer]) || err != nil {
			t.Errorf("%s: %s (%s), %v", e.Pointer, e.Message, e.Hint, err)
		}
	}
	if len(faults) != len(want) {
		t.Errorf("got %v", err)
	}
}

// A state directory that is none is the operator's to put right.
func TestStateIsNoDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rolecall-state"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := register(t, dir, "{acme: {}}")
	if e := (&rolecall.Error{}); !errors.As(err, &e) || e.Code != rolecall.Invalid || e.Pointer != "/state" {
		t.Errorf("%s: %v", rolecall.CodeOf(err), err)
	}
}
