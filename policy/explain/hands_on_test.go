package explain_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

// TestWhatASessionHandsOn checks that a refusal of what comes along with
// sts:AssumeRole leads to both policies, each with both actions.
func TestWhatASessionHandsOn(t *testing.T) {
	t.Parallel()
	const worker, role = "arn:aws:sts::873682911326:assumed-role/Worker/pod", "arn:aws:iam::111122223333:role/media"
	for _, action := range []string{"sts:TagSession", "sts:SetSourceIdentity"} {
		for clause, first := range map[string]policy.DenialLayer{
			"": policy.DeniedByResource, " because no role trust policy allows the " + action + " action": policy.DeniedByResource,
			" because no identity-based policy allows the " + action + " action": policy.DeniedByIdentity,
		} {
			text := "An error occurred (AccessDenied) when calling the AssumeRole operation: User: " + worker + " is not authorized to perform: " + action + " on resource: " + role + clause
			e, err := explain.Message(text)
			if err != nil {
				t.Fatal(err)
			}
			sound(t, e)
			if len(e.Candidates) != 2 || e.Candidates[0].Layer != first {
				t.Fatalf("%s: %+v", text, e.Candidates)
			}
			for _, c := range e.Candidates {
				if text := string(c.Add.JSON()); !strings.Contains(text, `"sts:AssumeRole"`) || !strings.Contains(text, action) || !strings.Contains(c.Hint, action) {
					t.Errorf("%s: %q, %s", action, c.Hint, text)
				}
			}
			_, hint := explain.Assume(text, "arn:aws:iam::873682911326:role/Worker", role).Words("")
			if !strings.Contains(hint, action) {
				t.Errorf("%s: %q", text, hint)
			}
		}
	}
}
