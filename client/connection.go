package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/rolecall/rolecall"
)

// Connection is a connection and what checks found of it.
type Connection struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	rolecall.Connection
	ExternalIDs []string    `json:"external_ids"` // that its role must accept
	Principals  []Principal `json:"principals,omitempty"`
	Status      string      `json:"status"` // pending, verified, failed or drifted
	Reason      string      `json:"reason,omitempty"`
	Suspended   bool        `json:"suspended,omitempty"`
	Checked     *time.Time  `json:"checked"`  // nil: never
	Verified    *time.Time  `json:"verified"` // nil: never
	Revision    int64       `json:"revision"`
}

// Connections lists an organization's.
func (c *Client) Connections(ctx context.Context, org string, p Page) (List[Connection], error) {
	return answer[List[Connection]](ctx, c, call{method: http.MethodGet, path: at("o", org, "connections"), query: p.query()})
}

// Connection returns one.
func (c *Client) Connection(ctx context.Context, org, name string) (Connection, error) {
	return answer[Connection](ctx, c, call{method: http.MethodGet, path: at("o", org, "connections", name)})
}

// PutConnection makes a connection, or changes the one with the name: what is
// left out is removed from it, unless the token is a setup link's. A revision
// other than zero is the one that is to be changed: the status of the error is
// 412 if it was changed meanwhile.
func (c *Client) PutConnection(ctx context.Context, org, name string, declared rolecall.Connection, revision int64) (Connection, error) {
	return answer[Connection](ctx, c, call{method: http.MethodPut, path: at("o", org, "connections", name), body: declared, revision: revision})
}

// DeleteConnection removes a connection; revision is as in PutConnection. Its
// claim stays until it is released.
func (c *Client) DeleteConnection(ctx context.Context, org, name string, revision int64) error {
	return c.done(ctx, call{method: http.MethodDelete, path: at("o", org, "connections", name), revision: revision})
}

// ReleaseConnection ends the organization's claim on the connection's role or
// dispenser; work that uses it stops.
func (c *Client) ReleaseConnection(ctx context.Context, org, name string) error {
	return c.done(ctx, call{method: http.MethodPost, path: at("o", org, "connections", name, "release"), once: true})
}

// PoliciesRequest says which documents are asked for.
type PoliciesRequest struct {
	Format string // json, if it is empty, cloudformation, terraform or cli
	// RoleARN is the role that the customer is going to make, of a connection that
	// has none yet.
	RoleARN string
}

// Policies returns the documents that a connection needs.
func (c *Client) Policies(ctx context.Context, org, name string, r PoliciesRequest) ([]byte, error) {
	return c.text(ctx, call{path: at("o", org, "connections", name, "policies"), query: query("format", r.Format, "role_arn", r.RoleARN), kind: "*/*"})
}

// CredentialsRequest says which credentials are asked for.
type CredentialsRequest struct {
	Form   string // process, if it is empty, as credential_process prints them; or container
	Access string // read, if it is empty, or write
	Prefix string // below the connection's; empty: all of it
}

// Credentials returns credentials of a verified connection, as the SDKs read
// them. They are secret.
func (c *Client) Credentials(ctx context.Context, org, name string, r CredentialsRequest) ([]byte, error) {
	return c.text(ctx, call{path: at("o", org, "connections", name, "credentials"), query: query("form", r.Form, "access", r.Access, "prefix", r.Prefix)})
}

// text asks for what is not JSON, or not ours.
func (c *Client) text(ctx context.Context, do call) ([]byte, error) {
	do.method = http.MethodGet
	got, err := c.do(ctx, do)
	return got.text, err
}

// query returns names and values, in turn, whose value is not empty.
func query(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}
