package client

import (
	"context"
	"net/http"
	"time"
)

// SetupLink lets a customer's admin who has no account connect one connection.
type SetupLink struct {
	ID        string     `json:"id"`
	Account   string     `json:"account,omitempty"` // whose role it has to be; empty: any
	Fills     []string   `json:"fills"`             // members of the connection, beside the role and its region, as JSON pointers
	Created   time.Time  `json:"created"`
	CreatedBy string     `json:"created_by"` // id of who made it
	Expires   *time.Time `json:"expires"`
	Used      *time.Time `json:"used"` // about; nil: never
}

// MadeSetupLink is a setup link with its URL, which is shown once.
type MadeSetupLink struct {
	SetupLink
	URL Link `json:"url"`
}

// OpenedSetupLink is a setup link as its holder sees it.
type OpenedSetupLink struct {
	Organization string `json:"organization"`
	Connection   string `json:"connection"` // name
	SetupLink
}

// NewSetupLink is what CreateSetupLink takes. All is optional.
type NewSetupLink struct {
	Account string `json:"account,omitempty"` // whose role it has to be; empty: any
	Expires string `json:"expires,omitempty"` // such as 14d, which is the default
}

// SetupLinks lists a connection's, without their URLs.
func (c *Client) SetupLinks(ctx context.Context, org, connection string, p Page) (List[SetupLink], error) {
	return answer[List[SetupLink]](ctx, c, call{method: http.MethodGet, path: at("o", org, "connections", connection, "setup-links"), query: p.query()})
}

// CreateSetupLink makes a setup link. Where its answer is lost, the error's code
// is rolecall.Conflict: the link was made, and nobody knows it.
func (c *Client) CreateSetupLink(ctx context.Context, org, connection string, n NewSetupLink) (MadeSetupLink, error) {
	return answer[MadeSetupLink](ctx, c, call{method: http.MethodPost, path: at("o", org, "connections", connection, "setup-links"), body: n, creates: true})
}

// RevokeSetupLink ends a setup link, at once.
func (c *Client) RevokeSetupLink(ctx context.Context, org, connection, id string) error {
	return c.done(ctx, call{method: http.MethodDelete, path: at("o", org, "connections", connection, "setup-links", id)})
}

// SetupLink returns the setup link that the client's token is of: which
// connection it is for, and what to fill in. The code of the error is
// rolecall.Forbidden if the token is no setup link's.
func (c *Client) SetupLink(ctx context.Context) (OpenedSetupLink, error) {
	return answer[OpenedSetupLink](ctx, c, call{method: http.MethodGet, path: at("setup-link")})
}
