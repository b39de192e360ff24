package cli

import (
	"context"
	"strings"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
)

type orgAdoptCommand struct {
	Org    string `arg:"" placeholder:"ORG" help:"The organization, which the config of rolecall serve declares, or declared."`
	Config string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config of rolecall serve; ${default} by default."`
}

// Run moves the organization to the API, in the database of rolecall serve, which
// may run meanwhile.
func (c *orgAdoptCommand) Run(ctx context.Context, out *output) error {
	cfg, err := config.LoadServe(c.Config)
	if err != nil {
		return err
	}
	opened, err := server.Beside(ctx, cfg, out.logger(false))
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	adopted, err := opened.Adopt(ctx, service.Call{Actor: service.Host(), RequestID: "org adopt"}, c.Org)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(adopted)
	}
	out.printf("%s is the API's, with external id %s\n", printable(adopted.APIName), printable(adopted.ExternalID))
	if len(adopted.Secrets) > 0 {
		out.note("the values of secrets that its connections use are not in the config any more: put %s over the API", strings.Join(adopted.Secrets, ", "))
	}
	if _, declared := cfg.Organizations[c.Org]; declared {
		out.note("remove it from %s now: until then, rolecall serve neither starts nor reads the config again", c.Config)
	}
	return nil
}
