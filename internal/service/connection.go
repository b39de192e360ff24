package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/render"
)

// Connection is a connection and what checks found.
type Connection struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	rolecall.Connection
	// ExternalIDs are those that a trust policy for it must accept: two while one
	// replaces the other.
	ExternalIDs []string `json:"external_ids"`
	// Principals are who comes with them. Lists leave it out.
	Principals []Principal `json:"principals,omitempty"`
	Status     Status      `json:"status" enum:"pending,verified,failed,drifted"`
	Reason     string      `json:"reason,omitempty"`
	Checked    *time.Time  `json:"checked"`  // when a check last ended; null: never
	Verified   *time.Time  `json:"verified"` // when a check last passed; null: never
	Revision   int64       `json:"revision"`
	// Suspended: rolecall.yaml does not declare it any more.
	Suspended bool `json:"suspended,omitempty"`
}

// Status is what checks found of a connection.
type Status string

// The statuses. Jobs run on verified connections only.
const (
	Pending  Status = "pending"  // not checked since it changed
	Verified Status = "verified" // the last check passed
	Failed   Status = "failed"   // the last check did not
	Drifted  Status = "drifted"  // a role that had passed its probes no longer does
)

// connectionOf returns a connection as an actor sees it. The holder of a setup
// link sees no key of an object.
func (s *Service) connectionOf(c Call, o store.Organization, stored store.Connection) Connection {
	out := Connection{
		ID: stored.ID, Name: stored.Declared.Name, Connection: stored.Declared, Status: Status(stored.Status), Reason: stored.Reason,
		ExternalIDs: externalIDs(o, stored.Declared), Checked: orNull(stored.Checked), Verified: orNull(stored.Verified), Revision: stored.Revision,
		Suspended: stored.Suspended,
	}
	if c.Actor.Role == account.Setup {
		out.ProbeKey, out.Reason = "", ""
	}
	return out
}

// externalIDs returns those that the trust policy of a connection's role must
// accept, the first of which it is checked with.
func externalIDs(o store.Organization, c rolecall.Connection) []string {
	switch {
	case c.Secret != "":
		return []string{}
	case c.ExternalID != nil:
		return []string{c.ExternalID.Value}
	case o.OldExternalID != "":
		return []string{o.ExternalID.Value, o.OldExternalID}
	}
	return []string{o.ExternalID.Value}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// PutConnection makes a connection, or changes the one with the name. A change
// of anything but its probe_key makes it pending. The claim on a role or dispenser
// that no connection names any more ends. Made reports whether there was none.
func (s *Service) PutConnection(ctx context.Context, c Call, organization, name string, body Body) (out Connection, made bool, err error) {
	op := operation{action: account.ConnectionPut, organization: organization, connection: name, makes: true, target: "connections/" + name, body: body}
	valid := func(declared *rolecall.Connection) error {
		if c.Actor.Role == account.Setup { // it sends what it fills in
			return nil
		}
		return validConnection(name, declared)
	}
	out, err = change(ctx, s, c, op, valid, func(ctx context.Context, tx *store.Tx, declared rolecall.Connection) (Connection, error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return Connection{}, err
		}
		stored, err := tx.Connection(ctx, organization, name)
		if made = errors.Is(err, store.ErrNone); err != nil && !made {
			return Connection{}, err
		}
		if err := c.match(stored.Revision); err != nil {
			return Connection{}, err
		}
		if c.Actor.Role == account.Setup {
			if declared, err = filled(c.Actor.Setup, stored, declared); err == nil {
				err = validConnection(name, &declared)
			}
			if err != nil {
				return Connection{}, err
			}
		}
		if o.ManagedBy == string(ByConfig) {
			return Connection{}, inConfig(organization, "connections", name, declared)
		}
		if err := s.externalID(ctx, tx, c, o, stored.Declared, &declared); err != nil {
			return Connection{}, err
		}
		whole, err := s.declared(ctx, tx, o)
		if err != nil {
			return Connection{}, err
		}
		if err := whole.CheckConnection(s.vendor(), declared); err != nil {
			return Connection{}, err
		}
		if made {
			stored = store.Connection{ID: job.NewID(), Organization: organization, Created: tx.Now()}
		}
		if matters(stored.Declared, declared) {
			stored.Status, stored.Reason, stored.OnOldID = string(Pending), "", false
		}
		was := stored.Declared
		stored.Declared, stored.Changed, stored.Suspended = declared, tx.Now(), false
		stored.Revision++
		if err := tx.PutConnection(ctx, stored); err != nil {
			return Connection{}, err
		}
		if err := endClaim(ctx, tx, organization, was); err != nil {
			return Connection{}, err
		}
		return s.connectionOf(c, o, stored), endRotation(ctx, tx, organization)
	})
	if err == nil {
		s.stopOutdated()
	}
	return out, made, err
}

func validConnection(name string, declared *rolecall.Connection) error {
	var faults rolecall.Errors
	faults.AddErr("", rolecall.ValidateName(name))
	declared.Name = name
	faults.AddErr("", declared.ValidateDraft())
	if declared.ExternalID != nil && declared.ExternalID.Mode == rolecall.ExternalIDGenerated {
		faults.Add("/external_id/mode", "a connection's external id is not generated", "You: leave external_id out to use the organization's")
	}
	return faults.Err()
}

// matters reports whether a change of a connection may change what a check
// finds.
func matters(old, changed rolecall.Connection) bool {
	old.ProbeKey, changed.ProbeKey = "", ""
	return old.Revision() != changed.Revision()
}

// externalID decides a connection's own external id: only an operator chooses
// one, others may repeat it, and leaving it out does not drop it.
func (s *Service) externalID(ctx context.Context, tx *store.Tx, c Call, o store.Organization, old rolecall.Connection, declared *rolecall.Connection) error {
	if own := old.ExternalID; declared.Secret != "" && own != nil && c.Actor.Role != account.Operator {
		return &rolecall.Error{
			Code: rolecall.Forbidden, Pointer: "/secret", Message: "only an operator drops the external id that an operator chose for the connection",
			Hint: "You: keep the role, or ask an operator of the service",
		}
	}
	if declared.ExternalID == nil {
		if c.Actor.Role != account.Operator && declared.Secret == "" {
			declared.ExternalID = old.ExternalID
		}
		return nil
	}
	own := *declared.ExternalID
	if own.Mode == rolecall.ExternalIDAPIName {
		own.Value = o.APIName
	}
	declared.ExternalID = &own
	if c.Actor.Role != account.Operator && (old.ExternalID == nil || *old.ExternalID != own) {
		return &rolecall.Error{
			Code: rolecall.Forbidden, Pointer: "/external_id", Message: "only an operator chooses an external id",
			Hint: "You: leave external_id out, or ask an operator of the service",
		}
	}
	return takeName(ctx, tx, "/external_id/value", own.Value, o.APIName)
}

// changeable returns an organization whose connections the API may change.
func changeable(ctx context.Context, tx *store.Tx, organization string) (store.Organization, error) {
	o, err := tx.Organization(ctx, organization)
	if err == nil && o.ManagedBy == string(ByConfig) {
		err = &rolecall.Error{
			Code: rolecall.Conflict, Message: fmt.Sprintf("the organization %q is declared in rolecall.yaml", organization),
			Hint: "Operator: change it there and send SIGHUP to rolecall serve",
		}
	}
	return o, err
}

// inConfig is the answer to a change of what rolecall.yaml declares, with what to
// write there. JSON is YAML.
func inConfig(organization, kind, name string, declared any) error {
	text, err := json.Marshal(map[string]any{organization: map[string]any{kind: map[string]any{name: declared}}})
	if err != nil {
		return fmt.Errorf("write declaration: %w", err)
	}
	return &rolecall.Error{
		Code: rolecall.Conflict, Message: fmt.Sprintf("the organization %q is declared in rolecall.yaml", organization),
		Hint: "You: send this to the operator. Operator: change it in rolecall.yaml to this, and send SIGHUP to rolecall serve: organizations: " + string(text),
	}
}

// declared returns an organization as jobs and checks see it, without its
// connections.
func (s *Service) declared(ctx context.Context, tx *store.Tx, o store.Organization) (out rolecall.Organization, err error) {
	out = rolecall.Organization{APIName: o.APIName, ExternalID: o.ExternalID, Connections: map[string]rolecall.Connection{}}
	if o.ManagedBy == string(ByConfig) {
		out.Secrets = maps.Clone(s.settings().Organizations[o.APIName].Secrets)
		return out, nil
	}
	out.Secrets, err = secretsOf(ctx, tx, o.APIName)
	return out, err
}

// connection returns an organization's connection by name, if the
// actor may reach it.
func connection(ctx context.Context, tx *store.Tx, c Call, organization, name string) (store.Connection, error) {
	stored, err := tx.Connection(ctx, organization, name)
	if errors.Is(err, store.ErrNone) || err == nil && !c.Actor.MayReach(stored.ID) {
		return store.Connection{}, &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no connection %q", name), Hint: "You: list the organization's connections"}
	}
	return stored, err
}

// Connection returns a connection.
func (s *Service) Connection(ctx context.Context, c Call, organization, name string) (Connection, error) {
	op := operation{action: account.ConnectionGet, organization: organization, connection: name, target: "connections/" + name}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (Connection, error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return Connection{}, err
		}
		stored, err := connection(ctx, tx, c, organization, name)
		out := s.connectionOf(c, o, stored)
		out.Principals = s.principals()
		return out, err
	})
}

// Connections returns an organization's connections.
func (s *Service) Connections(ctx context.Context, c Call, organization string, p Page) (List[Connection], error) {
	op := operation{action: account.ConnectionList, organization: organization}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (List[Connection], error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return List[Connection]{}, err
		}
		return page(p, "connections "+organization, func(p store.Page) ([]Connection, []string, error) {
			stored, err := tx.Connections(ctx, organization, p)
			var list []Connection
			var ids []string
			for _, found := range stored {
				list, ids = append(list, s.connectionOf(c, o, found)), append(ids, found.ID)
			}
			return list, ids, err
		})
	})
}

// DeleteConnection removes a connection. Its claim ends, unless another of the
// organization's connections rests on it.
func (s *Service) DeleteConnection(ctx context.Context, c Call, organization, name string) error {
	op := operation{action: account.ConnectionDelete, organization: organization, connection: name, target: "connections/" + name}
	_, err := change(ctx, s, c, op, always, func(ctx context.Context, tx *store.Tx, _ nothing) (nothing, error) {
		if _, err := changeable(ctx, tx, organization); err != nil {
			return nothing{}, err
		}
		stored, err := connection(ctx, tx, c, organization, name)
		if err != nil {
			return nothing{}, err
		}
		if err := c.match(stored.Revision); err != nil {
			return nothing{}, err
		}
		if err := tx.DeleteSetupLinks(ctx, stored.ID); err != nil {
			return nothing{}, err
		}
		if err := tx.DeleteConnection(ctx, organization, name); err != nil {
			return nothing{}, err
		}
		if err := endClaim(ctx, tx, organization, stored.Declared); err != nil {
			return nothing{}, err
		}
		return nothing{}, endRotation(ctx, tx, organization)
	})
	if err == nil {
		s.stopOutdated()
	}
	return err
}

// PoliciesRequest says which documents are asked for.
type PoliciesRequest struct {
	Format render.Format
	// RoleARN is the role that the customer is going to make, of a connection
	// that has none yet.
	RoleARN string
}

// forRole has the documents made for the role that is asked for.
func (n PoliciesRequest) forRole(may account.Blanks, c *rolecall.Connection) error {
	switch {
	case c.Bucket == "":
		return &rolecall.Error{
			Code: rolecall.Conflict, Message: "the connection has no bucket yet, and policies are made for one",
			Hint: "You: give it a bucket first, by PUT of the connection or rolecall connection put",
		}
	case n.RoleARN == "" && c.RoleARN == "" && c.Secret == "" && c.HTTPCredentialSource == nil:
		return &rolecall.Error{
			Code: rolecall.Conflict, Message: "the connection has no role yet, and policies are made for one",
			Hint: "You: ask with ?role_arn= (--role-arn) and the ARN of the role that is going to be made, as arn:aws:iam::111122223333:role/rolecall",
		}
	case n.RoleARN == "" || n.RoleARN == c.RoleARN:
		return nil
	case c.RoleARN != "" || c.Secret != "" || c.HTTPCredentialSource != nil:
		return &rolecall.Error{
			Code: rolecall.Conflict, Message: "the connection has another way to authorize than this role",
			Hint: "You: leave role_arn out of the query, or change the connection",
		}
	}
	if _, err := rolecall.ParseRoleARN(n.RoleARN); err != nil {
		return err
	}
	c.RoleARN = n.RoleARN
	return fits(may, n.RoleARN)
}

// Policies returns the documents that a connection needs, in a format.
func (s *Service) Policies(ctx context.Context, c Call, organization, name string, n PoliciesRequest) ([]byte, error) {
	op := operation{action: account.PoliciesGet, organization: organization, connection: name, target: "connections/" + name}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) ([]byte, error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return nil, err
		}
		stored, err := connection(ctx, tx, c, organization, name)
		if err != nil {
			return nil, err
		}
		whole, err := s.declared(ctx, tx, o)
		if err != nil {
			return nil, err
		}
		if err := n.forRole(c.Actor.Setup, &stored.Declared); err != nil {
			return nil, err
		}
		request, err := policy.RequestFor(s.vendor(), whole, stored.Declared, nil)
		if err != nil {
			return nil, err
		}
		request.ExternalIDs = externalIDs(o, stored.Declared)
		if n.Format == render.JSON {
			request.RevokeBefore = tx.Now()
		}
		kit, err := policy.Generate(request)
		if err != nil {
			return nil, err
		}
		return render.Render(n.Format, render.Setup{Request: request, Kit: kit})
	})
}
