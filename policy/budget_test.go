package policy_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/policy"
)

// A line of a few hundred kilobytes is answered soon, whatever is in it: by its
// decision where the matcher has a short way, else by a fault.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	const slow = "the request takes too much work to decide"
	numbered := func(prefix string, n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = prefix + strconv.Itoa(i)
		}
		return out
	}
	variables := strings.Repeat("${a}", 2000)
	for name, c := range map[string]struct {
		operator string
		values   []string // of the policy
		given    []string // of the request
		want     string
	}{
		"many texts":        {"StringEquals", numbered("y", 10_000), numbered("z", 10_000), "implicitly_denied"},
		"many variables":    {"StringLike", slices.Repeat([]string{"*" + variables}, 20), slices.Repeat([]string{strings.Repeat("y", 8000)}, 100), "implicitly_denied"},
		"stars":             {"StringLike", slices.Repeat([]string{strings.Repeat("*a", 4000) + "b"}, 20), slices.Repeat([]string{strings.Repeat("a", 8000)}, 20), "implicitly_denied"},
		"question marks":    {"StringLike", slices.Repeat([]string{strings.Repeat("*?", 4000) + "b"}, 20), slices.Repeat([]string{strings.Repeat("a", 8000)}, 20), "implicitly_denied"},
		"both in between":   {"StringLike", slices.Repeat([]string{"*" + strings.Repeat("a?", 2000) + "b*"}, 20), slices.Repeat([]string{strings.Repeat("a", 8000)}, 100), slow},
		"dates":             {"DateEquals", slices.Repeat([]string{"2026-01-01T00:00:00Z"}, 9000), slices.Repeat([]string{"soon"}, 9000), slow},
		"numbers":           {"NumericEquals", slices.Repeat([]string{"2"}, 9000), slices.Repeat([]string{strings.Repeat("1", 4000)}, 100), slow},
		"a Deny, cut short": {"StringNotLike", slices.Repeat([]string{"*" + strings.Repeat("a?", 2000) + "b*"}, 20), slices.Repeat([]string{strings.Repeat("a", 8000)}, 100), slow},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			context := map[string]any{"m": c.given, "a": strings.Repeat("y", 8000)}
			for _, k := range numbered("k", 1000) {
				context[k] = "x"
			}
			line, err := json.Marshal(map[string]any{
				"principal": "arn:aws:iam::111122223333:user/u", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "context": context,
				"identity": []any{map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
					"Effect": "Allow", "Action": "*", "Resource": "*",
					"Condition": map[string]any{"ForAnyValue:" + c.operator: map[string]any{"m": c.values}},
				}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			answer := string(policy.SimulateLine(line))
			if !strings.Contains(answer, c.want) {
				t.Errorf("%.300s, want %s", answer, c.want)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// Evaluate, which returns no error, denies what it did not decide.
func TestUndecidedIsDenied(t *testing.T) {
	t.Parallel()
	d := mustParse(t, `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*",
		"Condition":{"ForAnyValue:StringLike":{"m":"*`+strings.Repeat("a?", 2000)+`b*"}}}]}`)
	got := policy.Evaluate(policy.Request{
		Principal: "arn:aws:iam::111122223333:user/u", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k",
		Context: map[string][]string{"m": slices.Repeat([]string{strings.Repeat("a", 8000)}, 100)},
	}, policy.Policies{Identity: []*policy.Document{d}})
	if got.Decision != policy.ImplicitlyDenied || len(got.DecidedBy) != 0 {
		t.Errorf("%+v", got)
	}
}
