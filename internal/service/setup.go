package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/strict"
)

// SetupLink lets a customer's admin who has no account connect one connection.
type SetupLink struct {
	ID        string     `json:"id"`
	Account   string     `json:"account,omitempty"` // whose role it has to be
	Fills     []string   `json:"fills"`             // members of the connection, beside the role and its region, as JSON pointers
	Created   time.Time  `json:"created"`
	CreatedBy string     `json:"created_by"` // id of who made it
	Expires   *time.Time `json:"expires"`
	Used      *time.Time `json:"used"` // about; null: never
}

// MadeSetupLink is a setup link with its URL, which is shown once.
type MadeSetupLink struct {
	SetupLink
	URL string `json:"url"`
}

// OpenedSetupLink is a setup link as its holder sees it.
type OpenedSetupLink struct {
	Organization string `json:"organization"`
	Connection   string `json:"connection"` // name
	SetupLink
}

// NewSetupLink is what CreateSetupLink takes. All is optional.
type NewSetupLink struct {
	Account string   `json:"account,omitempty"` // that the role has to be in
	Expires Duration `json:"expires,omitempty"` // from now on; left out: 14d; at most 90d
}

// How long a setup link is valid.
const (
	defaultSetupExpiry = Duration(14 * 24 * time.Hour)
	maxSetupExpiry     = Duration(90 * 24 * time.Hour)
)

func (n *NewSetupLink) validate() error {
	var faults rolecall.Errors
	if n.Account != "" && !rolecall.IsAccountID(n.Account) {
		faults.Add("/account", strict.Quote(n.Account)+" is not an account id", "You: write twelve digits")
	}
	switch {
	case n.Expires == 0:
		n.Expires = defaultSetupExpiry
	case n.Expires > maxSetupExpiry:
		faults.Add("/expires", "a setup link is valid for at most 90d", "You: write 90d or less")
	}
	return faults.Err()
}

// CreateSetupLink makes a setup link of a connection.
func (s *Service) CreateSetupLink(ctx context.Context, c Call, organization, name string, body Body) (MadeSetupLink, error) {
	op := operation{action: account.SetupLinkCreate, organization: organization, connection: name, target: "connections/" + name, body: body, creates: true, secret: true}
	return change(ctx, s, c, op, (*NewSetupLink).validate, func(ctx context.Context, tx *store.Tx, n NewSetupLink) (MadeSetupLink, error) {
		of, err := connection(ctx, tx, c, organization, name)
		if err != nil {
			return MadeSetupLink{}, err
		}
		may := account.Blanks{Account: n.Account, Members: blanks(of.Declared)}
		if err := fits(may, of.Declared.RoleARN); err != nil {
			return MadeSetupLink{}, err
		}
		text, err := json.Marshal(may)
		if err != nil {
			return MadeSetupLink{}, fmt.Errorf("write setup link: %w", err)
		}
		g, secret, err := newGrant(ctx, tx, c, store.Grant{
			Kind: grantSetup, Organization: organization, Role: string(account.Setup), Connection: of.ID, Setup: string(text), Name: "setup link of " + name,
		}, account.SetupPrefix, n.Expires)
		return MadeSetupLink{setupLinkOf(g), s.link("/setup/", secret)}, err
	})
}

// blanks are the members of a connection that its maker left to the holder of
// a setup link.
func blanks(c rolecall.Connection) (members []string) {
	if c.Bucket == "" {
		members = append(members, "/bucket")
	}
	if c.Prefix == "" {
		members = append(members, "/prefix")
	}
	switch {
	case c.Encryption == nil:
		members = append(members, "/encryption")
	case c.Encryption.Type == "aws:kms" && c.Encryption.Key == "":
		members = append(members, "/encryption/key")
	}
	return members
}

// filled returns a connection with what the holder of a setup link gives for it.
// Whatever else is sent has to be as it is.
func filled(may account.Blanks, stored store.Connection, given rolecall.Connection) (rolecall.Connection, error) {
	if !stored.Verified.IsZero() {
		return given, &rolecall.Error{
			Code: rolecall.Forbidden, Message: "the connection was verified, and is not changed by its setup link any more",
			Hint: "You: ask an admin of the organization to change it",
		}
	}
	now, sent, err := members(stored.Declared, given)
	if err != nil {
		return given, err
	}
	keyOnly := stored.Declared.Encryption != nil && given.Encryption != nil && stored.Declared.Encryption.Type == given.Encryption.Type && slices.Contains(may.Members, "/encryption/key")
	var faults rolecall.Errors
	for name, value := range sent {
		at := strict.Pointer(name)
		switch {
		case string(value) == `""`, bytes.Equal(now[name], value): // left out, or as it is
		case name == "role_arn", name == "region", slices.Contains(may.Members, at), name == "encryption" && keyOnly:
			now[name] = value
		default:
			faults = append(faults, &rolecall.Error{
				Code: rolecall.Forbidden, Pointer: at, Message: "a setup link does not change " + name,
				Hint: "You: leave it out, or ask who sent you the link",
			})
		}
	}
	if err := faults.Err(); err != nil {
		return given, err
	}
	out := rolecall.Connection{Name: stored.Declared.Name}
	text, err := json.Marshal(now)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return given, fmt.Errorf("fill in connection: %w", err)
	}
	return out, fits(may, out.RoleARN)
}

// fits returns an error if a role is not in the account that is expected.
func fits(may account.Blanks, roleARN string) error {
	role, err := rolecall.ParseRoleARN(roleARN)
	if may.Account == "" || err != nil || role.Account == may.Account {
		return nil // what is no ARN is refused as that
	}
	return &rolecall.Error{
		Code: rolecall.Invalid, Pointer: "/role_arn", Message: fmt.Sprintf("the role is in the account %s, and one in %s is expected", role.Account, may.Account),
		Hint: "You: give the ARN of a role in that account, or ask who sent you the link",
	}
}

// members returns the members of two connections, as JSON.
func members(a, b rolecall.Connection) (ofA, ofB map[string]json.RawMessage, err error) {
	for _, c := range []struct {
		of   rolecall.Connection
		into *map[string]json.RawMessage
	}{{a, &ofA}, {b, &ofB}} {
		text, err := json.Marshal(c.of)
		if err == nil {
			err = json.Unmarshal(text, c.into)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read connection: %w", err)
		}
	}
	return ofA, ofB, nil
}

// OwnSetupLink returns the setup link that the actor presents.
func (s *Service) OwnSetupLink(ctx context.Context, c Call) (OpenedSetupLink, error) {
	op := operation{action: account.SetupLinkGet, organization: c.Actor.Organization, target: "setup-links/" + c.Actor.ID}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (OpenedSetupLink, error) {
		g, err := tx.Grant(ctx, c.Actor.ID)
		if errors.Is(err, store.ErrNone) { // it was revoked since
			return OpenedSetupLink{}, account.ErrUnauthenticated
		}
		if err != nil {
			return OpenedSetupLink{}, err
		}
		name, err := tx.ConnectionName(ctx, g.Connection)
		return OpenedSetupLink{Organization: g.Organization, Connection: name, SetupLink: setupLinkOf(g)}, err
	})
}

// SetupLinks returns a connection's setup links, without their URLs.
func (s *Service) SetupLinks(ctx context.Context, c Call, organization, name string, p Page) (List[SetupLink], error) {
	op := operation{action: account.SetupLinkList, organization: organization, connection: name, target: "connections/" + name}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (List[SetupLink], error) {
		of, err := connection(ctx, tx, c, organization, name)
		if err != nil {
			return List[SetupLink]{}, err
		}
		return grantPage(p, "setup links "+of.ID, setupLinkOf, func(p store.Page) ([]store.Grant, error) { return tx.SetupLinks(ctx, of.ID, p) })
	})
}

// DeleteSetupLink revokes a setup link, at once.
func (s *Service) DeleteSetupLink(ctx context.Context, c Call, organization, name, id string) error {
	op := operation{action: account.SetupLinkDelete, organization: organization, connection: name, target: "connections/" + name + "/setup-links/" + id}
	_, err := change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (nothing, error) {
		of, err := connection(ctx, tx, c, organization, name)
		if err != nil {
			return nothing{}, err
		}
		err = tx.DeleteSetupLink(ctx, of.ID, id)
		if errors.Is(err, store.ErrNone) {
			err = noSuch("setup link", id, "You: list the connection's setup links")
		}
		return nothing{}, err
	})
	return err
}

func setupLinkOf(g store.Grant) SetupLink {
	may := blanksOf(g)
	return SetupLink{ID: g.ID, Account: may.Account, Fills: append([]string{}, may.Members...), Created: g.Created.UTC(), CreatedBy: g.CreatedBy, Expires: orNull(g.Expires), Used: orNull(g.Used)}
}

// blanksOf returns what a setup link may fill in; nothing where that cannot be
// read.
func blanksOf(g store.Grant) (may account.Blanks) {
	if g.Setup != "" && json.Unmarshal([]byte(g.Setup), &may) != nil {
		return account.Blanks{}
	}
	return may
}

// checksPerHour is how many checks a setup link may begin in an hour.
const checksPerHour = 10

// mayCheck returns nil if the actor may begin another check of a connection.
func mayCheck(ctx context.Context, tx *store.Tx, c Call, of store.Connection) error {
	if c.Actor.Role != account.Setup {
		return nil
	}
	n, first, err := tx.CountChecks(ctx, of.ID, c.Actor.ID, tx.Now().Add(-time.Hour))
	if err != nil || n < checksPerHour {
		return err
	}
	return &TooManyError{
		After: first.Add(time.Hour).Sub(tx.Now()),
		Err: &rolecall.Error{
			Code: rolecall.Unavailable, Message: fmt.Sprintf("a setup link begins at most %d checks in an hour", checksPerHour), Hint: "You: try again later",
		},
	}
}
