package cli

import (
	"context"
	"time"

	"github.com/rolecall/rolecall/client"
)

type memberInviteCommand struct {
	orgFlags
	Role string `required:"" enum:"viewer,submitter,admin" placeholder:"ROLE" help:"viewer, submitter or admin."`
}

// Run invites a person and prints the link that signs them in, alone.
func (c *memberInviteCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	made, err := asked.InviteMember(ctx, org, c.Role)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(struct {
			client.Invitation
			URL string `json:"url"`
		}{made, string(made.URL)})
	}
	out.printf("%s\n", printable(string(made.URL)))
	return nil
}

type memberListCommand struct{ orgFlags }

// Run lists an organization's members, and who was invited.
func (c *memberListCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	list := func(ctx context.Context, p client.Page) (client.List[client.Member], error) {
		return asked.Members(ctx, org, p)
	}
	return printList(ctx, out, list, "there are no members", func(m client.Member) []string {
		if m.Joined != nil {
			return []string{m.ID, m.Role, "joined " + m.Joined.UTC().Format(time.RFC3339)}
		}
		return []string{m.ID, m.Role, "invited; the link " + ends(m.Expires)}
	})
}

type memberRemoveCommand struct {
	orgFlags
	ID string `arg:"" placeholder:"ID" help:"The member's id, as member list shows it."`
}

// Run removes a member, or withdraws an invitation.
func (c *memberRemoveCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	if err := asked.RemoveMember(ctx, org, c.ID); err != nil {
		return err
	}
	return out.gone("member", c.ID)
}

type sessionListCommand struct{ serverFlags }

// Run lists who is signed in with a browser.
func (c *sessionListCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, err := c.dial(sys)
	if err != nil {
		return err
	}
	return printList(ctx, out, asked.Sessions, "nobody is signed in", func(s client.Session) []string {
		return []string{s.ID, s.Organization, s.Role, "since " + s.Created.UTC().Format(time.RFC3339), used(s.Used), ends(s.Expires)}
	})
}

type sessionEndCommand struct {
	serverFlags
	ID string `arg:"" placeholder:"ID" help:"The session's id, as session list shows it."`
}

// Run ends a session.
func (c *sessionEndCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, err := c.dial(sys)
	if err != nil {
		return err
	}
	if err := asked.EndSession(ctx, c.ID); err != nil {
		return err
	}
	return out.gone("session", c.ID)
}
