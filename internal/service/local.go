package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/store"
)

// LocalChecks keeps the records of checks that are made beside the service, by
// commands on its machine: of connections that it has. It implements
// check.Records.
type LocalChecks struct {
	Store  *store.Store
	Vendor rolecall.Vendor

	mu      sync.Mutex
	checked map[Place]checked
}

// checked is a connection as a check found it.
type checked struct {
	stored  subject
	current bool // the check is of the connection as the service has it
	begun   time.Time
}

// Changed implements check.Records.
func (l *LocalChecks) Changed(ctx context.Context, o rolecall.Organization, c rolecall.Connection, p rolecall.Principal, revision string) (since time.Time, err error) {
	err = l.Store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		since = time.Time{}
		if err := recordHostWork(ctx, tx, HostWork{Action: account.CheckStart, Organization: o.APIName, Connection: c.Name, Target: "connections/" + c.Name, Command: "check"}); err != nil {
			return err
		}
		stored, err := tx.Connection(ctx, o.APIName, c.Name)
		if errors.Is(err, store.ErrNone) {
			return nil
		}
		if err != nil {
			return err
		}
		owner, err := tx.Organization(ctx, o.APIName)
		if err != nil {
			return err
		}
		own, _ := l.Vendor.PrincipalFor("", c.Region) // the zero one is nobody's
		l.mu.Lock()
		if l.checked == nil {
			l.checked = map[Place]checked{}
		}
		l.checked[Place{o.APIName, c.Name}] = checked{
			stored: subject{stored, o.ExternalIDFor(c)}, begun: tx.Now(),
			current: own.Name == p.Name && owner.ExternalID == o.ExternalID && !owner.Suspended && !stored.Suspended && stored.Declared.Revision() == c.Revision(),
		}
		l.mu.Unlock()
		since, err = tx.Revision(ctx, o.APIName, stored.ID, p.Name, revision)
		return err
	})
	return since, err
}

// Keep implements check.Records: the report is among the connection's checks,
// and its status is by it, where the service would have made the same check.
func (l *LocalChecks) Keep(ctx context.Context, report rolecall.CheckReport) (string, error) {
	l.mu.Lock()
	of, found := l.checked[Place{report.Organization, report.Connection}]
	l.mu.Unlock()
	if !found {
		return "", nil
	}
	return "", l.Store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		kept := store.Check{ID: job.NewID(), Organization: report.Organization, Connection: of.stored.ID, Report: report, Started: of.begun, Ended: tx.Now()}
		if err := tx.InsertCheck(ctx, kept); err != nil {
			return err
		}
		if !of.current {
			return nil
		}
		return putStatus(ctx, tx, of.stored, report, kept.Ended)
	})
}

// putStatus makes a connection's status what a report says, unless what was
// checked is not what the connection is now.
func putStatus(ctx context.Context, tx *store.Tx, of subject, report rolecall.CheckReport, ended time.Time) error {
	still, err := unchanged(ctx, tx, of)
	if err != nil || !still {
		return err
	}
	stored, err := tx.Connection(ctx, of.Organization, of.Declared.Name)
	if err != nil {
		return err
	}
	stored.Checked = ended
	status, reason := statusOf(report)
	switch {
	case status == string(Verified):
		stored.Status, stored.Reason, stored.Verified, stored.OnOldID = status, "", ended, false
	case stored.OnOldID && status == string(Failed): // with the new external id: it goes on with the old one
		stored.Reason = "with the new external id: " + reason
	default:
		stored.Status, stored.Reason = status, reason
	}
	if err := tx.PutConnection(ctx, stored); err != nil {
		return err
	}
	return endRotation(ctx, tx, of.Organization)
}

// imported gives a connection that is declared for the first time the status
// that the last check of local runs found, if it passed and is of the connection
// as it is.
func imported(ctx context.Context, tx *store.Tx, vendor rolecall.Vendor, o rolecall.Organization, c *store.Connection) error {
	last, err := tx.TakeImportedCheck(ctx, o.APIName, c.Declared.Name)
	if err != nil {
		return ignoreNone(err)
	}
	p, err := vendor.PrincipalFor("", c.Declared.Region)
	if err != nil || p.Name != last.Principal || check.Revision(o, c.Declared, p) != last.Revision {
		return nil //nolint:nilerr // who checks is not declared: it is checked when somebody is
	}
	if err := tx.PutRevision(ctx, o.APIName, c.ID, p.Name, last.Revision, last.Since); err != nil {
		return err
	}
	status, reason := statusOf(last.Report)
	if status != string(Verified) {
		return nil
	}
	c.Status, c.Reason, c.Checked, c.Verified = status, reason, last.Ended, last.Ended
	return tx.InsertCheck(ctx, store.Check{ID: job.NewID(), Organization: o.APIName, Connection: c.ID, Report: last.Report, Started: last.Ended, Ended: last.Ended})
}
