package cli

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
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

type orgListCommand struct{ serverFlags }

// Run lists the organizations that the token may see.
func (c *orgListCommand) Run(ctx context.Context, sys System, out *output) error {
	service, err := c.dial(sys)
	if err != nil {
		return err
	}
	return printList(ctx, out, service.Organizations, "there are no organizations", func(o client.Organization) []string {
		return []string{o.APIName, o.Name, "external id " + o.ExternalID, organizationState(o)}
	})
}

func organizationState(o client.Organization) string {
	switch {
	case o.Suspended:
		return "suspended"
	case o.Paused:
		return "paused"
	}
	return "managed by " + o.ManagedBy
}

type orgShowCommand struct {
	serverFlags
	Org string `arg:"" placeholder:"ORG" help:"The organization."`
}

// Run shows an organization.
func (c *orgShowCommand) Run(ctx context.Context, sys System, out *output) error {
	service, err := c.dial(sys)
	if err != nil {
		return err
	}
	o, err := service.Organization(ctx, c.Org)
	if err != nil {
		return err
	}
	return printOrganization(out, o)
}

func printOrganization(out *output, o client.Organization) error {
	if out.json {
		return out.document(o)
	}
	rows := [][]string{
		{"organization " + o.APIName, o.Name, organizationState(o)},
		{"  external id", strings.Join(o.ExternalIDs, ", ")},
		{"  jobs name", o.Jobs},
		{"  created", o.Created.UTC().Format(time.RFC3339)},
	}
	for _, p := range o.Principals {
		rows = append(rows, []string{"  principal " + p.Name, p.ARN, strings.Join(p.Regions, ", ")})
	}
	if o.Revision != 0 {
		rows = append(rows, []string{"  revision", strconv.FormatInt(o.Revision, 10)})
	}
	printTable(out, rows)
	return nil
}

type orgCreateCommand struct {
	serverFlags
	Org        string `arg:"" placeholder:"ORG" help:"Its api_name: lowercase letters, digits and hyphens."`
	Name       string `placeholder:"TEXT" help:"Its name for people."`
	ExternalID string `placeholder:"ID" help:"Its external id; else one is made."`
	Jobs       string `enum:",connections,any" default:"" placeholder:"WHAT" help:"What its jobs may name: connections, or any place."`
}

// Run makes an organization.
func (c *orgCreateCommand) Run(ctx context.Context, sys System, out *output) error {
	service, err := c.dial(sys)
	if err != nil {
		return err
	}
	n := client.NewOrganization{APIName: c.Org, Name: c.Name, Jobs: c.Jobs}
	if c.ExternalID != "" {
		n.ExternalID = &rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: c.ExternalID}
	}
	o, err := service.CreateOrganization(ctx, n)
	if err != nil {
		return err
	}
	return printOrganization(out, o)
}

type orgUpdateCommand struct {
	serverFlags
	Org     string  `arg:"" placeholder:"ORG" help:"The organization."`
	Name    *string `placeholder:"TEXT" help:"Its name for people."`
	Jobs    *string `placeholder:"WHAT" help:"What its jobs may name: connections, or any place."`
	Paused  *bool   `negatable:"" help:"Its work waits."`
	Running *int64  `placeholder:"N" help:"How many of its jobs run at once; 0: as many as the service lets. Give --queued too."`
	Queued  *int64  `placeholder:"N" help:"How many of its jobs wait; 0: as many as the service lets. Give --running too."`

	Revision int64 `placeholder:"N" help:"Only if its revision is still this."`
}

// Run changes an organization.
func (c *orgUpdateCommand) Run(ctx context.Context, sys System, out *output) error {
	service, err := c.dial(sys)
	if err != nil {
		return err
	}
	change := client.ChangedOrganization{Name: c.Name, Jobs: c.Jobs, Paused: c.Paused}
	switch {
	case (c.Running == nil) != (c.Queued == nil):
		return &rolecall.Error{Code: rolecall.Invalid, Message: "--running and --queued are changed together", Hint: "You: give both"}
	case c.Running != nil:
		change.Limits = &client.Limits{Running: *c.Running, Queued: *c.Queued}
	}
	if change == (client.ChangedOrganization{}) {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "there is nothing to change", Hint: "You: give --name, --jobs, --paused, or --running with --queued"}
	}
	o, err := service.UpdateOrganization(ctx, c.Org, change, c.Revision)
	if err != nil {
		return err
	}
	return printOrganization(out, o)
}

type orgRotateCommand struct {
	serverFlags
	Org string `arg:"" placeholder:"ORG" help:"The organization."`
	Try bool   `name:"dry-run" help:"Change nothing: say how far it is, or what would begin."`
}

// Run begins to replace an organization's external id, or says how far that is.
func (c *orgRotateCommand) Run(ctx context.Context, sys System, out *output) error {
	service, err := c.dial(sys)
	if err != nil {
		return err
	}
	if c.Try {
		service = service.DryRun()
	}
	r, err := service.RotateExternalID(ctx, c.Org)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(r)
	}
	rows, left := [][]string{{"external id of " + c.Org, "new " + cmp.Or(r.New, "is made when the rotation begins")}, {"", "old " + r.Old}}, 0
	for _, of := range r.Connections {
		state := "passed with the new one"
		if !of.Passed {
			state, left = "not passed yet: its customer adds the new one to the trust policy, then rolecall check "+of.Name, left+1
		}
		rows = append(rows, []string{"  connection " + of.Name, state})
	}
	printTable(out, rows)
	if left == 0 {
		out.note("no connection needs the old external id: customers remove it from their trust policies now")
	}
	return nil
}

type orgDeleteCommand struct {
	serverFlags
	Org string `arg:"" placeholder:"ORG" help:"The organization."`
	Yes bool   `help:"It is to be deleted: its connections, secrets, tokens and claims end for good."`
	Try bool   `name:"dry-run" help:"Only say what would remain at the customer."`
}

// Run deletes an organization, and says what remains at the customer.
func (c *orgDeleteCommand) Run(ctx context.Context, sys System, out *output) error {
	service, err := c.dial(sys)
	if err != nil {
		return err
	}
	verb := "is"
	switch {
	case c.Try:
		service, verb = service.DryRun(), "would be"
	case !c.Yes:
		return &rolecall.Error{Code: rolecall.Invalid, Message: "deleting " + c.Org + " ends its connections, secrets, tokens and claims for good", Hint: "You: give --dry-run to see what would remain, or --yes if that is meant"}
	}
	done, err := service.DeleteOrganization(ctx, c.Org, 0)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(done)
	}
	out.printf("%s %s deleted\n", printable(done.APIName), verb)
	for _, r := range done.Remains {
		var left []string
		for _, name := range []string{r.RoleARN, r.Dispenser, r.KMSKey} {
			if name != "" {
				left = append(left, name)
			}
		}
		out.printf("  the customer still has, of %s: the policy of s3://%s %s\n", printable(r.Connection), printable(r.Bucket), printable(strings.Join(left, " ")))
	}
	for _, note := range done.Notes {
		out.note("%s", note)
	}
	return nil
}
