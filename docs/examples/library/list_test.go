package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// start starts a local AWS with our account and acme's, in which nobody may do
// anything but what the generated policies allow. The trust policy of acme's
// role is given.
func start(t *testing.T, trust string) *sandbox.Server {
	t.Helper()
	kit, err := policies(acme)
	if err != nil {
		t.Fatal(err)
	}
	if trust == "" {
		trust = string(kit.Trust.JSON())
	}
	// JSON is YAML, so that documents can be put in as they are.
	aws := sandboxtest.Start(t, fmt.Sprintf(`
accounts:
  "873682911326":
    roles:
      ingest: {access_key_id: ASIAINGEST0000000001, secret_access_key: secret, session_token: token, policies: [%s]}
  "111122223333":
    roles: {media: {trust: %s, policies: [%s]}}
    buckets: {acme-masters: {region: eu-central-1}}
`, kit.Worker.JSON(), trust, kit.Permissions.JSON()))
	for _, key := range []string{"in/a.mov", "in/b.mov", "contracts/2026.pdf"} {
		if err := aws.PutObject("acme-masters", key, strings.NewReader("bytes")); err != nil {
			t.Fatal(err)
		}
	}
	return aws
}

func listOn(t *testing.T, aws *sandbox.Server) ([]string, error) {
	t.Helper()
	own := credentials.NewStaticCredentialsProvider("ASIAINGEST0000000001", "secret", "token")
	vault, err := openVault(own, aws.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vault.Close)
	return list(t.Context(), vault, acme, aws.URL)
}

func TestList(t *testing.T) {
	t.Parallel()
	aws := start(t, "")
	keys, err := listOn(t, aws)
	if err != nil || !slices.Equal(keys, []string{"in/a.mov", "in/b.mov"}) {
		t.Errorf("got %q, %v", keys, err)
	}
	// What the program did is in the trail: it listed as acme's role.
	trail := aws.Trail()
	if last := trail[len(trail)-1]; last.Operation != "ListObjectsV2" || last.Caller != "arn:aws:sts::111122223333:assumed-role/media/acme.list-masters" {
		t.Errorf("%s by %s", last.Operation, last.Caller)
	}
}

// A role that does not ask for acme's external id is not used.
func TestListRefusesAnUnsafeRole(t *testing.T) {
	t.Parallel()
	aws := start(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+worker+`"},"Action":"sts:AssumeRole"}}`)
	if keys, err := listOn(t, aws); !errors.Is(err, credential.ErrUnsafe) {
		t.Errorf("got %q, %v", keys, err)
	}
}
