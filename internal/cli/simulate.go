package cli

import (
	"context"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

type simulateCommand struct {
	Requests string `arg:"" help:"File of requests as JSON lines, or - for stdin."`
}

// Run answers each line on stdout as it comes, in order. A line that cannot
// be read is answered with its error; the others are answered all the same.
func (c *simulateCommand) Run(ctx context.Context, sys System) error {
	in, err := open(ctx, sys, c.Requests)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := policy.Simulate(in, sys.Stdout); err != nil {
		return &rolecall.Error{Code: rolecall.Internal, Message: "the requests could not be read to their end, or their answers not written", Err: err}
	}
	return nil
}
