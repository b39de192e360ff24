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
	"github.com/rolecall/rolecall/internal/tenant"
)

// Declared is what became of a config.
type Declared struct {
	Made []tenant.Generated // external ids that were generated now
	// Unchecked are connections that no check has found fit since they became
	// what they are.
	Unchecked []Place
}

// Place names a connection.
type Place struct{ Organization, Connection string }

// Declare puts the settings in force: it registers the names of the organizations
// that they declare, and stores them and their connections, all or nothing. What
// was declared and is not any more is suspended, and what it owns stays. The code
// of its error is Conflict if one of them was made over the API, or has another's
// name; the settings before them stay in force then.
func (s *Service) Declare(ctx context.Context, settings Settings) (out Declared, err error) {
	var organizations map[string]rolecall.Organization
	err = s.store.Change(store.Patient(ctx), func(ctx context.Context, tx *store.Tx) (err error) {
		organizations, out = maps.Clone(settings.Organizations), Declared{}
		if organizations == nil {
			organizations = map[string]rolecall.Organization{}
		}
		if err := notOfAPI(ctx, tx, organizations); err != nil {
			return err
		}
		if out.Made, err = tenant.Register(ctx, tx.Names(), organizations); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(organizations)) {
			places, err := declare(ctx, tx, settings.Vendor, organizations[name])
			if err != nil {
				return err
			}
			out.Unchecked = append(out.Unchecked, places...)
		}
		return suspend(ctx, tx, organizations)
	})
	if err == nil {
		settings.Organizations = organizations
		s.use(settings)
		s.stopOutdated()
	}
	return out, err
}

// Register fills in the external ids of declared organizations and takes their
// names, as tenant.Register does, for commands beside the service. The code of
// its error is Conflict if one of them was made over the API.
func Register(ctx context.Context, db *store.Store, declared map[string]rolecall.Organization) (made []tenant.Generated, err error) {
	var organizations map[string]rolecall.Organization
	err = db.Change(store.Patient(ctx), func(ctx context.Context, tx *store.Tx) (err error) {
		organizations = maps.Clone(declared)
		if err := notOfAPI(ctx, tx, organizations); err != nil {
			return err
		}
		made, err = tenant.Register(ctx, tx.Names(), organizations)
		return err
	})
	if err == nil {
		maps.Copy(declared, organizations)
	}
	return made, err
}

// Read does what Register does, and writes nothing: see tenant.Read.
func Read(ctx context.Context, db *store.Store, declared map[string]rolecall.Organization) error {
	return db.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := notOfAPI(ctx, tx, declared); err != nil {
			return err
		}
		return tenant.Read(ctx, tx.Names(), declared)
	})
}

// notOfAPI reports the declared organizations that are the API's, or were deleted.
func notOfAPI(ctx context.Context, tx *store.Tx, declared map[string]rolecall.Organization) error {
	var faults rolecall.Errors
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		o, err := tx.Organization(ctx, name)
		switch {
		case err == nil && !o.Deleted.IsZero():
			faults = append(faults, &rolecall.Error{
				Code: rolecall.Conflict, Pointer: strict.Pointer("organizations", name), Message: fmt.Sprintf("the organization %q was deleted, and no other has its name", name),
				Hint: "Operator: remove it from rolecall.yaml, or give the declared one another name",
			})
		case err == nil && o.ManagedBy != string(ByConfig):
			faults = append(faults, &rolecall.Error{
				Code: rolecall.Conflict, Pointer: strict.Pointer("organizations", name), Message: fmt.Sprintf("the organization %q is the API's", name),
				Hint: "Operator: remove it from rolecall.yaml, or give the declared one another name",
			})
		case ignoreNone(err) != nil:
			return err
		}
	}
	return faults.Err()
}

func declare(ctx context.Context, tx *store.Tx, vendor rolecall.Vendor, d rolecall.Organization) (unchecked []Place, err error) {
	o, err := tx.Organization(ctx, d.APIName)
	anotherID := err == nil && o.ExternalID.Value != d.ExternalID.Value
	switch {
	case errors.Is(err, store.ErrNone):
		o = store.Organization{
			ID: job.NewID(), APIName: d.APIName, Name: d.APIName, ExternalID: d.ExternalID, Jobs: string(JobsAny), ManagedBy: string(ByConfig), Created: tx.Now(), Revision: 1,
		}
		err = tx.InsertOrganization(ctx, o)
	case err == nil && (o.Suspended || o.ExternalID != d.ExternalID):
		o.Suspended, o.ExternalID = false, d.ExternalID
		err = tx.UpdateOrganization(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	stored, err := tx.Connections(ctx, d.APIName, store.Page{Limit: everything})
	if err != nil {
		return nil, err
	}
	var changed []rolecall.Connection
	byName := map[string]store.Connection{}
	for _, c := range stored {
		byName[c.Declared.Name] = c
		if _, still := d.Connections[c.Declared.Name]; !still && !c.Suspended {
			c.Suspended = true
			if err := tx.PutConnection(ctx, c); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Connections)) {
		c := declaredConnection{byName[name], name, anotherID}
		if err := declareConnection(ctx, tx, vendor, d, &c); err != nil {
			return nil, err
		}
		if was := byName[name].Declared; was.Revision() != c.Declared.Revision() {
			changed = append(changed, was)
		}
		if c.Status == string(Pending) {
			unchecked = append(unchecked, Place{d.APIName, name})
		}
	}
	for _, was := range changed {
		if err := endClaim(ctx, tx, d.APIName, was); err != nil {
			return nil, err
		}
	}
	return unchecked, nil
}

// declaredConnection is what is stored of a connection that is declared.
type declaredConnection struct {
	store.Connection
	name      string
	anotherID bool // its organization has another external id than it had
}

// declareConnection stores a declared connection in place of the one that there
// is, which is zero for none. With another external id, nothing is known of it.
func declareConnection(ctx context.Context, tx *store.Tx, vendor rolecall.Vendor, d rolecall.Organization, c *declaredConnection) error {
	name, anotherID := c.name, c.anotherID
	declared, made := d.Connections[name], c.ID == ""
	same := !made && c.Declared.Revision() == declared.Revision()
	pending := !same && matters(c.Declared, declared) || anotherID && declared.ExternalID == nil && c.Status != string(Pending)
	if same && !pending && !c.Suspended {
		return nil
	}
	if made {
		c.Connection = store.Connection{ID: job.NewID(), Organization: d.APIName, Created: tx.Now()}
	}
	if pending {
		c.Status, c.Reason = string(Pending), ""
	}
	if c.Suspended = false; !same || pending { // a check that is under way counts for nothing then
		c.Declared, c.Changed = declared, tx.Now()
		c.Revision++
	}
	if made {
		if err := imported(ctx, tx, vendor, d, &c.Connection); err != nil {
			return err
		}
	}
	return tx.PutConnection(ctx, c.Connection)
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

// checkSuperseded begins a check of a declared connection that changed while
// another check of it was under way, which counts for nothing.
func (s *Service) checkSuperseded(checked store.Connection) {
	if s.ctx.Err() != nil {
		return
	}
	superseded := false
	err := s.store.View(s.ctx, func(ctx context.Context, tx *store.Tx) error {
		o, err := tx.Organization(ctx, checked.Organization)
		if err != nil {
			return ignoreNone(err)
		}
		c, err := tx.Connection(ctx, checked.Organization, checked.Declared.Name)
		superseded = err == nil && o.ManagedBy == string(ByConfig) && o.Deleted.IsZero() && !o.Suspended && !c.Suspended &&
			c.Status == string(Pending) && (c.ID != checked.ID || c.Revision != checked.Revision)
		return ignoreNone(err)
	})
	if err != nil {
		s.log.WarnContext(s.ctx, "whether a connection changed during its check is not known", "org", checked.Organization, "connection", checked.Declared.Name, "error", err)
	}
	if superseded {
		s.CheckDeclared(s.ctx, []Place{{checked.Organization, checked.Declared.Name}})
	}
}
