package store

import (
	"context"
	"time"

	"github.com/rolecall/rolecall"
)

// Organization is what is stored of a tenant, without what it owns.
type Organization struct {
	ID         string // sorts by when it was made
	APIName    string
	Name       string // for people
	ExternalID rolecall.ExternalID
	Jobs       string // what jobs may name: connections, or any place
	Running    int64  // limit of jobs that run at once; zero: the service's
	Queued     int64  // limit of jobs that wait; zero: the service's
	// OldExternalID is what ExternalID replaces, as long as connections need it;
	// empty: nothing is replaced.
	OldExternalID string
	Paused        bool
	PausedBy      string    // role of who paused it
	ManagedBy     string    // config or api
	Suspended     bool      // the config no longer declares it
	Deleted       time.Time // zero: it is not
	Created       time.Time
	Revision      int64 // one more with each change
}

const organizationColumns = `id, api_name, name, external_id_mode, external_id, old_external_id, jobs, running, queued, paused, paused_by, managed_by, suspended, deleted, created, revision`

func scanOrganization(read func(...any) error) (o Organization, err error) {
	var paused, suspended, deleted, created int64
	err = read(&o.ID, &o.APIName, &o.Name, &o.ExternalID.Mode, &o.ExternalID.Value, &o.OldExternalID, &o.Jobs, &o.Running, &o.Queued, &paused, &o.PausedBy, &o.ManagedBy, &suspended, &deleted, &created, &o.Revision)
	o.Paused, o.Suspended, o.Deleted, o.Created = paused != 0, suspended != 0, fromMicros(deleted), fromMicros(created)
	return o, err
}

// Organization returns an organization, one that was deleted too, or ErrNone.
func (t *Tx) Organization(ctx context.Context, apiName string) (Organization, error) {
	return scanOrganization(func(into ...any) error {
		return t.one(ctx, `SELECT `+organizationColumns+` FROM organizations WHERE api_name = $1`, []any{apiName}, into...)
	})
}

// Organizations returns a page of all organizations but those that were deleted.
func (t *Tx) Organizations(ctx context.Context, p Page) (list []Organization, err error) {
	err = t.each(ctx, `SELECT `+organizationColumns+` FROM organizations WHERE id < $1 AND deleted = 0 ORDER BY id DESC LIMIT $2`, []any{p.before(), p.Limit},
		func(read func(...any) error) error {
			o, err := scanOrganization(read)
			list = append(list, o)
			return err
		})
	return list, err
}

// DeclaredOrganizations returns all organizations that the config declares or
// declared.
func (t *Tx) DeclaredOrganizations(ctx context.Context) (list []Organization, err error) {
	err = t.each(ctx, `SELECT `+organizationColumns+` FROM organizations WHERE managed_by = 'config' AND deleted = 0`, nil, func(read func(...any) error) error {
		o, err := scanOrganization(read)
		list = append(list, o)
		return err
	})
	return list, err
}

// InsertOrganization stores a new organization. Its api_name must have been
// taken by TakeName.
func (t *Tx) InsertOrganization(ctx context.Context, o Organization) error {
	_, err := t.exec(ctx, `INSERT INTO organizations (`+organizationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		o.ID, o.APIName, o.Name, o.ExternalID.Mode, o.ExternalID.Value, o.OldExternalID, o.Jobs, o.Running, o.Queued, toInt(o.Paused), o.PausedBy, o.ManagedBy, toInt(o.Suspended), toMicros(o.Deleted), toMicros(o.Created), o.Revision)
	return err
}

// UpdateOrganization stores all of an organization but its id, api_name and
// time, as one more revision.
func (t *Tx) UpdateOrganization(ctx context.Context, o Organization) error {
	_, err := t.exec(ctx, `UPDATE organizations SET name = $2, external_id_mode = $3, external_id = $4, jobs = $5, running = $6, queued = $7, paused = $8,
		managed_by = $9, suspended = $10, old_external_id = $11, paused_by = $12, deleted = $13, revision = revision + 1 WHERE api_name = $1`,
		o.APIName, o.Name, o.ExternalID.Mode, o.ExternalID.Value, o.Jobs, o.Running, o.Queued, toInt(o.Paused), o.ManagedBy, toInt(o.Suspended), o.OldExternalID, o.PausedBy, toMicros(o.Deleted))
	return err
}
