package cli_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/cli"
)

// fullDisk is a standard output that takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestResultsThatCannotBeWritten: a command whose result nobody got has not succeeded,
// and says so in words where it can.
func TestResultsThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "rolecall.yaml")
	if err := os.WriteFile(config, []byte(`state: ./state
vendor_accounts: ["873682911326"]
principals: {production: {arn: "arn:aws:iam::873682911326:role/VTKWorker", default: true, credentials: {source: environment}}}
organizations:
  acme:
    external_id: {mode: custom, value: x-42}
    connections: {masters: {purpose: source, bucket: acme-masters, region: eu-central-1, role_arn: "arn:aws:iam::111122223333:role/media"}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(dir, "trust.json")
	if err := os.WriteFile(policy, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/VTKWorker"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x-42"}}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"version"},
		{"config", "check", "--config", config},
		{"policy", "generate", "masters", "--config", config},
		{"policy", "lint", "--kind", "trust", policy},
		{"policy", "explain", "Access Denied"},
		{"policy", "simulate", "-"},
	} {
		for _, form := range []string{"text", "json"} {
			var stderr bytes.Buffer
			in := `{"principal":"arn:aws:iam::111122223333:user/a","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}` + "\n"
			code := cli.Run(t.Context(), append(args, "--output", form), cli.System{Stdin: strings.NewReader(in), Stdout: fullDisk{}, Stderr: &stderr, Getenv: func(string) string { return "" }})
			if code != 1 || !strings.Contains(stderr.String(), "written") || !strings.Contains(stderr.String(), "hint: You: see where standard output leads") {
				t.Errorf("%v as %s ends with %d: %s", args, form, code, stderr.String())
			}
		}
	}
}
