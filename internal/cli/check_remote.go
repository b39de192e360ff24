package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
	"github.com/rolecall/rolecall/internal/check"
)

// ask has the service check a connection, or all, and shows the steps as they
// end there.
func (c *checkCommand) ask(ctx context.Context, sys System, out *output) error {
	if err := onlyHere(map[string]bool{"principal": c.Principal != ""}); err != nil {
		return err
	}
	asked, org, err := orgFlags{c.serverFlags, c.Org}.open(ctx, sys)
	if err != nil {
		return err
	}
	var of rolecall.Connection
	if len(c.Policy) > 0 && !c.All {
		found, err := asked.Connection(ctx, org, c.Connection)
		if err != nil {
			return err
		}
		of = found.Connection
	}
	given, err := c.policies(ctx, sys, of)
	if err != nil {
		return err
	}
	n := client.NewCheck{Deep: c.Deep}
	if c.Wait.given {
		n.Wait = max(c.Wait.Duration, 1).String() // the service takes no zero
	}
	for _, g := range given {
		if n.Policies == nil {
			n.Policies = map[string][]json.RawMessage{}
		}
		n.Policies[string(g.Kind)] = append(n.Policies[string(g.Kind)], g.Document.JSON())
	}
	if c.All {
		return c.askAll(ctx, out, asked, org, n)
	}
	live := newCheckProgress(out)
	report, err := watched(ctx, asked, org, c.Connection, n, func(s rolecall.CheckStep) {
		live.observe(check.Event{Kind: check.Ended, Step: s.Step, Ended: s})
	})
	out.screen.settle()
	if err != nil {
		return err
	}
	if c.Report != "" {
		if err := writeReport(c.Report, report); err != nil {
			return err
		}
	}
	return c.conclude(out, report, c.Report)
}

// askAll has the service check one connection after the other.
func (c *checkCommand) askAll(ctx context.Context, out *output, asked *client.Client, org string, n client.NewCheck) error {
	ended := []rolecall.CheckReport{}
	list := func(ctx context.Context, p client.Page) (client.List[client.Connection], error) {
		return asked.Connections(ctx, org, p)
	}
	for of, err := range client.Each(ctx, list) {
		if err != nil {
			return err
		}
		report, err := watched(ctx, asked, org, of.Name, n, func(rolecall.CheckStep) {})
		if err != nil {
			return err
		}
		ended = append(ended, report)
		if !out.json {
			out.summary(report)
		}
	}
	return c.concludeAll(out, ended, nil)
}

// watched has the service check a connection, and returns its report. The check
// goes on there when the context ends.
func watched(ctx context.Context, asked *client.Client, org, connection string, n client.NewCheck, step func(rolecall.CheckStep)) (rolecall.CheckReport, error) {
	begun, err := asked.StartCheck(ctx, org, connection, n)
	if err != nil {
		return rolecall.CheckReport{}, err
	}
	ended, err := asked.WatchCheck(ctx, org, connection, begun.ID, step)
	if err != nil {
		return rolecall.CheckReport{}, err
	}
	if ended.Result == nil || ended.Interrupted {
		return rolecall.CheckReport{}, &rolecall.Error{
			Code: rolecall.Unavailable, Message: fmt.Sprintf("the check %s was interrupted at the service", begun.ID), Hint: "You: check the connection again",
		}
	}
	return rolecall.CheckReport{Organization: ended.Organization, Connection: ended.Connection, Result: *ended.Result, Steps: ended.Steps}, nil
}
