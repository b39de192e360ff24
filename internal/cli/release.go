package cli

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
)

type releaseCommand struct {
	Connection string `arg:"" placeholder:"CONNECTION" help:"The connection, as the config names it."`
	Org        string `placeholder:"NAME" help:"Organization whose connection it is; may be left out where only one has it."`
	Config     string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config; ${default} by default."`
}

// release tells what is nobody's any more.
type release struct {
	Organization string `json:"organization"`
	Connection   string `json:"connection"`
	Released     string `json:"released"` // role ARN or dispenser URL
}

// Run ends the organization's claim on the connection's role or dispenser.
func (c *releaseCommand) Run(ctx context.Context, out *output) error {
	cfg, dir, err := loadConfig(ctx, config.Load, c.Config)
	if err != nil {
		return err
	}
	org, conn, err := connection(cfg, c.Org, c.Connection)
	if err != nil {
		return err
	}
	env, err := environment(cfg, dir, out.logger(false), nil)
	if err != nil {
		return err
	}
	defer env.Vault.Close()
	done := release{Organization: org.APIName, Connection: conn.Name, Released: conn.RoleARN}
	switch source := conn.HTTPCredentialSource; {
	case source != nil:
		done.Released = source.URL
		err = env.Vault.ReleaseDispenser(ctx, credential.DispenserRequest{Organization: org.APIName, Source: *source})
	case conn.RoleARN != "":
		err = env.Vault.Release(ctx, credential.Role{Organization: org.APIName, RoleARN: conn.RoleARN})
	default:
		err = &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("the connection %q rests on no claim", conn.Name),
			Hint: "only roles and dispensers are claimed, not the keys of a secret",
		}
	}
	if err != nil {
		return err
	}
	if out.json {
		return out.document(done)
	}
	out.printf("%s has no claim on %s any more; work that uses it stops\n", done.Organization, done.Released)
	return nil
}
