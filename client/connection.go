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

// PutConnection makes a connection, or changes the one with the name. A revision
// other than zero is the one that is to be changed: the status of the error is
// 412 if it was changed meanwhile.
func (c *Client) PutConnection(ctx context.Context, org, name string, declared rolecall.Connection, revision int64) (Connection, error) {
	return answer[Connection](ctx, c, call{method: http.MethodPut, path: at("o", org, "connections", name), body: declared, ifMatch: revision})
}

// DeleteConnection removes a connection. Its claim stays until it is released.
func (c *Client) DeleteConnection(ctx context.Context, org, name string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at("o", org, "connections", name)})
	return err
}

// ReleaseConnection ends the organization's claim on the connection's role or
// dispenser; work that uses it stops.
func (c *Client) ReleaseConnection(ctx context.Context, org, name string) error {
	_, err := c.do(ctx, call{method: http.MethodPost, path: at("o", org, "connections", name, "release"), once: true})
	return err
}

// Policies returns the documents that a connection needs, in a format: json,
// cloudformation, terraform or cli.
func (c *Client) Policies(ctx context.Context, org, name, format string) ([]byte, error) {
	return c.do(ctx, call{method: http.MethodGet, path: at("o", org, "connections", name, "policies"), query: url.Values{"format": {format}}, kind: "*/*"})
}

// CredentialsRequest says which credentials are wanted.
type CredentialsRequest struct {
	Access string // read, if it is empty, or write
	Prefix string // below the connection's; empty: all of it
}

// Credentials returns credentials of a verified connection, as the SDKs'
// credential_process prints them. They are secret.
func (c *Client) Credentials(ctx context.Context, org, name string, r CredentialsRequest) ([]byte, error) {
	query := url.Values{}
	for key, value := range map[string]string{"access": r.Access, "prefix": r.Prefix} {
		if value != "" {
			query.Set(key, value)
		}
	}
	return c.do(ctx, call{method: http.MethodGet, path: at("o", org, "connections", name, "credentials"), query: query})
}
