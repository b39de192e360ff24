package client

import (
	"context"
	"net/http"
)

// Version returns the version of the service.
func (c *Client) Version(ctx context.Context) (string, error) {
	about, err := answer[struct {
		Version string `json:"version"`
	}](ctx, c, call{method: http.MethodGet, path: at("version")})
	return about.Version, err
}

// Document returns the OpenAPI document of the service.
func (c *Client) Document(ctx context.Context) ([]byte, error) {
	return c.text(ctx, call{path: at("openapi.json"), kind: "*/*"})
}

// Health returns nil if the service runs.
func (c *Client) Health(ctx context.Context) error {
	return c.done(ctx, call{method: http.MethodGet, path: "/healthz", kind: "*/*", once: true})
}

// Ready returns nil if the service takes requests.
func (c *Client) Ready(ctx context.Context) error {
	return c.done(ctx, call{method: http.MethodGet, path: "/readyz", kind: "*/*", once: true})
}
