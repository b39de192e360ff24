package correct

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// TestDeletedIdentitiesAreTakenOut checks that no corrected document has the
// unique id of a deleted identity: AWS shows such a document, and does not store it.
func TestDeletedIdentitiesAreTakenOut(t *testing.T) {
	t.Parallel()
	const worker, id = "arn:aws:iam::999900009999:role/production", "AROA1234567890EXAMPLE"
	s := Setup{
		Connection: rolecall.Connection{Name: "in", Purpose: rolecall.Source, Bucket: "acme", Prefix: "in/", Region: "eu-central-1", RoleARN: us, BucketOwner: "444455556666"},
		Role:       arn(t, us), Principal: arn(t, worker), ExternalID: "acme-42", SessionName: "acme.1", Region: "eu-central-1", Owner: "444455556666", Object: "in/x",
		Vendor: rolecall.Vendor{Accounts: []string{"999900009999"}},
	}
	for _, principal := range []string{
		`"Principal":{"AWS":"` + id + `"}`, `"Principal":{"AWS":["` + id + `","arn:aws:iam::222233334444:role/other"]}`,
		`"Principal":{"AWS":["` + id + `","AIDA1234567890EXAMPLE"],"Service":"ec2.amazonaws.com"}`,
	} {
		for _, effect := range []string{"Allow", "Deny"} {
			for kind, c := range map[policy.Kind]struct{ step, rest string }{
				policy.TrustDocument:  {rolecall.StepAssume, `"Action":"sts:AssumeRole"`},
				policy.BucketDocument: {rolecall.StepList, `"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme/*"`},
			} {
				d := parsed(t, `{"Version":"2012-10-17","Statement":[{"Effect":"`+effect+`",`+principal+`,`+c.rest+`}]}`)
				j, ok := s.Judge(Question{Step: c.step, LayerKnown: true}, kind, []Given{{kind, "given.json", d}})
				if !ok || j.Corrected == nil || strings.Contains(string(j.Corrected), "1234567890EXAMPLE") || !strings.Contains(j.Changes, id) ||
					strings.Contains(principal, "other") != strings.Contains(string(j.Corrected), "role/other") {
					t.Errorf("%s of %s: %t %s: %s", effect, d.JSON(), ok, j.Changes, j.Corrected)
				}
			}
		}
	}
	// All but an identity that is not there any more are all.
	d := parsed(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":"`+id+`"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::acme/*"}]}`)
	j, ok := s.Judge(Question{Step: rolecall.StepList, LayerKnown: true}, policy.BucketDocument, []Given{{policy.BucketDocument, "given.json", d}})
	if text := string(j.Corrected); !ok || strings.Contains(text, "1234567890EXAMPLE") || !strings.Contains(text, `"Principal":"*"`) {
		t.Errorf("%t: %s", ok, text)
	}
}
