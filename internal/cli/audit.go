package cli

import (
	"context"
	"strings"
	"time"

	"github.com/rolecall/rolecall/client"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
)

type auditVerifyCommand struct {
	Config string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config of rolecall serve; ${default} by default."`
}

// Run checks that no audit record was changed, removed or cut off. It exits
// with 1 if one was.
func (c *auditVerifyCommand) Run(ctx context.Context, sys System, out *output) error {
	cfg, err := loaded(ctx, sys, config.LoadServe, c.Config)
	if err != nil {
		return err
	}
	opened, err := server.Beside(ctx, cfg, nil)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	findings, err := opened.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	code := exitDone
	for _, f := range findings {
		if f.Fault != "" {
			code = exitFailed
		}
	}
	if out.json {
		if err := out.document(map[string]any{"results": append([]service.Finding{}, findings...)}); err != nil {
			return err
		}
	} else {
		printFindings(out, findings)
	}
	if code != exitDone {
		return shown(code)
	}
	return nil
}

func printFindings(out *output, findings []service.Finding) {
	if len(findings) == 0 {
		out.printf("there are no audit records\n")
	}
	for _, f := range findings {
		name := f.Organization
		if name == "" {
			name = "(the service itself)"
		}
		state := "as they were written"
		if f.Fault != "" {
			state = f.Fault
		}
		out.printf("%s: %d records, %s; %d not linked yet\n", printable(name), f.Records, state, f.Unlinked)
	}
}

type sealRotateCommand struct {
	Config string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config of rolecall serve; ${default} by default."`
}

// Run makes a new sealing key, which the service uses from then on.
func (c *sealRotateCommand) Run(ctx context.Context, sys System, out *output) error {
	cfg, err := loaded(ctx, sys, config.LoadServe, c.Config)
	if err != nil {
		return err
	}
	opened, err := server.Beside(ctx, cfg, nil)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	n, err := opened.RotateSealing(ctx)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(map[string]int{"data_keys": n})
	}
	out.printf("%d data keys are wrapped under a new sealing key; back its file up\n", n)
	return nil
}

type auditListCommand struct {
	orgFlags
	Operator bool `help:"Of all organizations, and of none: what only an operator sees."`

	Actor  string `placeholder:"ID" help:"Only what this actor did: a token's id."`
	Action string `placeholder:"NOUN.VERB" help:"Only this action, such as credentials.vend."`
	Limit  int    `default:"50" placeholder:"N" help:"The newest so many; ${default} by default, 0 for all."`
}

// Run lists who did what, the newest first.
func (c *auditListCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.either(ctx, sys, c.Operator)
	if err != nil {
		return err
	}
	filter := client.AuditFilter{Actor: c.Actor, Action: c.Action}
	list := func(ctx context.Context, p client.Page) (client.List[client.AuditRecord], error) {
		if c.Operator {
			return asked.OperatorAudit(ctx, filter, p)
		}
		return asked.Audit(ctx, org, filter, p)
	}
	all, rows := []client.AuditRecord{}, [][]string{}
	for r, err := range client.Each(ctx, list) {
		if err != nil {
			return err
		}
		if c.Limit > 0 && len(all) == c.Limit {
			break
		}
		all = append(all, r)
		target := r.Target
		if c.Operator {
			target = strings.TrimSpace(r.Organization + " " + r.Target)
		}
		rows = append(rows, []string{r.Time.UTC().Format(time.RFC3339), r.Actor.Kind + " " + r.Actor.Name, r.Action, target, r.Decision, r.Reason})
	}
	return printRows(out, all, rows, "there are no audit records")
}
