package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/store"
)

// operation is what is done, to what.
type operation struct {
	action       account.Action
	organization string // api_name; empty: it is about none
	connection   string // name; empty: it is about none
	makes        bool   // the connection need not be there
	target       string // what in it, for the audit record
	// creates says that the call's Key counts, and secret that the answer
	// holds one, which is not kept.
	creates, secret bool
	body            Body   // nil: none
	text            []byte // of the body, once it was read
	on              string // id of the connection, once it is known
}

// authorize returns nil if the actor may do it, and what it is done to is there.
func (s *Service) authorize(ctx context.Context, c Call, op operation) error {
	if refused := c.Actor.May(op.action, op.organization); refused != nil {
		return s.recordRefusal(ctx, c, op, refused)
	}
	err := s.store.View(ctx, func(ctx context.Context, tx *store.Tx) error { return reach(ctx, tx, c, op) })
	if err != nil {
		return s.refused(ctx, c, op, err)
	}
	return c.Fault
}

// refused returns the error of an operation that began. It leaves a record if
// that says what the actor may not do: of who is bound to one connection, that it
// asked for another; of the holder of a setup link, all that it was refused.
func (s *Service) refused(ctx context.Context, c Call, op operation, err error) error {
	switch code := rolecall.CodeOf(err); {
	case code == rolecall.Forbidden:
	case c.Actor.Connection != "" && code == rolecall.NotFound:
	case c.Actor.Role == account.Setup && (code == rolecall.Invalid || code == rolecall.Conflict):
	default:
		return err
	}
	return s.recordRefusal(ctx, c, op, err)
}

// recordRefusal returns the error, which is on record then: of one actor not
// without end, else the holder of any token could fill the database.
func (s *Service) recordRefusal(ctx context.Context, c Call, op operation, refused error) error {
	reason, ok := s.refusals.reason(c.Actor.ID, rolecall.List(refused)[0].Message)
	if !ok {
		return refused
	}
	err := s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		return audit(ctx, tx, c, op, AuditRecord{Decision: Refused, Reason: reason})
	})
	if err != nil {
		return err
	}
	return refused
}

// reach returns nil if the organization and the connection that an operation is
// about are there, for the actor, and in a state that takes it.
func reach(ctx context.Context, tx *store.Tx, c Call, op operation) error {
	if op.organization == "" {
		return nil
	}
	o, err := tx.Organization(ctx, op.organization)
	if errors.Is(err, store.ErrNone) {
		return account.NoOrganization(op.organization)
	}
	if err != nil {
		return err
	}
	if err := standing(o, op.action); err != nil || op.connection == "" {
		return err
	}
	stored, err := connection(ctx, tx, c, op.organization, op.connection)
	if op.makes && c.Actor.Connection == "" && rolecall.CodeOf(err) == rolecall.NotFound {
		return nil
	}
	if err == nil && stored.Suspended && works(op.action) {
		err = suspendedConnection(op.connection)
	}
	return err
}

// works reports whether an action begins work on a connection.
func works(do account.Action) bool {
	return do == account.CheckStart || do == account.CredentialsVend || do == account.JobRun || do == account.SetupLinkCreate
}

// standing returns nil if an organization takes an action in the state that it
// is in: paused, suspended or deleted.
func standing(o store.Organization, do account.Action) error {
	if !o.Deleted.IsZero() {
		if do == account.AuditList { // what was done is kept
			return nil
		}
		return account.NoOrganization(o.APIName)
	}
	if o.Suspended && !whileSuspended(do) {
		return &rolecall.Error{
			Code: rolecall.Conflict, Message: fmt.Sprintf("the organization %q is suspended: rolecall.yaml does not declare it any more", o.APIName),
			Hint: "Operator: declare it again and send SIGHUP to rolecall serve, or run rolecall org adopt " + o.APIName,
		}
	}
	if o.Paused && (do == account.CredentialsVend || do == account.JobRun) {
		return &rolecall.Error{
			Code: rolecall.Conflict, Message: fmt.Sprintf("the organization %q is paused", o.APIName),
			Hint: `You: ask who paused it to end that: PATCH /api/o/{org} with {"paused": false}`,
		}
	}
	return nil
}

// whileSuspended reports whether an action only reads, or only takes away.
func whileSuspended(do account.Action) bool {
	switch do {
	case account.OrganizationGet, account.ConnectionList, account.ConnectionGet, account.PoliciesGet, account.CheckGet, account.TokenList, account.SecretList,
		account.AuditList, account.SetupLinkGet, account.SetupLinkList, account.MemberList, account.SessionList,
		account.OrganizationDelete, account.OrganizationAdopt, account.ConnectionRelease, account.TokenDelete, account.SetupLinkDelete, account.MemberDelete, account.SessionDelete:
		return true
	}
	return false
}

// view makes an operation that reads.
func view[Out any](ctx context.Context, s *Service, c Call, op operation, do func(context.Context, *store.Tx) (Out, error)) (out Out, err error) {
	if err := s.authorize(ctx, c, op); err != nil {
		return out, err
	}
	err = s.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		out, err = do(ctx, tx)
		return err
	})
	if err != nil {
		return out, s.refused(ctx, c, op, err)
	}
	return out, nil
}

// change makes an operation that changes something. In is what its body is read
// into; valid says what else is wrong with it. The change, its audit record and
// the kept answer are one transaction.
func change[In, Out any](ctx context.Context, s *Service, c Call, op operation, valid func(*In) error, do func(context.Context, *store.Tx, In) (Out, error)) (out Out, err error) {
	if err := s.authorize(ctx, c, op); err != nil {
		return out, err
	}
	var in In
	if op.body != nil {
		if op.text, err = op.body(&in); err != nil {
			return out, err
		}
	}
	if err := valid(&in); err != nil {
		return out, err
	}
	err = s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := reach(ctx, tx, c, op); err != nil { // it may have changed since
			return err
		}
		if op.connection != "" && op.creates {
			of, err := tx.Connection(ctx, op.organization, op.connection)
			if ignoreNone(err) != nil {
				return err
			}
			op.on = of.ID // a connection that was made again by the name is another
		}
		if done, err := repeated(ctx, tx, c, op, &out); done || err != nil {
			return err
		}
		if out, err = do(ctx, tx, in); err != nil {
			return err
		}
		if c.DryRun {
			return errDryRun
		}
		recorded := op
		if named, ok := any(out).(interface{ made() string }); ok {
			recorded.target = path.Join(op.target, named.made())
		}
		if err := audit(ctx, tx, c, recorded, AuditRecord{Decision: Allowed}); err != nil {
			return err
		}
		return keep(ctx, tx, c, op, recorded.target, out)
	})
	if errors.Is(err, errDryRun) {
		return out, nil
	}
	if err != nil {
		return out, s.refused(ctx, c, op, err)
	}
	return out, nil
}

// errDryRun takes a change back that was only tried.
var errDryRun = errors.New("dry run")

// ErrPrecondition says that what was to be changed has another revision than
// the caller knows.
var ErrPrecondition = errors.New("the revision is another")

// match returns an error unless the revision is one that the caller expects.
func (c Call) match(revision int64) error {
	if c.Matches == nil || c.Matches(revision) {
		return nil
	}
	if revision == 0 {
		return &rolecall.Error{
			Code: rolecall.Conflict, Message: "it is not there", Err: ErrPrecondition,
			Hint: "You: leave If-Match out to make it",
		}
	}
	return &rolecall.Error{
		Code: rolecall.Conflict, Message: "it is there already, or was changed since you read it", Err: ErrPrecondition,
		Hint: "You: read it again, and send its ETag as If-Match",
	}
}

// nothing is the body of operations that have none.
type nothing struct{}

func always(*nothing) error { return nil }

// keepFor is for how long an answer is kept for its Idempotency-Key.
const keepFor = 24 * time.Hour

// route is where a key counts: the same actor, doing the same to the same.
func (op operation) route(c Call) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{c.Actor.ID, string(op.action), op.organization, op.on, op.target, c.Key}, "\x00")))
	return hex.EncodeToString(sum[:])
}

func (op operation) digest() string {
	sum := sha256.Sum256(op.text)
	return hex.EncodeToString(sum[:])
}

// repeated answers a call whose key was seen before as it was answered then.
func repeated[Out any](ctx context.Context, tx *store.Tx, c Call, op operation, out *Out) (bool, error) {
	if c.Key == "" || !op.creates {
		return false, nil
	}
	kept, err := tx.Kept(ctx, op.route(c), tx.Now().Add(-keepFor))
	switch {
	case errors.Is(err, store.ErrNone):
		return false, nil
	case err != nil:
		return false, err
	case kept.Body != op.digest():
		return true, &rolecall.Error{Code: rolecall.Invalid, Message: "the Idempotency-Key was used for another body", Hint: "You: send a new key with a new body"}
	case op.secret:
		var made string
		if err := json.Unmarshal([]byte(kept.Answer), &made); err != nil {
			return true, fmt.Errorf("read kept answer: %w", err)
		}
		return true, &rolecall.Error{
			Code: rolecall.Conflict, Message: fmt.Sprintf("this request made %s already, and its answer held a secret that is not kept", made),
			Hint: "You: use what you were given then, or delete what was made and make another",
		}
	}
	if err := json.Unmarshal([]byte(kept.Answer), out); err != nil {
		return true, fmt.Errorf("read kept answer: %w", err)
	}
	return true, nil
}

// keep keeps an answer; of one that holds a secret, only what was made.
func keep(ctx context.Context, tx *store.Tx, c Call, op operation, made string, out any) error {
	if c.Key == "" || !op.creates {
		return nil
	}
	if op.secret {
		out = made
	}
	answer, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("keep answer: %w", err)
	}
	return tx.Keep(ctx, store.Answer{Key: op.route(c), Body: op.digest(), Answer: string(answer)})
}
