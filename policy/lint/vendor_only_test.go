package lint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// Others that a role trusts do not send our external id: what is theirs is
// neither reported nor changed, and never locked out.
func TestExternalIDIsAskedOfTheVendorOnly(t *testing.T) {
	t.Parallel()
	const vendor = "arn:aws:iam::873682911326:role/VTKWorker"
	o := lint.Options{Kind: policy.TrustDocument, Kit: &policy.KitRequest{
		Connection: connections["masters"], Principals: []string{vendor}, ExternalIDs: []string{goodID},
	}}
	for principals, want := range map[string]struct{ reported, fixed bool }{
		`"` + vendor + `"`:                   {true, true},
		`"873682911326"`:                     {true, true},
		`"arn:aws:iam::873682911326:root"`:   {true, true},
		`"arn:aws:iam::444455556666:root"`:   {false, false},
		`"444455556666"`:                     {false, false},
		`["444455556666", "` + vendor + `"]`: {true, false},
	} {
		text := `{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":` + principals + `},"Action":"sts:AssumeRole"},` +
			`{"Sid":"Ours","Effect":"Allow","Principal":{"AWS":"` + vendor + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"` + goodID + `"}}}]}`
		r := check(t, []byte(text), o)
		reported := slices.ContainsFunc(r.Findings, func(f lint.Finding) bool { return f.Rule == "external-id-missing" })
		if reported != want.reported {
			t.Errorf("%s: reported %t", principals, reported)
		}
		if fixed := strings.Count(string(r.Fixed), goodID) > 1; fixed != want.fixed {
			t.Errorf("%s: %s", principals, r.Fixed)
		}
	}
}
