package client

import (
	"context"
	"net/http"
	"time"
)

// Member is a person of an organization, from the invitation on.
type Member struct {
	ID        string     `json:"id"`
	Role      string     `json:"role"` // viewer, submitter or admin
	Created   time.Time  `json:"created"`
	CreatedBy string     `json:"created_by"`        // id of who made it
	Joined    *time.Time `json:"joined"`            // nil: the invitation was not used yet
	Expires   *time.Time `json:"expires,omitempty"` // of the invitation, until it is used
}

// Invitation is the link that signs a member in, once. Its ID is the member's.
type Invitation struct {
	ID      string     `json:"id"`
	URL     Link       `json:"url"`
	Role    string     `json:"role"`
	Expires *time.Time `json:"expires"`
}

// Members lists an organization's, and who was invited.
func (c *Client) Members(ctx context.Context, org string, p Page) (List[Member], error) {
	return answer[List[Member]](ctx, c, call{method: http.MethodGet, path: at("o", org, "members"), query: p.query()})
}

// InviteMember invites a person with a role: viewer, submitter or admin. Where its
// answer is lost, the error's code is rolecall.Conflict: the invitation was made,
// and nobody knows its link.
func (c *Client) InviteMember(ctx context.Context, org, role string) (Invitation, error) {
	return answer[Invitation](ctx, c, call{method: http.MethodPost, path: at("o", org, "members"), body: map[string]string{"role": role}, creates: true})
}

// RemoveMember removes a member and ends their sessions, or withdraws an
// invitation.
func (c *Client) RemoveMember(ctx context.Context, org, id string) error {
	return c.done(ctx, call{method: http.MethodDelete, path: at("o", org, "members", id)})
}

// Session is somebody who is signed in with a browser.
type Session struct {
	ID           string     `json:"id"`
	Organization string     `json:"organization,omitempty"` // empty: an operator's
	Role         string     `json:"role"`
	Member       string     `json:"member,omitempty"` // id
	Created      time.Time  `json:"created"`
	Expires      *time.Time `json:"expires"` // earlier if it is not used
	Used         *time.Time `json:"used"`    // about
	Current      bool       `json:"current"` // it is the one that asks
}

// Sessions lists those that the token may end: all of an operator's, those of
// the organization of an admin's.
func (c *Client) Sessions(ctx context.Context, p Page) (List[Session], error) {
	return answer[List[Session]](ctx, c, call{method: http.MethodGet, path: at("sessions"), query: p.query()})
}

// EndSession ends a session, at once.
func (c *Client) EndSession(ctx context.Context, id string) error {
	return c.done(ctx, call{method: http.MethodDelete, path: at("sessions", id)})
}
