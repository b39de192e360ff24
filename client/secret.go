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
	return c.done(ctx, call{method: http.MethodDelete, path: at("o", org, "secrets", name)})
}
