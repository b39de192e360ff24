package check

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/policy"
)

// asked is a check under way of a delivery in an account, or across two.
func asked(owner string) *work {
	arn, _ := rolecall.ParseARN("arn:aws:iam::111122223333:role/media")
	worker, _ := rolecall.ParseARN("arn:aws:iam::999900009999:role/production")
	w := &work{
		Request: Request{
			Organization: rolecall.Organization{APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "acme-42"}},
			Connection: rolecall.Connection{
				Name: "delivery", Purpose: rolecall.Delivery, Bucket: "acme", Prefix: "out/", Region: "eu-central-1", RoleARN: arn.String(), BucketOwner: owner,
				StorageClass: "STANDARD",
				Encryption:   &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:" + owner + ":key/media"},
			},
			Principal: rolecall.Principal{Name: "production", ARN: worker},
			Log:       slog.New(slog.DiscardHandler),
		},
		Access: &access.Access{},
	}
	w.arn = arn
	return w
}

// refused is an error as S3's client gives it.
func refused(code, text string) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusBadRequest}}, Err: &smithy.GenericAPIError{Code: code, Message: text},
	}
}

func documents(patches []rolecall.Patch) string {
	var out []string
	for _, p := range patches {
		out = append(out, p.Document)
	}
	return strings.Join(out, " ")
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	const (
		user     = "User: arn:aws:sts::111122223333:assumed-role/media/acme.1 is not authorized to perform: "
		object   = ` on resource: "arn:aws:s3:::acme/out/a"`
		keyARN   = " on resource: arn:aws:kms:eu-central-1:111122223333:key/other"
		outsider = " on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
	)
	for _, c := range []struct {
		code, text string
		want       string // layer, or candidates
		patches    string
		says       string
	}{
		{"AccessDenied", user + "s3:GetObject" + object + " because no identity-based policy allows the s3:GetObject action", "role", "permissions", "does not allow s3:GetObject"},
		{"AccessDenied", user + "s3:GetObject" + object + " with an explicit deny in an identity-based policy", "role", "", "denies s3:GetObject"},
		{"AccessDenied", user + "s3:GetObject" + object + " because no permissions boundary allows the s3:GetObject action", "role", "boundary", "permissions boundary"},
		{"AccessDenied", user + "s3:GetObject" + object + " because no session policy allows the s3:GetObject action", "session", "", "session policy"},
		{"AccessDenied", user + "s3:GetObject" + object + " with an explicit deny in a resource-based policy", "bucket", "", "bucket policy of \"acme\" denies"},
		{"AccessDenied", user + "s3:GetObject" + object + " because no resource-based policy allows the s3:GetObject action", "bucket", "", "does not allow"},
		{"AccessDenied", user + "s3:GetObject" + object + " because no VPC endpoint policy allows the s3:GetObject action", "network", "", "VPC endpoint"},
		{
			"AccessDenied", user + "s3:GetObject" + object + " with an explicit deny in a service control policy: arn:aws:organizations::123456789012:policy/o-a/service_control_policy/p-b",
			"organization policy", "", "(arn:aws:organizations::123456789012:policy/o-a/service_control_policy/p-b)",
		},
		{"AccessDenied", user + "s3:GetObject" + object + " with an explicit deny in a resource control policy", "organization policy", "", "resource control policy"},
		{"AccessDenied", "Access Denied", "role bucket organization policy", "permissions scp boundary", "does not say why"},
		{"AccessDenied", user + "kms:Decrypt" + keyARN + " because no identity-based policy allows the kms:Decrypt action", "role", "permissions", "does not allow kms:Decrypt"},
		{"AccessDenied", user + "kms:Decrypt" + keyARN + " because no resource-based policy allows the kms:Decrypt action", "key", "key", "does not allow kms:Decrypt"},
		{"AccessDenied", user + "kms:Decrypt" + keyARN + " with an explicit deny in a resource-based policy", "key", "", "denies kms:Decrypt"},
		{"AccessDenied", user + "kms:Decrypt" + outsider, "key role organization policy", "key permissions scp boundary", "does not say why"},
		{"AccessDenied", "User: \x1b[31m is not authorized to perform: s3:\x1b[0m on resource: x because no identity-based policy allows the s3:x action", "role", "permissions", "does not allow s3:GetObject"},
		{"NoSuchBucket", "", "name", "setting", "there is no bucket"},
		{"InvalidStorageClass", "", "name", "connection", "storage class"},
		{"AllAccessDisabled", "", "bucket", "", "closed"},
		{"SlowDown", "", "network", "", "overloaded"},
		{"RequestTimeTooSkewed", "", "principal", "setting", "clock"},
		{"InvalidAccessKeyId", "", "role", "", "does not accept"},
		{"ExpiredToken", "", "role", "", "have expired"},
		{"Peculiar", "", "name", "", "with Peculiar"},
		{"\x1b[31m", "", "name", "", "refuses to read"},
	} {
		w := asked("111122223333")
		f := w.diagnose(t.Context(), question{verb: "read", action: "s3:GetObject", opened: true}, refused(c.code, c.text))
		got := string(f.layer)
		for _, l := range f.candidates {
			got = strings.TrimSpace(got + " " + string(l))
		}
		if f.result != rolecall.CheckFail || got != c.want || documents(f.patches) != c.patches || !strings.Contains(f.message, c.says) || f.hint == "" {
			t.Errorf("%s %s\n%q by %q: %s (%s)\nwant %q by %q: %s", c.code, c.text, got, documents(f.patches), f.message, f.hint, c.want, c.patches, c.says)
		}
		if strings.Contains(f.message+f.hint, "\x1b") {
			t.Errorf("%s: what the server says is shown as it is: %q", c.code, f.message)
		}
	}
}

// Who may not ask whose credentials they are is kept from it on the way.
func TestIdentityThatIsRefused(t *testing.T) {
	t.Parallel()
	refused := &rolecall.Error{Code: rolecall.Forbidden, Message: "AWS does not say", Hint: "the operator", Err: &smithy.OperationError{
		ServiceID: "STS", OperationName: "GetCallerIdentity", Err: &smithy.GenericAPIError{Code: "AccessDenied"},
	}}
	if f := asked("111122223333").fault(t.Context(), refused); f.layer != rolecall.LayerNetwork || f.message != refused.Message || f.denied {
		t.Errorf("%+v", f)
	}
}

// Nothing is known of what else passes: the bucket's policy comes first.
func TestDiagnoseWithNothingOpen(t *testing.T) {
	t.Parallel()
	f := asked("222233334444").diagnose(t.Context(), question{verb: "list", action: "s3:ListBucket"}, refused("AccessDenied", "Access Denied"))
	if f.candidates[0] != rolecall.LayerBucket || f.patches[0].Document != "bucket" || !f.denied {
		t.Errorf("%v by %s", f.candidates, documents(f.patches))
	}
}

func TestPatches(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{"111122223333", "222233334444"} {
		w := asked(owner)
		all := slices.Concat(w.patch(policy.PermissionsDocument, ""), w.patch(policy.BoundaryDocument, ""), w.patch(policy.BucketDocument, ""), w.patch(policy.KeyDocument, ""))
		want := "permissions boundary bucket key"
		if owner == "111122223333" { // where the bucket's policy need not let the role in
			want = "permissions boundary key"
		}
		if got := documents(all); got != want {
			t.Errorf("patches %s", got)
		}
		for _, p := range all {
			if p.Mode != rolecall.PatchMerge {
				t.Errorf("%s: mode %q", p.Document, p.Mode)
			}
			if len(p.Commands) != 3 || !strings.Contains(p.Commands[0], "aws ") || !strings.HasPrefix(p.Commands[1], "jq ") || strings.Contains(p.Commands[2], "Statement") {
				t.Errorf("%s: commands %q", p.Document, p.Commands)
			}
			if strings.Contains(string(p.Policy), "acme-42") {
				t.Errorf("%s has the external id", p.Document)
			}
		}
	}
}

// What needs no role has its permissions worded too.
func TestPatchesWithoutRole(t *testing.T) {
	t.Parallel()
	w := asked("222233334444")
	w.arn = rolecall.ARN{}
	w.Connection.RoleARN, w.Connection.Secret, w.Organization = "", "keys", holding("keys")
	patches := w.patch(policy.PermissionsDocument, "")
	if len(patches) != 1 || patches[0].Target != "the user of the secret keys" || len(patches[0].Commands) != 0 {
		t.Errorf("patches %+v", patches)
	}
	if more := slices.Concat(w.patch(policy.BucketDocument, ""), w.patch(policy.KeyDocument, ""), w.patch(policy.BoundaryDocument, "")); len(more) != 0 {
		t.Errorf("patches for a role that there is not: %s", documents(more))
	}
}
