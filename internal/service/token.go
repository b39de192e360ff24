package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
)

// Token is a token without its secret.
type Token struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Role       account.Role `json:"role" enum:"viewer,submitter,admin,credentials,operator"`
	Connection string       `json:"connection,omitempty"` // name; left out: all, or it is no longer there
	Access     string       `json:"access,omitempty"`
	Created    time.Time    `json:"created"`
	CreatedBy  string       `json:"created_by"` // id of who made it; host: a command on the service's machine
	Expires    *time.Time   `json:"expires"`    // null: never
	Used       *time.Time   `json:"used"`       // about; null: never
}

// MadeToken is a token with its secret, which is shown once.
type MadeToken struct {
	Token
	Secret string `json:"token"`
}

// NewToken is what CreateToken takes. A connection is named for the role
// credentials only.
type NewToken struct {
	Name       string       `json:"name,omitempty"`
	Role       account.Role `json:"role" enum:"viewer,submitter,admin,credentials"`
	Connection string       `json:"connection,omitempty"`
	Access     string       `json:"access,omitempty" enum:"read,write"`
	Expires    Duration     `json:"expires,omitempty"` // from now on; left out: 90d
}

// defaultExpiry is of tokens.
const defaultExpiry = Duration(90 * 24 * time.Hour)

func (n *NewToken) validate() error {
	var faults rolecall.Errors
	switch {
	case n.Role == "":
		faults.Add("/role", "a token needs a role", "You: write viewer, submitter, admin or credentials")
	case !slices.Contains(account.Roles(), n.Role):
		faults.Add("/role", "there is no such role", "You: write viewer, submitter, admin or credentials")
	}
	if n.Role == account.Credentials {
		if n.Connection == "" {
			faults.Add("/connection", "a token with the role credentials is for one connection", "You: name the connection")
		}
		if n.Access != "read" && n.Access != "write" {
			faults.Add("/access", "a token with the role credentials is for read or write", "You: write read or write")
		}
	} else {
		for member, value := range map[string]string{"connection": n.Connection, "access": n.Access} {
			if value != "" {
				faults.Add("/"+member, "only the role credentials takes it", "You: leave it out")
			}
		}
	}
	validLabel(&faults, n.Name)
	if n.Expires == 0 {
		n.Expires = defaultExpiry
	}
	return faults.Err()
}

// CreateToken makes a token of an organization.
func (s *Service) CreateToken(ctx context.Context, c Call, organization string, body Body) (MadeToken, error) {
	op := operation{action: account.TokenCreate, organization: organization, body: body, creates: true, secret: true}
	return change(ctx, s, c, op, (*NewToken).validate, func(ctx context.Context, tx *store.Tx, n NewToken) (MadeToken, error) {
		g := store.Grant{Kind: grantToken, Organization: organization, Role: string(n.Role), Access: n.Access, Name: n.Name}
		if n.Connection != "" {
			bound, err := tx.Connection(ctx, organization, n.Connection)
			if errors.Is(err, store.ErrNone) {
				err = &rolecall.Error{Code: rolecall.Invalid, Pointer: "/connection", Message: fmt.Sprintf("there is no connection %q", n.Connection), Hint: "You: list the organization's connections"}
			}
			if err != nil {
				return MadeToken{}, err
			}
			g.Connection = bound.ID
		}
		g, secret, err := newGrant(ctx, tx, c, g, account.ServicePrefix, n.Expires)
		return MadeToken{tokenOf(g, n.Connection), secret}, err
	})
}

// CreateOperatorToken makes a token of the operator's.
func (s *Service) CreateOperatorToken(ctx context.Context, c Call, body Body) (MadeToken, error) {
	op := operation{action: account.OperatorTokenCreate, body: body, creates: true, secret: true}
	valid := func(n *NewOperatorToken) error {
		var faults rolecall.Errors
		validLabel(&faults, n.Name)
		if n.Expires == 0 {
			n.Expires = defaultExpiry
		}
		return faults.Err()
	}
	return change(ctx, s, c, op, valid, func(ctx context.Context, tx *store.Tx, n NewOperatorToken) (MadeToken, error) {
		g := store.Grant{Kind: grantToken, Role: string(account.Operator), Name: n.Name}
		g, secret, err := newGrant(ctx, tx, c, g, account.OperatorPrefix, n.Expires)
		return MadeToken{tokenOf(g, ""), secret}, err
	})
}

// NewOperatorToken is what CreateOperatorToken takes.
type NewOperatorToken struct {
	Name    string   `json:"name,omitempty"`
	Expires Duration `json:"expires,omitempty"`
}

func tokenOf(g store.Grant, connection string) Token {
	return Token{
		ID: g.ID, Name: g.Name, Role: account.Role(g.Role), Connection: connection, Access: g.Access,
		Created: g.Created.UTC(), CreatedBy: g.CreatedBy, Expires: orNull(g.Expires), Used: orNull(g.Used),
	}
}

// OperatorTokens returns the operator's tokens.
func (s *Service) OperatorTokens(ctx context.Context, c Call, p Page) (List[Token], error) {
	return s.tokens(ctx, c, operation{action: account.OperatorTokenList}, p)
}

// DeleteOperatorToken revokes a token of the operator's, at once.
func (s *Service) DeleteOperatorToken(ctx context.Context, c Call, id string) error {
	return s.deleteToken(ctx, c, operation{action: account.OperatorTokenDelete, target: "tokens/" + id}, id)
}

// Tokens returns an organization's tokens.
func (s *Service) Tokens(ctx context.Context, c Call, organization string, p Page) (List[Token], error) {
	return s.tokens(ctx, c, operation{action: account.TokenList, organization: organization}, p)
}

// DeleteToken revokes a token of an organization, at once.
func (s *Service) DeleteToken(ctx context.Context, c Call, organization, id string) error {
	return s.deleteToken(ctx, c, operation{action: account.TokenDelete, organization: organization, target: "tokens/" + id}, id)
}

func (s *Service) tokens(ctx context.Context, c Call, op operation, p Page) (List[Token], error) {
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (List[Token], error) {
		var failed error
		of := func(g store.Grant) Token {
			name, err := tx.ConnectionName(ctx, g.Connection)
			failed = errors.Join(failed, err)
			return tokenOf(g, name)
		}
		out, err := grantPage(p, "tokens "+op.organization, of, func(p store.Page) ([]store.Grant, error) {
			return tx.Grants(ctx, op.organization, grantToken, p)
		})
		return out, errors.Join(err, failed)
	})
}

func (s *Service) deleteToken(ctx context.Context, c Call, op operation, id string) error {
	_, err := change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (nothing, error) {
		err := tx.DeleteGrant(ctx, op.organization, grantToken, id)
		if errors.Is(err, store.ErrNone) {
			err = noSuch("token", id, "You: list the tokens")
		}
		return nothing{}, err
	})
	return err
}
