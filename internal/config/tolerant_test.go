package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/strict"
)

// tolerable has one sound connection beside faulty ones.
const tolerable = `
vendor_accounts: ["873682911326"]
principals: {production: {arn: "arn:aws:iam::873682911326:role/VTKWorker", credentials: {source: environment}}}
organizations:
  acme:
    external_id: {mode: custom, value: x-42}
    connections:
      sound:   {purpose: source, bucket: acme-masters, role_arn: "arn:aws:iam::111122223333:role/media"}
      arn:     {purpose: source, bucket: acme-masters, role_arn: "arn:aws:iam::1111:role/media"}
      two:     {purpose: sauce, bucket: ACME, role_arn: "arn:aws:iam::111122223333:role/media"}
      unknown: {purpose: source, bucket: acme-masters, rolearn: "arn:aws:iam::111122223333:role/media"}
      type:    {purpose: source, bucket: [acme-masters], role_arn: "arn:aws:iam::111122223333:role/media"}
      none:    true
      vendors: {purpose: source, bucket: acme-masters, role_arn: "arn:aws:iam::873682911326:role/other"}
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), DefaultFile)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadTolerant(t *testing.T) {
	t.Parallel()
	path := write(t, tolerable)
	if _, err := Load(path); err == nil {
		t.Error("Load takes faulty connections")
	}
	c, err := LoadTolerant(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := sorted(c.Organizations["acme"].Connections); len(got) != 1 || got[0] != "sound" {
		t.Errorf("sound connections: %v", got)
	}
	for name, pointers := range map[string][]string{
		"arn": {"/role_arn"}, "two": {"/purpose", "/bucket"}, "unknown": {"/rolearn", ""}, "type": {"/bucket"}, "none": {""}, "vendors": {"/role_arn"},
	} {
		faulty, ok := c.Faulty["acme"][name]
		if !ok || len(faulty.Faults) != len(pointers) {
			t.Errorf("%s: %v", name, faulty.Faults)
			continue
		}
		for i, pointer := range pointers {
			if want := strict.Pointer("organizations", "acme", "connections", name) + pointer; faulty.Faults[i].Pointer != want {
				t.Errorf("%s: a fault at %s, want %s", name, faulty.Faults[i].Pointer, want)
			}
		}
	}
	if got := c.Faulty["acme"]["arn"].Connection; got.Name != "arn" || got.Bucket != "acme-masters" {
		t.Errorf("what could be read: %+v", got)
	}
}

// A secret that cannot be used concerns the connections that use it alone.
func TestLoadTolerantOfSecrets(t *testing.T) {
	t.Parallel()
	const text = `
principals: {production: {arn: "arn:aws:iam::873682911326:role/VTKWorker", credentials: {source: environment}}}
organizations:
  acme:
    external_id: {mode: custom, value: x-42}
    secrets:
      gone: {type: aws_access_key, file: gone.json}
      odd: {type: aws_secret_key, file: gone.json}
      token: {type: text, host: credentials.example.com, env: ROLECALL_TEST_NO_TOKEN}
      unused: {type: text, file: unused.txt}
    connections:
      sound: {purpose: source, bucket: acme-masters, role_arn: "arn:aws:iam::111122223333:role/media"}
      first: {purpose: source, bucket: acme-first, secret: gone}
      second: {purpose: sauce, bucket: acme-second, secret: gone}
      odd: {purpose: source, bucket: acme-odd, secret: odd}
      bearer: {purpose: source, bucket: acme-bearer, http_credential_source: {url: "https://credentials.example.com/", secret: token}}
  globex:
    connections:
      sound: {purpose: source, bucket: globex-masters, role_arn: "arn:aws:iam::222233334444:role/media"}
`
	path := write(t, text)
	if _, err := Load(path); err == nil {
		t.Error("Load takes secrets that are not there")
	}
	c, err := LoadTolerant(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := sorted(c.Organizations["acme"].Connections); len(got) != 1 || got[0] != "sound" || len(c.Organizations["globex"].Connections) != 1 {
		t.Errorf("sound connections: %v", got)
	}
	for name, pointers := range map[string][]string{
		"first": {"secrets/gone/file"}, "second": {"connections/second/purpose", "secrets/gone/file"}, "odd": {"connections/odd/secret", "secrets/odd/type"}, "bearer": {"secrets/token/env"},
	} {
		var got []string
		for _, fault := range c.Faulty["acme"][name].Faults {
			got = append(got, strings.TrimPrefix(fault.Pointer, "/organizations/acme/"))
		}
		slices.Sort(got)
		if !slices.Equal(got, pointers) {
			t.Errorf("%s: faults at %v, want %v", name, got, pointers)
		}
	}
	if got := c.Faulty["acme"]["first"].Connection; got.Name != "first" || got.Secret != "gone" {
		t.Errorf("what could be read: %+v", got)
	}
}

// What is wrong elsewhere, or takes what is another organization's, is not
// tolerated.
func TestLoadTolerantRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"no YAML":       {"organizations:", "organizations: ["},
		"another place": {"source: environment", "source: everywhere"},
		"a conflict":    {"sound:   {", `sound: {external_id: {mode: custom, value: GLOBEX}, `},
	} {
		text := strings.Replace(tolerable, change[0], change[1], 1) + "  globex: {external_id: {mode: api_name}}\n"
		if c, err := LoadTolerant(write(t, text)); err == nil {
			t.Errorf("%s: %+v", name, c.Faulty)
		}
	}
}
