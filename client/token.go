package client

import (
	"context"
	"net/http"
	"time"
)

// TokenInfo is a token without its secret.
type TokenInfo struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Role       string     `json:"role"`
	Connection string     `json:"connection,omitempty"` // name; empty: all, or it is no longer there
	Access     string     `json:"access,omitempty"`
	Created    time.Time  `json:"created"`
	CreatedBy  string     `json:"created_by"` // id of who made it
	Expires    *time.Time `json:"expires"`    // nil: never
	Used       *time.Time `json:"used"`       // about; nil: never
}

// MadeToken is a token with its secret, which is shown once: string(m.Secret).
type MadeToken struct {
	TokenInfo
	Secret Token `json:"token"`
}

// NewToken is what CreateToken takes. Connection, a name, and Access are for the
// role credentials only.
type NewToken struct {
	Name       string `json:"name,omitempty"`
	Role       string `json:"role"`
	Connection string `json:"connection,omitempty"`
	Access     string `json:"access,omitempty"`
	Expires    string `json:"expires,omitempty"` // such as 90d, which is the default
}

// Tokens lists an organization's.
func (c *Client) Tokens(ctx context.Context, org string, p Page) (List[TokenInfo], error) {
	return answer[List[TokenInfo]](ctx, c, call{method: http.MethodGet, path: at("o", org, "tokens"), query: p.query()})
}

// CreateToken makes a token. Where its answer is lost, the error's code is
// rolecall.Conflict: the token was made, and nobody knows it.
func (c *Client) CreateToken(ctx context.Context, org string, n NewToken) (MadeToken, error) {
	return answer[MadeToken](ctx, c, call{method: http.MethodPost, path: at("o", org, "tokens"), body: n, creates: true})
}

// RevokeToken ends a token, at once.
func (c *Client) RevokeToken(ctx context.Context, org, id string) error {
	return c.done(ctx, call{method: http.MethodDelete, path: at("o", org, "tokens", id)})
}

// NewOperatorToken is what CreateOperatorToken takes. All is optional.
type NewOperatorToken struct {
	Name    string `json:"name,omitempty"`
	Expires string `json:"expires,omitempty"` // such as 90d, which is the default
}

// OperatorTokens lists the operator's.
func (c *Client) OperatorTokens(ctx context.Context, p Page) (List[TokenInfo], error) {
	return answer[List[TokenInfo]](ctx, c, call{method: http.MethodGet, path: at("operator", "tokens"), query: p.query()})
}

// CreateOperatorToken makes a token of the operator's, as CreateToken does.
func (c *Client) CreateOperatorToken(ctx context.Context, n NewOperatorToken) (MadeToken, error) {
	return answer[MadeToken](ctx, c, call{method: http.MethodPost, path: at("operator", "tokens"), body: n, creates: true})
}

// RevokeOperatorToken ends a token of the operator's, at once.
func (c *Client) RevokeOperatorToken(ctx context.Context, id string) error {
	return c.done(ctx, call{method: http.MethodDelete, path: at("operator", "tokens", id)})
}
