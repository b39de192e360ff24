package service

import (
	"bytes"
	"context"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/strict"
)

// Change is a member of a document that changes another: plain JSON, or a merge
// patch (RFC 7396), in which null resets a member. One that is left out stays.
type Change[T any] struct {
	Given bool
	Value T // the zero value for null
}

// UnmarshalJSON reads a member that was given.
func (c *Change[T]) UnmarshalJSON(text []byte) error {
	c.Given = true
	if bytes.Equal(text, []byte("null")) {
		return nil
	}
	var faults rolecall.Errors
	strict.Decode(text, &c.Value, &faults)
	return faults.Err()
}

// OrganizationPatch is what PatchOrganization takes. An admin changes the name,
// and pauses and continues; an operator changes all.
type OrganizationPatch struct {
	Name   Change[string]      `json:"name,omitempty"`
	Jobs   Change[JobsMay]     `json:"jobs,omitempty" enum:"connections,any"`
	Limits Change[LimitsPatch] `json:"limits,omitempty"`
	Paused Change[bool]        `json:"paused,omitempty"`
}

// LimitsPatch changes limits.
type LimitsPatch struct {
	Running Change[int64] `json:"running,omitempty"`
	Queued  Change[int64] `json:"queued,omitempty"`
}

func (p *OrganizationPatch) validate() error {
	var faults rolecall.Errors
	validLabel(&faults, p.Name.Value)
	if p.Jobs.Value != "" {
		validJobs(&faults, p.Jobs.Value)
	}
	validLimits(&faults, Limits{p.Limits.Value.Running.Value, p.Limits.Value.Queued.Value})
	return faults.Err()
}

// apply changes an organization, as far as the actor may.
func (p OrganizationPatch) apply(a account.Actor, o *store.Organization) error {
	var faults rolecall.Errors
	limits := p.Limits.Value
	for at, given := range map[string]bool{"/name": p.Name.Given, "/jobs": p.Jobs.Given, "/limits": p.Limits.Given} {
		switch {
		case !given:
		case o.ManagedBy == string(ByConfig):
			faults = append(faults, &rolecall.Error{
				Code: rolecall.Conflict, Pointer: at, Message: fmt.Sprintf("the organization %q is declared in rolecall.yaml", o.APIName),
				Hint: fmt.Sprintf("Operator: move it to the API with rolecall org adopt %s. You: change nothing but paused", o.APIName),
			})
		case a.Role != account.Operator && at != "/name":
			faults = append(faults, &rolecall.Error{Code: rolecall.Forbidden, Pointer: at, Message: "only an operator changes " + at[1:], Hint: "You: ask an operator of the service"})
		}
	}
	if p.Paused.Given && !p.Paused.Value && o.Paused && o.PausedBy == string(account.Operator) && a.Role != account.Operator {
		faults = append(faults, &rolecall.Error{Code: rolecall.Forbidden, Pointer: "/paused", Message: "an operator paused the organization", Hint: "You: ask an operator of the service to end that"})
	}
	if err := faults.Err(); err != nil {
		return err
	}
	if p.Name.Given {
		if o.Name = p.Name.Value; o.Name == "" {
			o.Name = o.APIName
		}
	}
	if p.Jobs.Given {
		if o.Jobs = string(p.Jobs.Value); o.Jobs == "" {
			o.Jobs = string(JobsConnections)
		}
	}
	if limits.Running.Given || p.Limits.Given && !limits.Queued.Given {
		o.Running = limits.Running.Value
	}
	if limits.Queued.Given || p.Limits.Given && !limits.Running.Given {
		o.Queued = limits.Queued.Value
	}
	if p.Paused.Given && (p.Paused.Value != o.Paused || a.Role == account.Operator) {
		if o.Paused, o.PausedBy = p.Paused.Value, ""; o.Paused {
			o.PausedBy = string(a.Role)
		}
	}
	return nil
}

// PatchOrganization changes an organization.
func (s *Service) PatchOrganization(ctx context.Context, c Call, organization string, body Body) (Organization, error) {
	op := operation{action: account.OrganizationPatch, organization: organization, body: body}
	return change(ctx, s, c, op, (*OrganizationPatch).validate, func(ctx context.Context, tx *store.Tx, p OrganizationPatch) (Organization, error) {
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return Organization{}, err
		}
		if err := c.match(o.Revision); err != nil {
			return Organization{}, err
		}
		if err := p.apply(c.Actor, &o); err != nil {
			return Organization{}, err
		}
		o.Revision++
		return s.organization(o), tx.UpdateOrganization(ctx, o)
	})
}
