package correct

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// TestWhatComesAlong corrects the documents of both sides where STS refused what
// comes along with sts:AssumeRole.
func TestWhatComesAlong(t *testing.T) {
	t.Parallel()
	const worker = "arn:aws:iam::999900009999:role/production"
	for _, action := range []string{"sts:TagSession", "sts:SetSourceIdentity"} {
		s := Setup{
			Connection: rolecall.Connection{Name: "in", Purpose: rolecall.Source, Bucket: "acme", Region: "eu-central-1", RoleARN: us},
			Role:       arn(t, us), Principal: arn(t, worker), ExternalID: "acme-42", Vendor: rolecall.Vendor{Accounts: []string{"999900009999"}},
		}
		q := Question{Step: rolecall.StepAssume, LayerKnown: true, Denial: policy.Denial{Action: action}}
		s.SessionActions = q.Denial.SessionActions()
		for kind, there := range map[policy.Kind]string{
			policy.TrustDocument:  `{"Effect":"Allow","Principal":{"AWS":"` + worker + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"acme-42"}}}`,
			policy.WorkerDocument: `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`,
		} {
			given := []Given{{kind, "given.json", parsed(t, `{"Version":"2012-10-17","Statement":[`+there+`]}`)}}
			j, ok := s.Judge(q, kind, given)
			if !ok || j.Standing != Refuses || !strings.Contains(string(j.Corrected), action) || !strings.Contains(string(j.Corrected), there) {
				t.Errorf("%s of the %s policy: %t, %d: %s", action, kind, ok, j.Standing, j.Corrected)
			}
		}
	}
}
