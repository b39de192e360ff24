package service

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/store"
)

// Session is somebody who is signed in with a browser.
type Session struct {
	ID           string       `json:"id"`
	Organization string       `json:"organization,omitempty"` // empty: an operator's
	Role         account.Role `json:"role" enum:"viewer,submitter,admin,operator"`
	Member       string       `json:"member,omitempty"` // id
	Created      time.Time    `json:"created"`
	Expires      *time.Time   `json:"expires"` // earlier if it is not used
	Used         *time.Time   `json:"used"`    // about
	Current      bool         `json:"current"` // it is the one that asks
}

// How long links and sessions are valid.
const (
	signInExpiry          = Duration(15 * time.Minute)
	sessionExpiry         = Duration(24 * time.Hour)
	operatorSessionExpiry = Duration(12 * time.Hour)
	sessionIdle           = 12 * time.Hour
)

// Link is a link that signs in, with its URL, which is shown once.
type Link struct {
	ID      string       `json:"id"`
	URL     string       `json:"url"`
	Role    account.Role `json:"role" enum:"viewer,submitter,admin,operator"`
	Expires *time.Time   `json:"expires"`

	target string // for the audit record
}

// NewSignInLink is what CreateSignInLink takes: an organization and a role
// there, or nothing for the operator.
type NewSignInLink struct {
	Organization string
	Role         account.Role
}

// CreateSignInLink makes a link that signs in once. Only an operator may.
func (s *Service) CreateSignInLink(ctx context.Context, c Call, n NewSignInLink) (Link, error) {
	op := operation{action: account.SignInLinkCreate, organization: n.Organization}
	valid := func(*nothing) error {
		var faults rolecall.Errors
		if n.Organization != "" {
			validMemberRole(&faults, n.Role)
		}
		return faults.Err()
	}
	return change(ctx, s, c, op, valid, func(ctx context.Context, tx *store.Tx, _ nothing) (Link, error) {
		role := n.Role
		if n.Organization == "" {
			role = account.Operator
		}
		g, secret, err := newGrant(ctx, tx, c, store.Grant{Kind: grantSignIn, Organization: n.Organization, Role: string(role), Name: "sign-in link"}, account.SignInPrefix, signInExpiry)
		return s.linkOf(g, g.ID, "signin-links/", secret), err
	})
}

func validMemberRole(faults *rolecall.Errors, role account.Role) {
	if !slices.Contains(account.MemberRoles(), role) {
		faults.Add("/role", "a person needs a role that there is", "You: write viewer, submitter or admin")
	}
}

func (s *Service) linkOf(g store.Grant, id, kind, secret string) Link {
	return Link{ID: id, URL: s.link("/signin/", secret), Role: account.Role(g.Role), Expires: orNull(g.Expires), target: kind + id}
}

// SignInLink returns what a sign-in link or an invitation is for, and leaves it
// as it is. It is account.ErrUnauthenticated for one that is not valid.
func (s *Service) SignInLink(ctx context.Context, secret string) (actor account.Actor, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := signInGrant(ctx, tx, secret)
		actor = actorOf(g)
		return err
	})
	return actor, err
}

func signInGrant(ctx context.Context, tx *store.Tx, secret string) (store.Grant, error) {
	if !account.IsToken(secret, account.SignInPrefix) && !account.IsToken(secret, account.InvitationPrefix) {
		return store.Grant{}, account.ErrUnauthenticated
	}
	g, err := tx.GrantByHash(ctx, account.Hash(secret))
	if errors.Is(err, store.ErrNone) || err == nil && !tx.Now().Before(g.Expires) {
		return store.Grant{}, account.ErrUnauthenticated
	}
	return g, err
}

// SignIn spends a sign-in link or an invitation, and returns the cookie of the
// session that begins with it. Who spends an invitation is a member from then on.
func (s *Service) SignIn(ctx context.Context, secret string, from netip.Addr, requestID string) (cookie string, err error) {
	err = s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		spent, err := signInGrant(ctx, tx, secret)
		if err != nil {
			return err
		}
		// Of two at once, one finds it.
		if err := tx.DeleteGrant(ctx, spent.Organization, spent.Kind, spent.ID); err != nil {
			return err
		}
		if spent.Member != "" {
			if err := tx.JoinMember(ctx, spent.Member); err != nil {
				return err
			}
		}
		session := store.Grant{Kind: grantSession, Organization: spent.Organization, Role: spent.Role, Member: spent.Member, Name: spent.Name, Used: tx.Now()}
		expires := sessionExpiry
		if spent.Organization == "" {
			expires = operatorSessionExpiry
		}
		actor := actorOf(spent)
		actor.Address = from
		c := Call{Actor: actor, RequestID: requestID}
		g, made, err := newGrant(ctx, tx, c, session, account.SessionPrefix, expires)
		if err != nil {
			return err
		}
		cookie = made
		return audit(ctx, tx, c, operation{action: account.SessionCreate, organization: spent.Organization, target: "sessions/" + g.ID}, AuditRecord{Decision: Allowed})
	})
	if errors.Is(err, store.ErrNone) {
		err = account.ErrUnauthenticated
	}
	return cookie, err
}

// AuthenticateSession returns the actor that presents the cookie of a session.
// It is account.ErrUnauthenticated for one that is unknown, ended, or was not used
// for too long.
func (s *Service) AuthenticateSession(ctx context.Context, cookie string, from netip.Addr) (account.Actor, error) {
	if !account.IsToken(cookie, account.SessionPrefix) {
		return account.Actor{}, account.ErrUnauthenticated
	}
	return s.present(ctx, cookie, from)
}

// SignOut ends the session of a cookie.
func (s *Service) SignOut(ctx context.Context, cookie string, from netip.Addr, requestID string) error {
	actor, err := s.AuthenticateSession(ctx, cookie, from)
	if err != nil {
		return err
	}
	return s.DeleteSession(ctx, Call{Actor: actor, RequestID: requestID}, actor.ID)
}

// Sessions returns the sessions that the actor may end: all to an operator,
// those of the organization to an admin of it, and their own to others.
func (s *Service) Sessions(ctx context.Context, c Call, p Page) (List[Session], error) {
	op := operation{action: account.SessionList, organization: c.Actor.Organization}
	of := func(g store.Grant) Session {
		return Session{
			ID: g.ID, Organization: g.Organization, Role: account.Role(g.Role), Member: g.Member, Created: g.Created.UTC(), Expires: orNull(g.Expires), Used: orNull(g.Used),
			Current: g.ID == c.Actor.ID,
		}
	}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (List[Session], error) {
		return grantPage(p, "sessions "+c.Actor.ID, of, func(p store.Page) ([]store.Grant, error) {
			live := tx.Now().Add(-sessionIdle)
			switch {
			case c.Actor.Role == account.Operator:
				return tx.Sessions(ctx, live, p)
			case c.Actor.Role == account.Admin:
				return tx.SessionsOf(ctx, c.Actor.Organization, live, p)
			}
			return tx.OwnSessions(ctx, c.Actor.ID, c.Actor.Member, live, p)
		})
	})
}

// DeleteSession ends a session, at once.
func (s *Service) DeleteSession(ctx context.Context, c Call, id string) error {
	op := operation{action: account.SessionDelete, organization: c.Actor.Organization, target: "sessions/" + id}
	_, err := change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (nothing, error) {
		g, err := tx.Grant(ctx, id)
		mine := g.ID == c.Actor.ID || g.Member != "" && g.Member == c.Actor.Member
		all := c.Actor.Role == account.Operator || c.Actor.Role == account.Admin && g.Organization == c.Actor.Organization
		if errors.Is(err, store.ErrNone) || err == nil && (g.Kind != grantSession || !mine && !all) {
			return nothing{}, noSuch("session", id, "You: list the sessions")
		}
		if err != nil {
			return nothing{}, err
		}
		return nothing{}, tx.DeleteGrant(ctx, g.Organization, grantSession, id)
	})
	return err
}

// Member is a person of an organization, from the invitation on.
type Member struct {
	ID        string       `json:"id"`
	Role      account.Role `json:"role" enum:"viewer,submitter,admin"`
	Created   time.Time    `json:"created"`
	CreatedBy string       `json:"created_by"`        // id of who invited
	Joined    *time.Time   `json:"joined"`            // null: the invitation was not used yet
	Expires   *time.Time   `json:"expires,omitempty"` // of the invitation, until it is used
}

// NewMember is what InviteMember takes.
type NewMember struct {
	Role account.Role `json:"role" enum:"viewer,submitter,admin"`
}

// invitationExpiry is how long an invitation is valid.
const invitationExpiry = Duration(7 * 24 * time.Hour)

// InviteMember makes a member, and the link that signs them in.
func (s *Service) InviteMember(ctx context.Context, c Call, organization string, body Body) (Link, error) {
	op := operation{action: account.MemberInvite, organization: organization, body: body, creates: true, secret: true}
	valid := func(n *NewMember) error {
		var faults rolecall.Errors
		validMemberRole(&faults, n.Role)
		return faults.Err()
	}
	return change(ctx, s, c, op, valid, func(ctx context.Context, tx *store.Tx, n NewMember) (Link, error) {
		m := store.Member{ID: job.NewID(), Organization: organization, Role: string(n.Role), Created: tx.Now(), CreatedBy: c.Actor.ID}
		g, secret, err := newGrant(ctx, tx, c, store.Grant{Kind: grantInvitation, Organization: organization, Role: m.Role, Member: m.ID, Name: "member " + m.ID}, account.InvitationPrefix, invitationExpiry)
		if err != nil {
			return Link{}, err
		}
		m.Expires = g.Expires
		return s.linkOf(g, m.ID, "members/", secret), tx.InsertMember(ctx, m)
	})
}

// Members returns an organization's members and those that were invited.
func (s *Service) Members(ctx context.Context, c Call, organization string, p Page) (List[Member], error) {
	op := operation{action: account.MemberList, organization: organization}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (List[Member], error) {
		return page(p, "members "+organization, func(p store.Page) ([]Member, []string, error) {
			stored, err := tx.Members(ctx, organization, p)
			var list []Member
			var ids []string
			for _, m := range stored {
				out := Member{ID: m.ID, Role: account.Role(m.Role), Created: m.Created.UTC(), CreatedBy: m.CreatedBy, Joined: orNull(m.Joined)}
				if m.Joined.IsZero() {
					out.Expires = orNull(m.Expires)
				}
				list, ids = append(list, out), append(ids, m.ID)
			}
			return list, ids, err
		})
	})
}

// DeleteMember removes a member, or withdraws an invitation. The member's
// sessions end with it.
func (s *Service) DeleteMember(ctx context.Context, c Call, organization, id string) error {
	op := operation{action: account.MemberDelete, organization: organization, target: "members/" + id}
	_, err := change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (nothing, error) {
		err := tx.DeleteMember(ctx, organization, id)
		if errors.Is(err, store.ErrNone) {
			err = noSuch("member", id, "You: list the organization's members")
		}
		return nothing{}, err
	})
	return err
}
