package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
	"github.com/rolecall/rolecall/policy/lint"
)

// policies reads the documents that the account of a connection has.
func (c *checkCommand) policies(ctx context.Context, sys System, of rolecall.Connection) ([]correct.Given, error) {
	if len(c.Policy) > 0 && c.All {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "--policy is about one connection", Hint: "You: name it, in the place of --all"}
	}
	var out []correct.Given
	for _, flag := range c.Policy {
		kind, name, found := strings.Cut(flag, "=")
		if !found || name == "" || !slices.Contains(correct.Kinds(), policy.Kind(kind)) {
			return nil, &rolecall.Error{
				Code: rolecall.Invalid, Message: fmt.Sprintf("--policy %q does not say which policy is in which file", flag),
				Hint: "You: give it as bucket=FILE, or with one of " + correct.Names(),
			}
		}
		data, err := read(ctx, sys, name, maxPolicyFile)
		if err != nil {
			return nil, err
		}
		documents, err := lint.Documents(data)
		if err != nil {
			return nil, rolecall.List(err).In(shownName(name), nil)
		}
		for _, d := range documents {
			given := correct.Given{Kind: policy.Kind(kind), File: shownName(name), Document: d}
			if err := given.Fits(out); err != nil {
				return nil, rolecall.List(err).In(shownName(name), nil)
			}
			if err := given.Concerns(of); err != nil {
				return nil, rolecall.List(err).In(shownName(name), nil)
			}
			out = append(out, given)
		}
	}
	return out, nil
}
