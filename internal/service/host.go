package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall/rolecall"
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

func recordHostWork(ctx context.Context, tx *store.Tx, w HostWork) error {
	o, err := tx.Organization(ctx, w.Organization)
	if err == nil && w.AWS == nil {
		err = standing(o, w.Action)
	}
	if err == nil && w.Connection != "" && w.AWS == nil && works(w.Action) {
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
