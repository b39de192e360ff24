package cli

import (
	"context"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/service"
)

type tokenCreateCommand struct {
	orgFlags
	Operator   bool   `help:"A token of the operator's, for all organizations."`
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
	if c.remote() {
		return c.ask(ctx, sys, out)
	}
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

// ask has the service make the token.
func (c *tokenCreateCommand) ask(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.either(ctx, sys, c.Operator)
	if err != nil {
		return err
	}
	var made client.MadeToken
	if c.Operator {
		made, err = asked.CreateOperatorToken(ctx, client.NewOperatorToken{Name: c.Name, Expires: c.Expires})
	} else {
		made, err = asked.CreateToken(ctx, org, client.NewToken{Name: c.Name, Role: c.Role, Connection: c.Connection, Access: c.Access, Expires: c.Expires})
	}
	if err != nil {
		return err
	}
	if out.json {
		return out.document(struct {
			client.TokenInfo
			Secret string `json:"token"`
		}{made.TokenInfo, string(made.Secret)})
	}
	out.printf("%s\n", printable(string(made.Secret)))
	return nil
}

type tokenListCommand struct {
	orgFlags
	Operator bool `help:"The operator's own."`
}

// Run lists an organization's tokens, or the operator's, without their secrets.
func (c *tokenListCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.either(ctx, sys, c.Operator)
	if err != nil {
		return err
	}
	list := func(ctx context.Context, p client.Page) (client.List[client.TokenInfo], error) {
		if c.Operator {
			return asked.OperatorTokens(ctx, p)
		}
		return asked.Tokens(ctx, org, p)
	}
	return printList(ctx, out, list, "there are no tokens", func(t client.TokenInfo) []string {
		return []string{t.ID, t.Role, ends(t.Expires), used(t.Used), t.Name}
	})
}

type tokenRevokeCommand struct {
	orgFlags
	Operator bool   `help:"One of the operator's own."`
	ID       string `arg:"" placeholder:"ID" help:"The token's id, as token list shows it."`
}

// Run revokes a token.
func (c *tokenRevokeCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.either(ctx, sys, c.Operator)
	if err != nil {
		return err
	}
	if c.Operator {
		err = asked.RevokeOperatorToken(ctx, c.ID)
	} else {
		err = asked.RevokeToken(ctx, org, c.ID)
	}
	if err != nil {
		return err
	}
	return out.gone("token", c.ID)
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
