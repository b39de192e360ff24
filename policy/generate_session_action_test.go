package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// TestSessionActions checks that what STS asks for beside sts:AssumeRole is allowed
// by both sides, under the external id, and is denied on the vendor's own roles.
func TestSessionActions(t *testing.T) {
	t.Parallel()
	const worker, role = "arn:aws:iam::873682911326:role/Worker", "arn:aws:iam::111122223333:role/media"
	request := policy.KitRequest{
		Connection: rolecall.Connection{Name: "masters", Purpose: rolecall.Source, Bucket: "acme-masters", RoleARN: role},
		Principals: []string{worker}, ExternalIDs: []string{"5f2c9a2e7b1d4c0f9e8d7c6b5a493827"},
	}
	for _, form := range []policy.WorkerForm{policy.AnyRole, policy.ListedRoles} {
		for _, given := range [][]string{nil, {"sts:TagSession"}, {"sts:TagSession", "sts:SetSourceIdentity"}} {
			request.Worker, request.SessionActions = form, given
			kit, err := policy.Generate(request)
			if err != nil {
				t.Fatal(err)
			}
			for _, action := range []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"} {
				for id, right := range map[string]bool{request.ExternalIDs[0]: true, "another": false} {
					for resource, foreign := range map[string]bool{role: true, "arn:aws:iam::873682911326:role/Own": false} {
						if !foreign && form == policy.ListedRoles {
							continue // a list has no Deny
						}
						got := policy.Evaluate(policy.Request{
							Principal: worker, Action: action, Resource: resource, Account: strings.Split(resource, ":")[4], Context: map[string][]string{"sts:ExternalId": {id}},
						}, policy.Policies{Identity: []*policy.Document{kit.Worker}, Resource: kit.Trust}).Decision == policy.Allowed
						if want := right && foreign && (action == "sts:AssumeRole" || slices.Contains(given, action)); got != want {
							t.Errorf("%s %v: %s on %s with %s is allowed: %v", form, given, action, resource, id, got)
						}
					}
				}
			}
		}
	}
	request.SessionActions = []string{"sts:*"}
	if _, err := policy.Generate(request); rolecall.CodeOf(err) != rolecall.Invalid || !strings.Contains(err.Error(), "sts:*") {
		t.Errorf("a wildcard: %v", err)
	}
}
