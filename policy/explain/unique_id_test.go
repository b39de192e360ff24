package explain_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// TestDeletedIdentitiesAreTakenOut checks that a corrected document has no unique
// id of a deleted identity: AWS would not store it.
func TestDeletedIdentitiesAreTakenOut(t *testing.T) {
	t.Parallel()
	const worker, role = "arn:aws:iam::873682911326:role/Worker", "arn:aws:iam::111122223333:role/media"
	everything, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, trust := range []string{
		`[{"Effect":"Allow","Principal":{"AWS":["AROA1234567890EXAMPLE","arn:aws:iam::873682911326:role/Other"]},"Action":"sts:AssumeRole"}]`,
		`[{"Effect":"Allow","Principal":{"AWS":"AROA1234567890EXAMPLE"},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/Other"},"Action":"sts:AssumeRole"}]`,
		`[{"Effect":"Deny","Principal":{"AWS":["AIDA1234567890EXAMPLE","arn:aws:iam::873682911326:role/Third"]},"Action":"sts:AssumeRole"},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/Other"},"Action":"sts:AssumeRole"}]`,
	} {
		d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":` + trust + `}`))
		if err != nil {
			t.Fatal(err)
		}
		change, ok := explain.Smallest(policy.Request{Principal: worker, Action: "sts:AssumeRole", Resource: role, Account: "111122223333"},
			policy.Policies{Identity: []*policy.Document{everything}, Resource: d})
		if !ok || change.Decision != policy.Allowed {
			t.Fatalf("%s: %+v", trust, change)
		}
		for _, e := range change.Edits {
			if text := string(e.Document.JSON()); strings.Contains(text, "1234567890EXAMPLE") || !strings.Contains(e.Text, "1234567890EXAMPLE") || !strings.Contains(text, "role/Other") {
				t.Errorf("%s: %q gives %s", trust, e.Text, text)
			}
		}
	}
}
