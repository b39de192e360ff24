package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall/policy/explain"
)

type explainCommand struct {
	serverFlags
	Message []string `arg:"" placeholder:"MESSAGE" help:"The error as AWS, an SDK or a tool worded it, or - for stdin."`
}

// maxMessage is how long a message may be.
const maxMessage = 64 << 10

// Run prints which policy of which account refused what, for whom, and what to
// add; or which candidates remain.
func (c *explainCommand) Run(ctx context.Context, sys System, out *output) error {
	text := strings.Join(c.Message, " ")
	if text == "-" {
		data, err := read(ctx, sys, "-", maxMessage)
		if err != nil {
			return err
		}
		text = string(data)
	}
	e, err := c.explain(ctx, sys, text)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(e)
	}
	out.printf("%s\n", wrapped(e.Summary, out.prose(), ""))
	for i, candidate := range e.Candidates {
		mark := "  "
		if len(e.Candidates) > 1 {
			mark = fmt.Sprintf("%d ", i+1)
		}
		out.printf("\n%s%s\n", mark, out.onOut.paint(bold, wrapped(candidate.Message, out.prose()-2, "  ")))
		if candidate.Target != "" {
			out.printf("  at:   %s\n", printable(candidate.Target))
		} else if candidate.Account != "" {
			out.printf("  at:   account %s\n", candidate.Account)
		}
		out.printf("  hint: %s\n", wrapped(candidate.Hint, out.prose()-8, "        "))
		if candidate.Add != nil {
			out.verbatim("  add:\n%s\n", pretty(candidate.Add))
		}
	}
	return nil
}

// prose is how wide sentences are shown on stdout.
func (o *output) prose() int {
	if o.wide > 0 {
		return min(o.wide, textWidth)
	}
	return textWidth
}

// textWidth is how wide sentences are shown where there is room.
const textWidth = 96

// explain reads the message, here or at the service.
func (c *explainCommand) explain(ctx context.Context, sys System, text string) (explain.Explanation, error) {
	if !c.remote() {
		return explain.Message(text)
	}
	asked, err := c.dial(sys)
	if err != nil {
		return explain.Explanation{}, err
	}
	return answered[explain.Explanation](asked.ExplainRefusal(ctx, text))
}
