package rolecall

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What asks for a place by itself gets the one that a job's step gets.
func TestPlaceIsThatOfAStep(t *testing.T) {
	t.Parallel()
	org, v := acme(), vendor(t)
	principal, err := v.PrincipalFor("production", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range org.Connections {
		step := `{"tool": "storage:get", "parameters": {"connection": "` + name + `", "path": "a/", "files": ["**"]}}`
		plan, err := ReadPlan([]byte(`{"tasks": [`+step+`]}`), org, v, "production")
		got, placeErr := org.Place(PlaceRequest{Connection: name, Path: "a/", Purpose: Source, Vendor: v, Principal: principal})
		if (err == nil) != (placeErr == nil) {
			t.Errorf("%s: the step says %v, the place %v", name, err, placeErr)
			continue
		}
		if err != nil {
			continue
		}
		want := plan.Steps[0].Place
		want.Pointer, want.AuthorizedAt = got.Pointer, got.AuthorizedAt
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-step +place):\n%s", name, diff)
		}
		// The whole connection is the same place without the path.
		c.Name = name
		want.Key, want.Pointer, want.AuthorizedAt = c.Prefix, "", ""
		if diff := cmp.Diff(want, org.PlaceOf(c)); diff != "" {
			t.Errorf("%s (-step +connection):\n%s", name, diff)
		}
	}
}

func TestPlaceIsHeldToTheRules(t *testing.T) {
	t.Parallel()
	org, v := acme(), vendor(t)
	principal, err := v.PrincipalFor("production", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		request PlaceRequest
		want    Code
	}{
		{PlaceRequest{Connection: "masters", Path: "../other/", Purpose: Source}, Invalid},
		{PlaceRequest{Connection: "masters", Path: "a/", Purpose: Delivery}, Forbidden}, // a source
		{PlaceRequest{Connection: "none", Purpose: Source}, NotFound},
	} {
		c.request.Vendor, c.request.Principal = v, principal
		if _, err := org.Place(c.request); CodeOf(err) != c.want {
			t.Errorf("%+v: %v, want %s", c.request, err, c.want)
		}
	}
}

func TestVendorOwns(t *testing.T) {
	t.Parallel()
	v := Vendor{Accounts: []string{"873682911326"}, Principals: map[string]Principal{"eu": {ARN: ARN{Account: "999988887777"}}}}
	for account, want := range map[string]bool{"873682911326": true, "999988887777": true, "111122223333": false, "": false} {
		if got := v.Owns(account); got != want {
			t.Errorf("Owns(%q) = %t", account, got)
		}
	}
}

func TestExternalIDFor(t *testing.T) {
	t.Parallel()
	org := Organization{ExternalID: ExternalID{Value: "x-42"}}
	if got := org.ExternalIDFor(Connection{}); got != "x-42" {
		t.Errorf("the organization's: %q", got)
	}
	if got := org.ExternalIDFor(Connection{ExternalID: &ExternalID{Value: "y-43"}}); got != "y-43" {
		t.Errorf("the connection's own: %q", got)
	}
}
