package api

import (
	"net/http"
	"reflect"

	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
	"github.com/rolecall/rolecall/policy/lint"
)

// SimulateRequest describes what simulatePolicies takes, as package policy reads
// it.
type SimulateRequest struct {
	Principal      string             `json:"principal"` // ARN, a service's domain, or * for anyone
	Action         string             `json:"action"`
	Resource       string             `json:"resource"`
	Account        string             `json:"account,omitempty"` // that owns the resource; left out: of its ARN, else the principal's
	Context        map[string]any     `json:"context,omitempty"` // condition keys: a text or a list of them
	Identity       []*policy.Document `json:"identity,omitempty"`
	ResourcePolicy *policy.Document   `json:"resource_policy,omitempty"`
	Session        *policy.Document   `json:"session,omitempty"`
	Boundary       []*policy.Document `json:"boundary,omitempty"`
	SCP            []any              `json:"scp,omitempty"` // of one level, or a list for each
	RCP            []any              `json:"rcp,omitempty"` // likewise
}

// tools are what needs no organization, but somebody who is signed in.
func (a *API) tools() {
	handle(a, route{
		method: http.MethodPost, path: "/api/policy/lint", id: "lintPolicies", summary: "What is wrong with policies as they were pasted, and the policies corrected",
		body: reflect.TypeFor[service.LintRequest](), reads: true, status: http.StatusOK,
	}, func(q *request) (answer[lint.Report], error) {
		report, err := a.service.LintPolicies(q.Context(), q.call, q.body(false))
		return answer[lint.Report]{body: report}, err
	})
	handle(a, route{
		method: http.MethodPost, path: "/api/policy/simulate", id: "simulatePolicies", summary: "Whether policies allow a request, why, and what would turn it: a line of rolecall policy simulate",
		body: reflect.TypeFor[SimulateRequest](), reads: true, status: http.StatusOK,
	}, func(q *request) (answer[service.Simulated], error) {
		decided, err := a.service.SimulatePolicies(q.Context(), q.call, q.body(false))
		return answer[service.Simulated]{body: decided}, err
	})
	handle(a, route{
		method: http.MethodPost, path: "/api/policy/explain", id: "explainRefusal", summary: "Which policy an error message of AWS's speaks of, and what to add to it",
		body: reflect.TypeFor[service.ExplainRequest](), reads: true, status: http.StatusOK,
	}, func(q *request) (answer[explain.Explanation], error) {
		explained, err := a.service.ExplainRefusal(q.Context(), q.call, q.body(false))
		return answer[explain.Explanation]{body: explained}, err
	})
}
