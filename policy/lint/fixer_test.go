package lint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy/lint"
)

// lasts checks that what was fixed stays fixed, and that fixing makes no error that
// was not there. Inside of a wrapper not all rules are reported before it is
// removed.
func lasts(t interface{ Errorf(string, ...any) }, data []byte, before, after lint.FileReport) {
	errors, unfixed := map[string]bool{}, map[string]bool{}
	for _, f := range before.Findings {
		errors[f.Rule] = errors[f.Rule] || f.Severity == lint.Error
		unfixed[f.Rule] = unfixed[f.Rule] || !f.Fixed
	}
	for _, f := range before.Findings {
		if !unfixed[f.Rule] && slices.ContainsFunc(after.Findings, func(g lint.Finding) bool { return g.Rule == f.Rule }) {
			t.Errorf("%s is found again in what it was fixed to:\n%s\n%s", f.Rule, data, before.Fixed)
		}
	}
	for _, f := range after.Findings {
		if f.Severity == lint.Error && !errors[f.Rule] && !errors["document-shape"] {
			t.Errorf("fixing makes an error, %+v:\n%s\n%s", f, data, before.Fixed)
		}
	}
}

// TestFixingMakesNoError checks that a fix is left out that would uncover an
// error, and the others made.
func TestFixingMakesNoError(t *testing.T) {
	t.Parallel()
	r := check(t, []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:CopyObject","Resource":"arn:aws:s3:::acme-masters/*","Condition":{"StringEquals":{"sts:ExternalId":"x"}}},
		{"Effect":"Allow","Action":["s3:ListBucket","s3:HeadBucket"],"Resource":"arn:aws:s3:::acme-masters"},
	]}`), lint.Options{})
	if r.Fixed == nil || !strings.Contains(string(r.Fixed), "s3:CopyObject") || strings.Contains(string(r.Fixed), "s3:HeadBucket") {
		t.Errorf("fixed to %s", r.Fixed)
	}
	for _, f := range of(r, "s3-operation") {
		if f.Fixed || f.Widens {
			t.Errorf("%+v says that it is fixed", f)
		}
	}
	if hit := of(r, "s3-head-bucket"); len(hit) != 1 || !hit[0].Fixed {
		t.Errorf("%+v", r.Findings)
	}
}

// TestFixingGoesOn checks that fixing ends only when nothing is left to fix:
// one fix uncovers the next.
func TestFixingGoesOn(t *testing.T) {
	t.Parallel()
	r := check(t, []byte(`{"Version":"2012-10-17","Statement":{"effect":"allow","action":["s3:GetObject ","s3:getobject"],"resource":"arn:aws:s3:::acme-masters/*"}}`), lint.Options{})
	again := check(t, r.Fixed, lint.Options{Kind: r.Kind})
	for _, f := range again.Findings {
		if f.Fixed {
			t.Errorf("%+v is left of %s", f, r.Fixed)
		}
	}
}
