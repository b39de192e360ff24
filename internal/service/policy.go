package service

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
	"github.com/rolecall/rolecall/policy/lint"
)

// LintRequest is what LintPolicies takes: policies as they were pasted, which
// need not be JSON.
type LintRequest struct {
	Documents []PastedPolicy `json:"documents"`
	Kind      policy.Kind    `json:"kind,omitempty" enum:"trust,permissions,bucket,key,worker"` // left out: by their content
}

// PastedPolicy is a policy, or several in one text.
type PastedPolicy struct {
	Name string `json:"name,omitempty"` // for the answer
	Text string `json:"text"`
}

func (r *LintRequest) validate() error {
	var faults rolecall.Errors
	if len(r.Documents) == 0 {
		faults.Add("/documents", "there are no policies to read", "You: send each policy as text")
	}
	known := r.Kind == ""
	for _, kind := range lint.Kinds() {
		known = known || kind == r.Kind
	}
	if !known {
		faults.Add("/kind", "there is no such kind of policy", "You: write trust, permissions, bucket, key or worker, or leave it out")
	}
	for i := range r.Documents {
		if r.Documents[i].Name == "" {
			r.Documents[i].Name = fmt.Sprintf("document %d", i+1)
		}
	}
	return faults.Err()
}

// Simulated is what SimulatePolicies answers: the decision, why, and what would
// turn it.
type Simulated struct {
	explain.Decision
	Change *explain.Change `json:"change,omitempty"` // nil: none was found
}

// ExplainRequest is what ExplainRefusal takes: an error as AWS, an SDK or a tool
// worded it.
type ExplainRequest struct {
	Message string `json:"message"`
}

// LintPolicies returns what is wrong with policies, and corrects them.
func (s *Service) LintPolicies(ctx context.Context, c Call, body Body) (lint.Report, error) {
	return tool(ctx, s, c, account.PolicyLint, body, func(r LintRequest) (lint.Report, error) {
		if err := r.validate(); err != nil {
			return lint.Report{}, err
		}
		files := make([]lint.File, len(r.Documents))
		for i, d := range r.Documents {
			files[i] = lint.File{Name: d.Name, Data: []byte(d.Text)}
		}
		return lint.Check(files, lint.Options{Kind: r.Kind}), nil
	})
}

// SimulatePolicies decides a request against policies, both in one document, and
// says why.
func (s *Service) SimulatePolicies(ctx context.Context, c Call, body Body) (Simulated, error) {
	return tool(ctx, s, c, account.PolicySimulate, body, func(r json.RawMessage) (out Simulated, err error) {
		in, policies, err := policy.ReadRequest(r)
		if err != nil {
			return out, err
		}
		out.Decision = explain.Tree(in, policies)
		if change, ok := explain.Smallest(in, policies); ok {
			out.Change = &change
		}
		return out, nil
	})
}

// ExplainRefusal says which policy an error of AWS's speaks of.
func (s *Service) ExplainRefusal(ctx context.Context, c Call, body Body) (explain.Explanation, error) {
	return tool(ctx, s, c, account.PolicyExplain, body, func(r ExplainRequest) (explain.Explanation, error) {
		out, err := explain.Message(r.Message)
		if err != nil {
			var faults rolecall.Errors
			faults.AddErr("/message", err)
			return out, faults
		}
		return out, nil
	})
}

// The limits of tools, which cost time alone.
const (
	toolTime    = 2 * time.Second
	toolsAtOnce = 2 // of an organization
)

// tools counts those that run, by organization.
type tools struct {
	mu      sync.Mutex
	running map[string]int
}

func (t *tools) begin(organization string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running[organization] >= toolsAtOnce {
		return false
	}
	if t.running == nil {
		t.running = map[string]int{}
	}
	t.running[organization]++
	return true
}

func (t *tools) end(organization string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running[organization]--; t.running[organization] == 0 {
		delete(t.running, organization)
	}
}

// tool does what needs nothing but its body, for everybody who is signed in.
// What takes too long goes on, and counts until it ends: it cannot be stopped.
func tool[In, Out any](ctx context.Context, s *Service, c Call, action account.Action, body Body, do func(In) (Out, error)) (out Out, err error) {
	if err := s.authorize(ctx, c, operation{action: action}); err != nil {
		return out, err
	}
	var in In
	if _, err := body(&in); err != nil {
		return out, err
	}
	return inTime(ctx, &s.tools, c.Actor.Organization, func() (Out, error) { return do(in) })
}

// inTime runs what cannot be stopped.
func inTime[Out any](ctx context.Context, t *tools, who string, do func() (Out, error)) (out Out, err error) {
	if !t.begin(who) {
		return out, &TooManyError{After: toolTime, Err: &rolecall.Error{
			Code: rolecall.Unavailable, Message: fmt.Sprintf("%d others of the organization run already", toolsAtOnce), Hint: "You: wait for one of them to end",
		}}
	}
	type ended struct {
		out Out
		err error
	}
	done := make(chan ended, 1)
	go func() {
		var e ended
		e.err = safely.Do(func() (err error) {
			defer t.end(who)
			e.out, err = do()
			return err
		})
		done <- e
	}()
	select {
	case e := <-done:
		return e.out, e.err
	case <-time.After(toolTime):
		return out, &rolecall.Error{
			Code: rolecall.Invalid, Message: "it takes longer than 2 seconds", Hint: "You: send less at once, or run rolecall policy without --server",
		}
	case <-ctx.Done():
		return out, ctx.Err()
	}
}
