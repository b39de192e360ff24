package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/tenant"
)

// Organization is a tenant as its people and the operator see it.
type Organization struct {
	APIName     string      `json:"api_name"`
	Name        string      `json:"name"`
	ExternalID  string      `json:"external_id"`
	ExternalIDs []string    `json:"external_ids"` // that trust policies must accept: two during a rotation
	Principals  []Principal `json:"principals"`
	Jobs        JobsMay     `json:"jobs" enum:"connections,any"`
	Limits      Limits      `json:"limits"`
	Paused      bool        `json:"paused"`
	ManagedBy   ManagedBy   `json:"managed_by" enum:"api,config"`
	Created     time.Time   `json:"created"`
	// Suspended: rolecall.yaml does not declare it any more, and no work begins.
	Suspended bool  `json:"suspended,omitempty"`
	Revision  int64 `json:"-"`
}

// Principal is who comes with the external id.
type Principal struct {
	Name    string   `json:"name"`
	ARN     string   `json:"arn"`
	Regions []string `json:"regions"`
	Default bool     `json:"default"`
}

// Limits are an organization's own; zero, where they are given, is the service's.
type Limits struct {
	Running int64 `json:"running" required:"false"`
	Queued  int64 `json:"queued" required:"false"`
}

// The service's own limits.
const (
	defaultRunning = 4
	defaultQueued  = 10_000
)

// JobsMay says which places an organization's jobs may name.
type JobsMay string

// What jobs may name.
const (
	JobsConnections JobsMay = "connections" // declared ones only
	JobsAny         JobsMay = "any"         // roles, secrets and dispensers, too
)

// ManagedBy says who may change an organization.
type ManagedBy string

// Who manages an organization.
const (
	ByAPI    ManagedBy = "api"
	ByConfig ManagedBy = "config"
)

// NewOrganization is what CreateOrganization takes. All but APIName is
// optional.
type NewOrganization struct {
	APIName    string               `json:"api_name"`
	Name       string               `json:"name,omitempty"`
	ExternalID *rolecall.ExternalID `json:"external_id,omitempty"`
	Jobs       JobsMay              `json:"jobs,omitempty" enum:"connections,any"`
	Limits     Limits               `json:"limits,omitempty"`
}

func (n *NewOrganization) validate() error {
	var faults rolecall.Errors
	faults.AddErr("/api_name", rolecall.ValidateAPIName(n.APIName))
	if n.Name == "" {
		n.Name = n.APIName
	}
	validLabel(&faults, n.Name)
	if n.ExternalID == nil {
		n.ExternalID = &rolecall.ExternalID{Mode: rolecall.ExternalIDGenerated}
	}
	faults.AddErr("/external_id", n.ExternalID.Validate())
	if n.ExternalID.Mode != rolecall.ExternalIDCustom && n.ExternalID.Value != "" {
		faults.Add("/external_id/value", "only mode custom takes a value", "You: leave it out, or give mode custom")
	}
	if n.Jobs == "" {
		n.Jobs = JobsConnections
	}
	validJobs(&faults, n.Jobs)
	validLimits(&faults, n.Limits)
	return faults.Err()
}

func validLabel(faults *rolecall.Errors, name string) {
	if len(name) > maxNameLength {
		faults.Add("/name", fmt.Sprintf("the name has more than %d bytes", maxNameLength), "You: give a shorter one")
	} else if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		faults.Add("/name", "the name has a character that cannot be seen", "You: leave out control characters and marks of direction")
	}
}

func validJobs(faults *rolecall.Errors, may JobsMay) {
	if may != JobsConnections && may != JobsAny {
		faults.Add("/jobs", "jobs may name connections or any place", "You: write connections or any")
	}
}

func validLimits(faults *rolecall.Errors, l Limits) {
	for member, limit := range map[string]int64{"running": l.Running, "queued": l.Queued} {
		if limit < 0 {
			faults.Add("/limits/"+member, "a limit is not negative", "You: write 0 for the service's own")
		}
	}
}

// maxNameLength is of names for people, in bytes.
const maxNameLength = 200

// CreateOrganization makes an organization and its external id. The code of
// its error is Conflict if the api_name or the external id is, or ever was,
// another's.
func (s *Service) CreateOrganization(ctx context.Context, c Call, body Body) (Organization, error) {
	op := operation{action: account.OrganizationCreate, body: body, creates: true}
	return change(ctx, s, c, op, (*NewOrganization).validate, func(ctx context.Context, tx *store.Tx, n NewOrganization) (Organization, error) {
		if _, err := tx.Organization(ctx, n.APIName); !errors.Is(err, store.ErrNone) {
			if err == nil {
				err = &rolecall.Error{Code: rolecall.Conflict, Pointer: "/api_name", Message: fmt.Sprintf("there is, or was, an organization %q", n.APIName), Hint: "You: choose another api_name"}
			}
			return Organization{}, err
		}
		o := store.Organization{
			ID: job.NewID(), APIName: n.APIName, Name: n.Name, ExternalID: *n.ExternalID, Jobs: string(n.Jobs), Running: n.Limits.Running, Queued: n.Limits.Queued,
			ManagedBy: string(ByAPI), Created: tx.Now(), Revision: 1,
		}
		switch o.ExternalID.Mode {
		case rolecall.ExternalIDGenerated:
			var err error
			if o.ExternalID.Value, err = tx.GenerateID(ctx, o.APIName); err != nil {
				return Organization{}, err
			}
		case rolecall.ExternalIDAPIName:
			o.ExternalID.Value = o.APIName
		}
		for _, name := range []struct{ at, value string }{{"/api_name", o.APIName}, {"/external_id/value", o.ExternalID.Value}} {
			if err := takeName(ctx, tx, name.at, name.value, o.APIName); err != nil {
				return Organization{}, err
			}
		}
		out := s.organization(o)
		if c.DryRun && o.ExternalID.Mode == rolecall.ExternalIDGenerated {
			out.ExternalID, out.ExternalIDs = "", []string{} // another is generated when it is made
		}
		return out, tx.InsertOrganization(ctx, o)
	})
}

// takeName takes a name for an organization. Whose it is, is not said: an
// operator finds it in the list.
func takeName(ctx context.Context, tx *store.Tx, at, name, organization string) error {
	err := tx.TakeName(ctx, name, organization)
	var taken *tenant.TakenError
	if errors.As(err, &taken) {
		return &rolecall.Error{
			Code: rolecall.Conflict, Pointer: at, Message: "the name is, or was, another organization's external id or api_name", Err: err,
			Hint: "You: choose another; they are never given to another organization, so that an old trust policy opens nothing",
		}
	}
	return err
}

// Organization returns an organization.
func (s *Service) Organization(ctx context.Context, c Call, name string) (Organization, error) {
	op := operation{action: account.OrganizationGet, organization: name}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (Organization, error) {
		o, err := tx.Organization(ctx, name)
		return s.organization(o), err
	})
}

// Organizations returns all organizations to an operator, and to others their
// own.
func (s *Service) Organizations(ctx context.Context, c Call, p Page) (List[Organization], error) {
	if own := c.Actor.Organization; own != "" {
		o, err := s.Organization(ctx, c, own)
		return List[Organization]{Results: []Organization{o}}, err
	}
	return view(ctx, s, c, operation{action: account.OrganizationList}, func(ctx context.Context, tx *store.Tx) (List[Organization], error) {
		return page(p, "organizations", func(p store.Page) ([]Organization, []string, error) {
			stored, err := tx.Organizations(ctx, p)
			var list []Organization
			var ids []string
			for _, o := range stored {
				list, ids = append(list, s.organization(o)), append(ids, o.ID)
			}
			return list, ids, err
		})
	})
}

func (s *Service) organization(o store.Organization) Organization {
	out := Organization{
		APIName: o.APIName, Name: o.Name, ExternalID: o.ExternalID.Value, ExternalIDs: []string{o.ExternalID.Value}, Principals: s.principals(),
		Jobs: JobsMay(o.Jobs), Limits: Limits{cmp.Or(o.Running, defaultRunning), cmp.Or(o.Queued, defaultQueued)}, Paused: o.Paused, ManagedBy: ManagedBy(o.ManagedBy), Created: o.Created, Suspended: o.Suspended, Revision: o.Revision,
	}
	if o.OldExternalID != "" {
		out.ExternalIDs = append(out.ExternalIDs, o.OldExternalID)
	}
	return out
}

// principals are those of the operator that come to customers' roles.
func (s *Service) principals() []Principal {
	out, principals := []Principal{}, s.vendor().Principals
	for _, name := range slices.Sorted(maps.Keys(principals)) {
		if p := principals[name]; name != rolecall.DispenserPrincipal {
			out = append(out, Principal{Name: name, ARN: p.ARN.String(), Regions: append([]string{}, p.Regions...), Default: p.Default})
		}
	}
	return out
}
