package client

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/rolecall/rolecall"
)

// TokenInfo is a token without its secret.
type TokenInfo struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Role       string     `json:"role"`
	Connection string     `json:"connection,omitempty"` // id
	Access     string     `json:"access,omitempty"`
	Created    time.Time  `json:"created"`
	Expires    *time.Time `json:"expires"` // nil: never
	Used       *time.Time `json:"used"`    // about; nil: never
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
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at("o", org, "tokens", id)})
	return err
}

// Secret is a secret without its value.
type Secret struct {
	Name    string              `json:"name"`
	Type    rolecall.SecretType `json:"type"`
	Bucket  string              `json:"bucket,omitempty"`
	Host    string              `json:"host,omitempty"`
	Version int64               `json:"version"`
	Updated time.Time           `json:"updated"`
}

// NewSecret is a secret's value, and what it is bound to.
type NewSecret struct {
	Type            rolecall.SecretType `json:"type"`
	AccessKeyID     string              `json:"access_key_id,omitempty"`
	SecretAccessKey string              `json:"secret_access_key,omitempty"`
	Bucket          string              `json:"bucket,omitempty"`
	Value           string              `json:"value,omitempty"`
	Host            string              `json:"host,omitempty"`
}

// Format implements fmt.Formatter; it does not show the value.
func (NewSecret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// LogValue implements slog.LogValuer; it does not show the value.
func (NewSecret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Secrets lists an organization's, without their values.
func (c *Client) Secrets(ctx context.Context, org string, p Page) (List[Secret], error) {
	return answer[List[Secret]](ctx, c, call{method: http.MethodGet, path: at("o", org, "secrets"), query: p.query()})
}

// PutSecret stores a secret.
func (c *Client) PutSecret(ctx context.Context, org, name string, n NewSecret) (Secret, error) {
	return answer[Secret](ctx, c, call{method: http.MethodPut, path: at("o", org, "secrets", name), body: n})
}

// DeleteSecret destroys a secret's value.
func (c *Client) DeleteSecret(ctx context.Context, org, name string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at("o", org, "secrets", name)})
	return err
}

// AuditRecord says who did what, or was refused to.
type AuditRecord struct {
	Time         time.Time `json:"time"`
	ID           string    `json:"id"`
	Organization string    `json:"organization"`
	Actor        struct {
		Kind    string `json:"kind"`
		ID      string `json:"id"`
		Name    string `json:"name"`
		Address string `json:"address,omitempty"`
	} `json:"actor"`
	Action    string `json:"action"` // noun.verb
	Target    string `json:"target"`
	Decision  string `json:"decision"` // allowed or refused
	Reason    string `json:"reason,omitempty"`
	RequestID string `json:"request_id"`
	AWS       *struct {
		AccessKeyID string `json:"access_key_id"`
		SessionName string `json:"session_name,omitempty"`
		RoleARN     string `json:"role_arn,omitempty"`
	} `json:"aws,omitempty"` // of credentials that were given out
}

// AuditFilter picks records; empty members pick all.
type AuditFilter struct{ Actor, Action string }

// Audit lists an organization's audit records.
func (c *Client) Audit(ctx context.Context, org string, f AuditFilter, p Page) (List[AuditRecord], error) {
	query := p.query()
	for key, value := range map[string]string{"actor": f.Actor, "action": f.Action} {
		if value != "" {
			query.Set(key, value)
		}
	}
	return answer[List[AuditRecord]](ctx, c, call{method: http.MethodGet, path: at("o", org, "audit"), query: query})
}
