package check

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// holding is an organization that has a secret.
func holding(secret string) rolecall.Organization {
	return rolecall.Organization{Secrets: map[string]rolecall.Secret{secret: {Name: secret}}}
}

func TestHints(t *testing.T) {
	t.Parallel()
	secret := &work{Access: &access.Access{}, Request: Request{Organization: holding("keys"), Connection: rolecall.Connection{Name: "c", Bucket: "acme-s3alias", Secret: "keys", Region: "eu-central-1"}}}
	for _, explicit := range []bool{false, true} {
		f := secret.answered(t.Context(), question{verb: "list the bucket"}, refusal.Answer{
			Kind: transfer.Denied, Denial: policy.Denial{Action: "s3:ListBucket", Layer: policy.DeniedByIdentity, Explicit: explicit},
		})
		if !strings.Contains(f.hint, "the user of the secret keys") || strings.Contains(f.hint, "role") || strings.Contains(f.hint, "command") {
			t.Errorf("of static keys: %s", f.hint)
		}
	}
	if f := secret.diagnose(t.Context(), question{}, &transfer.Error{Kind: transfer.NoBucket}); len(f.patches) > 0 || !strings.Contains(f.hint, "access points are not taken") {
		t.Errorf("of an access point: %+v", f)
	}
	if p := secret.changed(func(c *rolecall.Connection) { c.ProbeKey = "" }); len(p) > 0 {
		t.Errorf("a patch changes nothing: %s", p[0].Connection)
	}
	for prefix, want := range map[string]string{"": "the documents open the whole bucket", "in/": `not meant for "in/"`} {
		w := asked("111122223333")
		w.Connection.Prefix = prefix
		w.listing = &listing{err: refused("AccessDenied", "User: arn:aws:sts::111122223333:assumed-role/media/acme.1 is not authorized to perform: s3:ListBucket"+
			` on resource: "arn:aws:s3:::acme" because no identity-based policy allows the s3:ListBucket action`)}
		if f := listable(t.Context(), w); !strings.Contains(f.hint, want) {
			t.Errorf("%q: %s", prefix, f.hint)
		}
		if prefix == "" && w.below() != "anywhere in the bucket" {
			t.Error(w.below())
		}
	}
}
