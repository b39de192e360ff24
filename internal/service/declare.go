package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/strict"
)

// Declare stores the organizations that the config declares, with their
// external ids, and their connections. One that was declared and is not any
// more is suspended, and what it owns stays. The code of its error is Conflict
// if one of them was made over the API. It returns the connections that no check
// has found fit since they became what they are.
func (s *Service) Declare(ctx context.Context, declared map[string]rolecall.Organization) (unchecked []Place, err error) {
	err = s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		unchecked = nil
		var faults rolecall.Errors
		for _, name := range slices.Sorted(maps.Keys(declared)) {
			places, err := declare(ctx, tx, declared[name])
			if rolecall.CodeOf(err) == rolecall.Conflict {
				faults.AddErr(strict.Pointer("organizations", name), err)
				continue
			}
			if err != nil {
				return err
			}
			unchecked = append(unchecked, places...)
		}
		if len(faults) > 0 {
			return faults
		}
		return suspend(ctx, tx, declared)
	})
	if err == nil {
		s.declaredMu.Lock()
		s.declaredOrganizations = declared
		s.declaredMu.Unlock()
	}
	return unchecked, err
}

// Place names a connection.
type Place struct{ Organization, Connection string }

func declare(ctx context.Context, tx *store.Tx, d rolecall.Organization) (unchecked []Place, err error) {
	o, err := tx.Organization(ctx, d.APIName)
	switch {
	case errors.Is(err, store.ErrNone):
		o = store.Organization{
			ID: job.NewID(), APIName: d.APIName, Name: d.APIName, ExternalID: d.ExternalID, Jobs: string(JobsAny), ManagedBy: string(ByConfig), Created: tx.Now(), Revision: 1,
		}
		err = tx.InsertOrganization(ctx, o)
	case err == nil && o.ManagedBy != string(ByConfig):
		return nil, &rolecall.Error{
			Code: rolecall.Conflict, Message: fmt.Sprintf("the organization %q was made over the API", d.APIName),
			Hint: "Operator: remove it from rolecall.yaml, or give it another name there",
		}
	case err == nil && (o.Suspended || o.ExternalID != d.ExternalID):
		o.Suspended, o.ExternalID = false, d.ExternalID
		err = tx.UpdateOrganization(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	kept, err := tx.Connections(ctx, d.APIName, store.Page{Limit: everything})
	if err != nil {
		return nil, err
	}
	for _, c := range kept {
		if _, still := d.Connections[c.Declared.Name]; !still {
			if err := tx.DeleteConnection(ctx, d.APIName, c.Declared.Name); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Connections)) {
		stored, err := tx.Connection(ctx, d.APIName, name)
		if errors.Is(err, store.ErrNone) {
			stored, err = store.Connection{ID: job.NewID(), Organization: d.APIName, Created: tx.Now()}, nil
		}
		if err != nil {
			return nil, err
		}
		if stored.Revision == 0 || stored.Declared.Revision() != d.Connections[name].Revision() {
			if matters(stored.Declared, d.Connections[name]) {
				stored.Status, stored.Reason = string(Pending), ""
			}
			stored.Declared, stored.Changed = d.Connections[name], tx.Now()
			stored.Revision++
			if err := tx.PutConnection(ctx, stored); err != nil {
				return nil, err
			}
		}
		if stored.Status == string(Pending) {
			unchecked = append(unchecked, Place{d.APIName, name})
		}
	}
	return unchecked, nil
}

// everything is more than a config of 4 MiB can declare.
const everything = 1 << 20

func suspend(ctx context.Context, tx *store.Tx, declared map[string]rolecall.Organization) error {
	kept, err := tx.DeclaredOrganizations(ctx)
	if err != nil {
		return err
	}
	for _, o := range kept {
		if _, still := declared[o.APIName]; !still && !o.Suspended {
			o.Suspended = true
			if err := tx.UpdateOrganization(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckDeclared begins checks of connections, for nobody in particular.
func (s *Service) CheckDeclared(ctx context.Context, places []Place) {
	for _, p := range places {
		_, err := s.StartCheck(ctx, Call{Actor: account.Actor{Kind: account.KindHost, ID: "serve", Name: "serve", Role: account.Operator}}, p.Organization, p.Connection, nil)
		if err != nil {
			s.log.WarnContext(ctx, "a declared connection is not checked", "org", p.Organization, "connection", p.Connection, "error", err)
		}
	}
}
