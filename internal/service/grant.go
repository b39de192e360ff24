package service

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/store"
)

// The kinds of grant, as they are stored.
const (
	grantToken      = "token"
	grantSetup      = "setup_link"
	grantSignIn     = "signin_link"
	grantInvitation = "invitation"
	grantSession    = "session"
)

// newGrant stores a grant, and returns it with its secret, which is shown once:
// not at all in a dry run.
func newGrant(ctx context.Context, tx *store.Tx, c Call, g store.Grant, prefix string, expires Duration) (made store.Grant, secret string, err error) {
	secret, hash := account.NewToken(prefix)
	g.ID, g.Hash, g.Created, g.CreatedBy = job.NewID(), hash, tx.Now(), c.Actor.ID
	g.Expires = g.Created.Add(time.Duration(expires))
	if c.DryRun {
		secret = ""
	}
	return g, secret, tx.InsertGrant(ctx, g)
}

// actorOf returns who presents a grant.
func actorOf(g store.Grant) account.Actor {
	a := account.Actor{
		ID: g.ID, Name: g.Name, Organization: g.Organization, Role: account.Role(g.Role), Connection: g.Connection, Access: g.Access,
		Setup: blanksOf(g), Member: g.Member, Expires: g.Expires,
	}
	switch {
	case g.Kind == grantSetup:
		a.Kind = account.KindSetup
	case g.Organization == "":
		a.Kind = account.KindOperator
	case g.Kind == grantSession:
		a.Kind = account.KindMember
	default:
		a.Kind = account.KindService
	}
	return a
}

// What was made, for the audit record and for who asks for it again.

func (t MadeToken) made() string     { return "tokens/" + t.ID }
func (l MadeSetupLink) made() string { return "setup-links/" + l.ID }
func (l Link) made() string          { return l.target }

// grantPage reads a page of grants, as of shows them.
func grantPage[T any](p Page, filter string, of func(store.Grant) T, read func(store.Page) ([]store.Grant, error)) (List[T], error) {
	return page(p, filter, func(p store.Page) ([]T, []string, error) {
		stored, err := read(p)
		var list []T
		var ids []string
		for _, g := range stored {
			list, ids = append(list, of(g)), append(ids, g.ID)
		}
		return list, ids, err
	})
}

// link returns the URL of a page that a secret opens; nothing for no secret.
func (s *Service) link(path, secret string) string {
	if secret == "" {
		return ""
	}
	return s.url + path + secret
}

func noSuch(what, id, hint string) error {
	return &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no %s %q", what, id), Hint: hint}
}

// TooManyError says that something was asked for too often.
type TooManyError struct {
	After time.Duration // when it may be asked for again
	Err   error
}

// Error implements error.
func (e *TooManyError) Error() string { return e.Err.Error() }

// Seconds returns After as whole seconds, at least one.
func (e *TooManyError) Seconds() int64 { return int64(max(1, math.Ceil(e.After.Seconds()))) }

// Unwrap returns what is said of it.
func (e *TooManyError) Unwrap() error { return e.Err }
