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

// policies reads the documents that the account has.
func (c *checkCommand) policies(ctx context.Context, sys System) ([]correct.Given, error) {
	if len(c.Policy) > 0 && c.All {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "--policy is about one connection", Hint: "name it, in the place of --all"}
	}
	var out []correct.Given
	for _, flag := range c.Policy {
		kind, name, found := strings.Cut(flag, "=")
		if !found || name == "" || !slices.Contains(correct.Kinds(), policy.Kind(kind)) {
			return nil, &rolecall.Error{
				Code: rolecall.Invalid, Message: fmt.Sprintf("--policy %q does not say which policy is in which file", flag),
				Hint: "give it as bucket=FILE, or with one of " + correct.Names(),
			}
		}
		data, err := read(ctx, sys, name, maxPolicyFile)
		if err != nil {
			return nil, err
		}
		documents, err := lint.Documents(data)
		if err != nil {
			return nil, of(name, err)
		}
		for _, d := range documents {
			given := correct.Given{Kind: policy.Kind(kind), File: name, Document: d}
			if name == "-" {
				given.File = "standard input"
			}
			if err := given.Fits(out); err != nil {
				return nil, of(name, err)
			}
			out = append(out, given)
		}
	}
	return out, nil
}

// of says of errors which file they are about.
func of(name string, err error) error {
	var out rolecall.Errors
	for _, e := range rolecall.List(err) {
		named := *e
		named.Message = name + ": " + e.Message
		out = append(out, &named)
	}
	return out
}
