package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/strict"
)

// connection finds a declared connection and whose it is. The organization
// may be left out where only one has a connection of that name.
func connection(cfg *config.Config, org, name string) (rolecall.Organization, rolecall.Connection, error) {
	var having []string
	for _, o := range sortedKeys(cfg.Organizations) {
		if _, ok := cfg.Organizations[o].Connections[name]; ok && (org == "" || org == o) {
			having = append(having, o)
		}
	}
	switch {
	case len(having) == 1:
		o := cfg.Organizations[having[0]]
		return o, o.Connections[name], nil
	case len(having) > 1:
		return rolecall.Organization{}, rolecall.Connection{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("several organizations have a connection %q", name), Hint: "You: give --org; declared: " + orNone(having),
		}
	}
	var names []string
	for _, o := range sortedKeys(cfg.Organizations) {
		if org == "" || org == o {
			names = append(names, sortedKeys(cfg.Organizations[o].Connections)...)
		}
	}
	if _, err := organization(cfg, org); org != "" && err != nil {
		return rolecall.Organization{}, rolecall.Connection{}, err
	}
	return rolecall.Organization{}, rolecall.Connection{}, &rolecall.Error{
		Code: rolecall.NotFound, Message: fmt.Sprintf("there is no connection %q", name), Hint: "You: name one that is declared: " + orNone(names),
	}
}

type connectionListCommand struct{ orgFlags }

// Run lists an organization's connections at the service.
func (c *connectionListCommand) Run(ctx context.Context, sys System, out *output) error {
	service, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	list := func(ctx context.Context, p client.Page) (client.List[client.Connection], error) {
		return service.Connections(ctx, org, p)
	}
	return printList(ctx, out, list, "there are no connections", func(c client.Connection) []string {
		return []string{c.Name, string(c.Purpose), "s3://" + c.Bucket + "/" + c.Prefix, c.Status, c.Reason}
	})
}

type connectionShowCommand struct {
	orgFlags
	Connection string `arg:"" placeholder:"CONNECTION" help:"The connection."`
}

// Run shows a connection at the service.
func (c *connectionShowCommand) Run(ctx context.Context, sys System, out *output) error {
	service, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	found, err := service.Connection(ctx, org, c.Connection)
	if err != nil {
		return err
	}
	return printConnection(out, found)
}

func printConnection(out *output, c client.Connection) error {
	if out.json {
		return out.document(c)
	}
	printTable(out, connectionRows(c))
	return nil
}

func connectionRows(c client.Connection) [][]string {
	rows := [][]string{{string(c.Purpose) + " " + c.Name, "s3://" + c.Bucket + "/" + c.Prefix, c.Region}, {"  status", c.Status, c.Reason}, {"  by", cmp.Or(authorization(c.Connection), "no role yet")}}
	for _, id := range c.ExternalIDs {
		rows = append(rows, []string{"  external id", id})
	}
	for _, p := range c.Principals {
		rows = append(rows, []string{"  principal " + p.Name, p.ARN, strings.Join(p.Regions, ", ")})
	}
	if c.Verified != nil {
		rows = append(rows, []string{"  verified", c.Verified.UTC().Format(time.RFC3339)})
	}
	rows = append(rows, []string{"  revision", strconv.FormatInt(c.Revision, 10)})
	return rows
}

type connectionPutCommand struct {
	orgFlags
	Connection string `arg:"" placeholder:"CONNECTION" help:"The connection."`
	File       string `short:"f" required:"" placeholder:"FILE" help:"What it is, as JSON; - for stdin."`
	Revision   *int64 `placeholder:"N" help:"Only if its revision is still this; 0: only if there is none yet."`
}

// Run makes a connection at the service, or changes it.
func (c *connectionPutCommand) Run(ctx context.Context, sys System, out *output) error {
	service, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	data, err := read(ctx, sys, c.File, 1<<20)
	if err != nil {
		return err
	}
	var declared rolecall.Connection
	var faults rolecall.Errors
	if strict.Decode(data, &declared, &faults); len(faults) > 0 {
		return inFile(c.File, data, faults)
	}
	var revision int64
	if c.Revision != nil {
		revision = cmp.Or(*c.Revision, client.NotThere)
	}
	put, err := service.PutConnection(ctx, org, c.Connection, declared, revision)
	if err != nil {
		if rolecall.CodeOf(err) == rolecall.Invalid {
			err = inFile(c.File, data, err)
		}
		return err
	}
	return printConnection(out, put)
}

type connectionDeleteCommand struct {
	orgFlags
	Connection string `arg:"" placeholder:"CONNECTION" help:"The connection."`
}

// Run removes a connection from the service.
func (c *connectionDeleteCommand) Run(ctx context.Context, sys System, out *output) error {
	service, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	if err := service.DeleteConnection(ctx, org, c.Connection, 0); err != nil {
		return err
	}
	return out.gone("connection", c.Connection)
}

// gone says that something was deleted.
func (o *output) gone(what, name string) error {
	if o.json {
		return o.document(map[string]string{"deleted": name})
	}
	o.printf("the %s %s is deleted\n", what, printable(name))
	return nil
}
