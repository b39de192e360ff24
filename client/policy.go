package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// PastedPolicy is a policy as it was pasted: its text need not be JSON.
type PastedPolicy struct {
	Name string `json:"name,omitempty"` // for the answer
	Text string `json:"text"`
}

// LintPolicies returns what is wrong with policies, as rolecall policy lint
// prints it as JSON. With an empty kind, each policy's content
// says which it is.
func (c *Client) LintPolicies(ctx context.Context, kind string, documents ...PastedPolicy) (json.RawMessage, error) {
	return answer[json.RawMessage](ctx, c, call{method: http.MethodPost, reads: true, path: at("policy", "lint"), body: struct {
		Documents []PastedPolicy `json:"documents"`
		Kind      string         `json:"kind,omitempty"`
	}{documents, kind}})
}

// SimulatePolicies decides a request, which has the policies too, as rolecall
// policy simulate reads it and prints its answer as JSON.
func (c *Client) SimulatePolicies(ctx context.Context, request json.RawMessage) (json.RawMessage, error) {
	return answer[json.RawMessage](ctx, c, call{method: http.MethodPost, reads: true, path: at("policy", "simulate"), body: request})
}

// ExplainRefusal says which policy an error message of AWS's speaks of, as
// rolecall policy explain prints it as JSON.
func (c *Client) ExplainRefusal(ctx context.Context, message string) (json.RawMessage, error) {
	return answer[json.RawMessage](ctx, c, call{method: http.MethodPost, reads: true, path: at("policy", "explain"), body: map[string]string{"message": message}})
}
