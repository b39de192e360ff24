package check

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/policy"
)

// Where STS refuses what comes along with sts:AssumeRole, the patches of both
// sides allow it.
func TestPatchesAllowWhatComesAlong(t *testing.T) {
	t.Parallel()
	role, err := rolecall.ParseARN("arn:aws:iam::111122223333:role/media")
	if err != nil {
		t.Fatal(err)
	}
	worker, err := rolecall.ParseARN("arn:aws:iam::873682911326:role/Worker")
	if err != nil {
		t.Fatal(err)
	}
	c := rolecall.Connection{Name: "in", Purpose: rolecall.Source, Bucket: "acme-masters", Region: "eu-central-1", RoleARN: role.String()}
	for _, action := range []string{"sts:TagSession", "sts:SetSourceIdentity"} {
		w := &work{Access: &access.Access{}, Request: Request{
			Log: slog.New(slog.DiscardHandler), Connection: c, Principal: rolecall.Principal{ARN: worker}, Vendor: rolecall.Vendor{Accounts: []string{worker.Account}},
			Organization: rolecall.Organization{
				APIName: "acme", ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "acme-42"},
				Connections: map[string]rolecall.Connection{"in": c},
			},
		}}
		w.arn = role
		d := policy.Denial{Principal: worker.String(), Action: action, Resource: role.String()}
		f := w.refused(&smithy.GenericAPIError{Code: "AccessDenied", Message: d.String()})
		found := map[string]bool{}
		for _, p := range f.patches {
			if strings.Contains(string(p.Policy), action) && strings.Contains(string(p.Policy), "sts:AssumeRole") && strings.Contains(strings.Join(p.Commands, " "), action) {
				found[p.Document] = true
			}
		}
		if !found["trust"] || !found["worker"] {
			t.Errorf("%s: %+v", action, f.patches)
		}
	}
	if len(policy.Denial{Action: "sts:AssumeRole"}.SessionActions()) > 0 {
		t.Error("sts:AssumeRole comes along with itself")
	}
}
