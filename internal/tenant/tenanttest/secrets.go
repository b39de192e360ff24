package tenanttest

import (
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/tenant"
)

// The values of the secrets that Secrets asks for.
var (
	Keys   = credential.Keys{AccessKeyID: "AKIA0PLANTED", SecretAccessKey: "planted-key"}
	Bearer = credential.Bearer{Token: "planted-token"}
)

// Secrets tests a reader of secrets in which the organization acme has the
// secrets keys, with the value Keys, and token, with the value Bearer, and the
// organization globex has none.
func Secrets(t *testing.T, secrets tenant.Secrets) {
	t.Helper()
	if got, err := secrets.Keys(t.Context(), "acme", "keys"); err != nil || got != Keys {
		t.Errorf("keys are not as they were put: %v", err)
	}
	if got, err := secrets.Bearer(t.Context(), "acme", "token"); err != nil || got != Bearer {
		t.Errorf("token is not as it was put: %v", err)
	}
	for _, c := range []struct{ organization, secret string }{
		{"acme", "token"}, {"acme", "none"}, {"acme", "Keys"}, {"acme", ""}, {"globex", "keys"}, {"initech", "keys"}, {"", "keys"},
	} {
		if got, err := secrets.Keys(t.Context(), c.organization, c.secret); rolecall.CodeOf(err) != rolecall.NotFound || got != (credential.Keys{}) {
			t.Errorf("keys of %q's %q: %v", c.organization, c.secret, err)
		}
	}
	for _, c := range []struct{ organization, secret string }{
		{"acme", "keys"}, {"acme", "none"}, {"acme", ""}, {"globex", "token"}, {"initech", "token"}, {"", "token"},
	} {
		if got, err := secrets.Bearer(t.Context(), c.organization, c.secret); rolecall.CodeOf(err) != rolecall.NotFound || got != (credential.Bearer{}) {
			t.Errorf("token of %q's %q: %v", c.organization, c.secret, err)
		}
	}
}
