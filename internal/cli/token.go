package cli

import (
	"context"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
)

type tokenCreateCommand struct {
	Operator   bool   `help:"A token of the operator's, for all organizations."`
	Org        string `placeholder:"NAME" help:"Organization whose token it is."`
	Role       string `placeholder:"ROLE" help:"viewer, submitter, admin or credentials."`
	Connection string `placeholder:"NAME" help:"With the role credentials: the connection."`
	Access     string `placeholder:"ACCESS" help:"With the role credentials: read or write."`
	Expires    string `placeholder:"TIME" default:"90d" help:"When it ends, from now: ${default} by default."`
	Name       string `placeholder:"TEXT" help:"What it is for."`
	Config     string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config of rolecall serve; ${default} by default."`
}

// Run makes a token in the database of rolecall serve, which may run meanwhile,
// and prints it, alone.
func (c *tokenCreateCommand) Run(ctx context.Context, sys System, out *output) error {
	if c.Operator == (c.Org != "") {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "whose token is it to be?", Hint: "You: give --operator, or --org with --role"}
	}
	cfg, err := loaded(ctx, sys, config.LoadServe, c.Config)
	if err != nil {
		return err
	}
	opened, err := server.Beside(ctx, cfg, nil)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	s := opened.Service
	expires, err := service.ParseDuration(c.Expires)
	if err != nil {
		return err
	}
	call := service.Call{Actor: service.Host(), RequestID: "token create"}
	var made service.MadeToken
	if c.Operator {
		made, err = s.CreateOperatorToken(ctx, call, service.Given(service.NewOperatorToken{Name: c.Name, Expires: expires}))
	} else {
		made, err = s.CreateToken(ctx, call, c.Org, service.Given(service.NewToken{
			Name: c.Name, Role: account.Role(c.Role), Connection: c.Connection, Access: c.Access, Expires: expires,
		}))
	}
	if err != nil {
		return err
	}
	if out.json {
		return out.document(made)
	}
	out.printf("%s\n", made.Secret)
	return nil
}

type signInLinkCommand struct {
	Org    string `placeholder:"NAME" help:"Organization to sign in to; left out: all, as the operator."`
	Role   string `placeholder:"ROLE" help:"With --org: viewer, submitter or admin."`
	Config string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config of rolecall serve; ${default} by default."`
}

// Run makes a link in the database of rolecall serve, which may run meanwhile,
// and prints it, alone.
func (c *signInLinkCommand) Run(ctx context.Context, out *output) error {
	if (c.Org == "") != (c.Role == "") {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "--org and --role belong together", Hint: "You: give both, or none to sign in as the operator"}
	}
	cfg, err := config.LoadServe(c.Config)
	if err != nil {
		return err
	}
	opened, err := server.Beside(ctx, cfg, nil)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	made, err := opened.Service.CreateSignInLink(ctx, service.Call{Actor: service.Host(), RequestID: "signin-link"}, service.NewSignInLink{Organization: c.Org, Role: account.Role(c.Role)})
	if err != nil {
		return err
	}
	if out.json {
		return out.document(made)
	}
	out.printf("%s\n", made.URL)
	return nil
}
