package cli

import (
	"context"
	"strings"
	"time"

	"github.com/rolecall/rolecall/client"
)

// ofConnection says which connection's setup links are meant.
type ofConnection struct {
	orgFlags
	Connection string `arg:"" placeholder:"CONNECTION" help:"The connection."`
}

type setupLinkCreateCommand struct {
	ofConnection
	Account string `placeholder:"ID" help:"The account that the role has to be in; any, if it is left out."`
	Expires string `default:"14d" placeholder:"TIME" help:"When it ends, from now: ${default} by default."`
}

// Run makes a setup link and prints its URL, alone.
func (c *setupLinkCreateCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	made, err := asked.CreateSetupLink(ctx, org, c.Connection, client.NewSetupLink{Account: c.Account, Expires: c.Expires})
	if err != nil {
		return err
	}
	if out.json {
		return out.document(struct {
			client.SetupLink
			URL string `json:"url"`
		}{made.SetupLink, string(made.URL)})
	}
	out.printf("%s\n", printable(string(made.URL)))
	return nil
}

type setupLinkListCommand struct{ ofConnection }

// Run lists a connection's setup links, without their URLs.
func (c *setupLinkListCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	list := func(ctx context.Context, p client.Page) (client.List[client.SetupLink], error) {
		return asked.SetupLinks(ctx, org, c.Connection, p)
	}
	return printList(ctx, out, list, "there are no setup links", func(l client.SetupLink) []string {
		account := "any account"
		if l.Account != "" {
			account = "account " + l.Account
		}
		return []string{l.ID, account, ends(l.Expires), used(l.Used)}
	})
}

type setupLinkRevokeCommand struct {
	ofConnection
	ID string `arg:"" placeholder:"ID" help:"The setup link's id, as setup-link list shows it."`
}

// Run revokes a setup link.
func (c *setupLinkRevokeCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	if err := asked.RevokeSetupLink(ctx, org, c.Connection, c.ID); err != nil {
		return err
	}
	return out.gone("setup link", c.ID)
}

type setupLinkShowCommand struct{ serverFlags }

// Run shows its holder what a setup link is for.
func (c *setupLinkShowCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, err := c.dial(sys)
	if err != nil {
		return err
	}
	link, err := asked.SetupLink(ctx)
	if err != nil {
		return err
	}
	of, err := asked.Connection(ctx, link.Organization, link.Connection)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(link)
	}
	gives, may := []string{"role_arn", "region"}, []string{}
	for _, pointer := range link.Fills {
		switch member := strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", "."); member {
		case "prefix", "encryption":
			may = append(may, member)
		default:
			gives = append(gives, member)
		}
	}
	if of.Verified != nil {
		gives, may = []string{"nothing any more: the connection was verified"}, nil
	}
	rows := [][]string{
		{"setup link", "for the connection " + link.Connection + " of " + link.Organization, ends(link.Expires)},
		{"  you give", strings.Join(gives, ", ")},
	}
	if len(may) > 0 {
		rows = append(rows, []string{"  and may give", strings.Join(may, ", ")})
	}
	if link.Account != "" {
		rows = append(rows, []string{"  role in", "account " + link.Account})
	}
	printTable(out, append(rows, connectionRows(of)...))
	return nil
}

// ends says when something ends; nil: never.
func ends(t *time.Time) string {
	if t == nil {
		return "never ends"
	}
	return "ends " + t.UTC().Format(time.RFC3339)
}

// used says when something was used; nil: never.
func used(t *time.Time) string {
	if t == nil {
		return "never used"
	}
	return "used " + t.UTC().Format(time.RFC3339)
}
