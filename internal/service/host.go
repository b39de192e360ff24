package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
)

// HostWork is work that a command on the service's machine does for an
// organization.
type HostWork struct {
	Action       account.Action
	Organization string
	Connection   string // its name; empty: of none in particular
	Target       string // for the audit record
	Command      string // likewise
	AWS          *AuditAWS
	Reason       string
}

// RecordHostWork leaves an audit record of work, before it begins, and again of
// what was given out. It returns why the work may not begin: the organization is
// paused, say, or it or the connection is suspended. One that the service does not
// have yet is not.
func RecordHostWork(ctx context.Context, db *store.Store, w HostWork) error {
	return db.Change(ctx, func(ctx context.Context, tx *store.Tx) error { return recordHostWork(ctx, tx, w) })
}

// RecordHostSession leaves an audit record of a session that work on the host
// begins: before it is asked for, and again once it has an access key id. It
// returns why a tool may get none any more, as RecordHostWork does.
func RecordHostSession(ctx context.Context, db *store.Store, w HostWork, e credential.Event) error {
	return db.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		w.AWS, w.Reason = sessionOf(e)
		return recordHostWork(ctx, tx, w)
	})
}

// sessionOf returns what an audit record says of a session.
func sessionOf(e credential.Event) (*AuditAWS, string) {
	reason := "given out"
	if e.AccessKeyID == "" {
		reason = "asked for"
	}
	return &AuditAWS{e.AccessKeyID, e.SessionName, e.RoleARN}, reason
}

// RecordSession leaves an audit record of a session that a check begins, before it
// is asked for and again once it has an access key id; those of credentials for
// tools are on record by their operation. It is for credential.Options.Intent.
func (s *Service) RecordSession(ctx context.Context, e credential.Event) error {
	r := s.checks.get(e.JobID)
	if r == nil {
		return nil
	}
	op := operation{action: account.CheckStart, organization: e.Organization, target: "connections/" + r.checked.Declared.Name + "/checks/" + e.JobID}
	return s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		record := AuditRecord{Decision: Allowed}
		record.AWS, record.Reason = sessionOf(e)
		return audit(ctx, tx, r.call, op, record)
	})
}

func recordHostWork(ctx context.Context, tx *store.Tx, w HostWork) error {
	o, err := tx.Organization(ctx, w.Organization)
	// Of work that goes on, tools alone are to get nothing more.
	begins := w.AWS == nil || w.AWS.AccessKeyID == "" && w.Action == account.CredentialsVend
	if err == nil && begins {
		err = standing(o, w.Action)
	}
	if err == nil && w.Connection != "" && begins && works(w.Action) {
		var c store.Connection
		if c, err = tx.Connection(ctx, w.Organization, w.Connection); err == nil && c.Suspended {
			err = suspendedConnection(w.Connection)
		}
	}
	if err != nil && !errors.Is(err, store.ErrNone) {
		return err
	}
	return audit(ctx, tx, Call{Actor: Host(), RequestID: w.Command}, operation{action: w.Action, organization: w.Organization, target: w.Target},
		AuditRecord{Decision: Allowed, Reason: w.Reason, AWS: w.AWS})
}

func suspendedConnection(name string) error {
	return &rolecall.Error{
		Code: rolecall.Conflict, Message: fmt.Sprintf("the connection %q is suspended: rolecall.yaml does not declare it any more", name),
		Hint: "Operator: declare it again and send SIGHUP to rolecall serve",
	}
}
