package service

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/store"
)

// Decision is what became of an attempt.
type Decision string

// The decisions.
const (
	Allowed Decision = "allowed"
	Refused Decision = "refused"
)

// AuditRecord says who did what, or was refused to.
type AuditRecord struct {
	Time         time.Time      `json:"time"`
	ID           string         `json:"id"`
	Organization string         `json:"organization"`
	Actor        AuditActor     `json:"actor"`
	Action       account.Action `json:"action"`
	Target       string         `json:"target"`
	Decision     Decision       `json:"decision" enum:"allowed,refused"`
	Reason       string         `json:"reason,omitempty"`
	RequestID    string         `json:"request_id"`
	AWS          *AuditAWS      `json:"aws,omitempty"` // of credentials that were given out
}

// AuditActor is who it was.
type AuditActor struct {
	Kind    account.Kind `json:"kind"`
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Address string       `json:"address,omitempty"`
}

// AuditAWS leads to the entries of CloudTrail.
type AuditAWS struct {
	AccessKeyID string `json:"access_key_id"`
	SessionName string `json:"session_name,omitempty"`
	RoleARN     string `json:"role_arn,omitempty"`
}

// audit writes the record of an attempt, of which the decision, its reason and
// what was given out are set. One that was refused is of the actor's
// own organization, whichever was asked for: nobody else's record shows that it
// was tried.
func audit(ctx context.Context, tx *store.Tx, c Call, op operation, r AuditRecord) error {
	r.Time, r.ID, r.Organization, r.Action, r.Target, r.RequestID = tx.Now(), job.NewID(), op.organization, op.action, op.target, c.RequestID
	r.Actor = AuditActor{Kind: c.Actor.Kind, ID: c.Actor.ID, Name: c.Actor.Name}
	if c.Actor.Address.IsValid() {
		r.Actor.Address = c.Actor.Address.String()
	}
	if r.Decision == Refused {
		r.Organization = c.Actor.Organization
	}
	// Both have names that the caller made up, a token at the wrong place too.
	r.Target, r.Reason = cut(r.Target), cut(r.Reason)
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write audit record: %w", err)
	}
	return tx.InsertAudit(ctx, store.AuditRecord{ID: r.ID, Organization: r.Organization, Record: string(text), Actor: r.Actor.ID, Action: string(r.Action)})
}

// maxAudit is how many bytes a record keeps of a text.
const maxAudit = 300

func cut(text string) string {
	text = account.WithoutTokens(text)
	if len(text) <= maxAudit {
		return text
	}
	return strings.ToValidUTF8(text[:maxAudit], "") + "…"
}

// AuditFilter says which records are wanted: those of an actor, by its id, and
// those of an action. Empty members are not looked at.
type AuditFilter struct{ Actor, Action string }

// Audit returns an organization's audit records.
func (s *Service) Audit(ctx context.Context, c Call, organization string, f AuditFilter, p Page) (List[AuditRecord], error) {
	op := operation{action: account.AuditList, organization: organization}
	return s.auditPage(ctx, c, op, f, p, func(ctx context.Context, tx *store.Tx, p store.Page) ([]store.AuditRecord, error) {
		return tx.Audit(ctx, organization, store.AuditFilter(f), p)
	})
}

// OperatorAudit returns the audit records of all organizations, and those that
// are of none.
func (s *Service) OperatorAudit(ctx context.Context, c Call, f AuditFilter, p Page) (List[AuditRecord], error) {
	return s.auditPage(ctx, c, operation{action: account.OperatorAuditList}, f, p, func(ctx context.Context, tx *store.Tx, p store.Page) ([]store.AuditRecord, error) {
		return tx.AllAudit(ctx, store.AuditFilter(f), p)
	})
}

func (s *Service) auditPage(ctx context.Context, c Call, op operation, f AuditFilter, p Page, read func(context.Context, *store.Tx, store.Page) ([]store.AuditRecord, error)) (List[AuditRecord], error) {
	filter := fmt.Sprintf("%s %q %q %q", op.action, op.organization, f.Actor, f.Action)
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (List[AuditRecord], error) {
		return page(p, filter, func(p store.Page) ([]AuditRecord, []string, error) {
			stored, err := read(ctx, tx, p)
			var list []AuditRecord
			var ids []string
			for _, kept := range stored {
				var r AuditRecord
				if err := json.Unmarshal([]byte(kept.Record), &r); err != nil {
					return nil, nil, fmt.Errorf("read audit record %s: %w", kept.ID, err)
				}
				list, ids = append(list, r), append(ids, kept.ID)
			}
			return list, ids, err
		})
	})
}
