package client

import (
	"context"
	"net/http"
	"time"

	"github.com/rolecall/rolecall"
)

// Organization is a tenant of the service.
type Organization struct {
	APIName     string      `json:"api_name"`
	Name        string      `json:"name"`
	ExternalID  string      `json:"external_id"`
	ExternalIDs []string    `json:"external_ids"` // that trust policies must accept: two during a rotation
	Principals  []Principal `json:"principals"`
	Jobs        string      `json:"jobs"` // connections or any: what jobs may name
	Limits      Limits      `json:"limits"`
	Paused      bool        `json:"paused"`
	Suspended   bool        `json:"suspended,omitempty"`
	ManagedBy   string      `json:"managed_by"` // api or config
	Created     time.Time   `json:"created"`
	Revision    int64       `json:"revision,omitempty"` // zero: it came in a list
}

// Principal is who works for the organization: whom trust policies name.
type Principal struct {
	Name    string   `json:"name"`
	ARN     string   `json:"arn"`
	Regions []string `json:"regions"`
	Default bool     `json:"default"`
}

// Limits are an organization's own; zero is the service's.
type Limits struct {
	Running int64 `json:"running"`
	Queued  int64 `json:"queued"`
}

// NewOrganization is what CreateOrganization takes. All but APIName is optional.
type NewOrganization struct {
	APIName    string               `json:"api_name"`
	Name       string               `json:"name,omitempty"`
	ExternalID *rolecall.ExternalID `json:"external_id,omitempty"` // nil: one is made
	Jobs       string               `json:"jobs,omitempty"`
	Limits     *Limits              `json:"limits,omitempty"`
}

// ChangedOrganization is what UpdateOrganization changes; nil stays as it is.
type ChangedOrganization struct {
	Name   *string `json:"name,omitempty"`
	Jobs   *string `json:"jobs,omitempty"`
	Limits *Limits `json:"limits,omitempty"`
	Paused *bool   `json:"paused,omitempty"`
}

// Organizations lists those that the token may see.
func (c *Client) Organizations(ctx context.Context, p Page) (List[Organization], error) {
	return answer[List[Organization]](ctx, c, call{method: http.MethodGet, path: at("o"), query: p.query()})
}

// Organization returns one.
func (c *Client) Organization(ctx context.Context, org string) (Organization, error) {
	return c.organization(ctx, call{method: http.MethodGet, path: at("o", org)})
}

// CreateOrganization makes one. The code of its error is rolecall.Conflict for a
// name that is, or was, taken.
func (c *Client) CreateOrganization(ctx context.Context, n NewOrganization) (Organization, error) {
	return c.organization(ctx, call{method: http.MethodPost, path: at("o"), body: n, creates: true})
}

// UpdateOrganization changes one. A revision other than zero is the one that is
// to be changed: the status of the error is 412 if it was changed meanwhile.
func (c *Client) UpdateOrganization(ctx context.Context, org string, change ChangedOrganization, revision int64) (Organization, error) {
	return c.organization(ctx, call{method: http.MethodPatch, path: at("o", org), body: change, revision: revision})
}

func (c *Client) organization(ctx context.Context, do call) (Organization, error) {
	o, revision, err := tagged[Organization](ctx, c, do)
	o.Revision = revision
	return o, err
}

// Rotation is how far the replacement of an organization's external id is.
type Rotation struct {
	Old         string              `json:"old"`
	New         string              `json:"new"`
	Connections []RotatedConnection `json:"connections"` // that use the organization's external id
}

// RotatedConnection says whether a connection passed its check with the new
// external id.
type RotatedConnection struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
}

// RotateExternalID begins to replace an organization's external id, or says how
// far that is. A rotation whose connections all passed has ended: the next call
// begins another.
func (c *Client) RotateExternalID(ctx context.Context, org string) (Rotation, error) {
	return answer[Rotation](ctx, c, call{method: http.MethodPost, path: at("o", org, "external-id", "rotations"), creates: true})
}

// Offboarded is what remains of an organization that was deleted.
type Offboarded struct {
	APIName string      `json:"api_name"`
	Remains []Remaining `json:"remains"` // at the customer
	Notes   []string    `json:"notes"`
}

// Remaining is what a connection leaves at the customer, for its admins to
// remove.
type Remaining struct {
	Connection string `json:"connection"`
	Bucket     string `json:"bucket"`
	RoleARN    string `json:"role_arn,omitempty"`
	Dispenser  string `json:"dispenser,omitempty"`
	Secret     string `json:"secret,omitempty"`
	KMSKey     string `json:"kms_key,omitempty"`
}

// DeleteOrganization removes an organization for good; revision is as in
// UpdateOrganization. Its names are never given to another. Where the answer is
// lost, nothing is known of what remains.
func (c *Client) DeleteOrganization(ctx context.Context, org string, revision int64) (Offboarded, error) {
	return answer[Offboarded](ctx, c, call{method: http.MethodDelete, path: at("o", org), revision: revision, once: true})
}
