package client

import (
	"context"
	"maps"
	"net/http"
	"time"
)

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
	return c.records(ctx, at("o", org, "audit"), f, p)
}

// OperatorAudit lists the audit records of all organizations, and of none.
func (c *Client) OperatorAudit(ctx context.Context, f AuditFilter, p Page) (List[AuditRecord], error) {
	return c.records(ctx, at("operator", "audit"), f, p)
}

func (c *Client) records(ctx context.Context, path string, f AuditFilter, p Page) (List[AuditRecord], error) {
	values := p.query()
	maps.Copy(values, query("actor", f.Actor, "action", f.Action))
	return answer[List[AuditRecord]](ctx, c, call{method: http.MethodGet, path: path, query: values})
}
