package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/seal"
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
	// Both have names that the caller made up.
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

// Head is an organization's last linked record. Kept outside the database, it
// shows that records were cut off.
type Head struct {
	Sequence int64  `json:"sequence"`
	Link     []byte `json:"link"`
}

// How often records are linked, how long that may take when the service stops,
// and how many one change links.
const (
	linkEvery  = time.Second
	linkLast   = 5 * time.Second
	linkAtOnce = 500
)

// linkAudit links records until the context ends, and then those that are left.
func (s *Service) linkAudit(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), linkLast)
			defer cancel()
			if err := s.LinkAudit(last); err != nil {
				s.log.WarnContext(ctx, "audit records were not linked; the next start does it", "error", err)
			}
			return
		case <-time.After(linkEvery):
		}
		if err := s.LinkAudit(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "audit records were not linked; it is tried again", "error", err)
		}
	}
}

// LinkAudit links the records that are not yet: each to the one before it in
// its organization, by a key that the database does not have.
func (s *Service) LinkAudit(ctx context.Context) error {
	for more := true; more; {
		heads := map[string]Head{}
		err := s.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
			clear(heads)
			records, err := tx.UnlinkedAudit(ctx, linkAtOnce)
			more = len(records) == linkAtOnce
			for _, r := range records {
				head, known := heads[r.Organization]
				if !known {
					last, err := tx.AuditHead(ctx, r.Organization)
					if err != nil {
						return err
					}
					head = Head{last.Sequence, last.Link}
				}
				r.Sequence = head.Sequence + 1
				err := s.keyring.with(func(keys *seal.Keys) error {
					r.Link = keys.Link(r.Organization, r.Sequence, head.Link, []byte(r.Record))
					return nil
				})
				if err != nil {
					return err
				}
				if err := tx.LinkAudit(ctx, r); err != nil {
					return err
				}
				heads[r.Organization] = Head{r.Sequence, r.Link}
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(heads) > 0 && s.anchor != nil {
			if err := s.anchor(heads); err != nil {
				return err
			}
		}
	}
	return nil
}

// Finding is what VerifyAudit found of an organization's records.
type Finding struct {
	Organization string `json:"organization"`
	Records      int64  `json:"records"`  // that are linked
	Unlinked     int64  `json:"unlinked"` // that are not yet: younger than a few seconds, while the service runs
	Fault        string `json:"fault,omitempty"`
}

// VerifyAudit checks the links of all records, and that those are there that
// the heads, which may be nil, say were linked. It returns a finding for each
// organization.
func (s *Service) VerifyAudit(ctx context.Context, heads map[string]Head) (findings []Finding, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		findings = nil
		organizations, err := tx.Audited(ctx)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, organization := range organizations {
			known[organization] = true
			f, err := s.verifyAudit(ctx, tx, organization, heads[organization])
			if err != nil {
				return err
			}
			findings = append(findings, f)
		}
		for organization := range heads {
			if !known[organization] {
				findings = append(findings, Finding{Organization: organization, Fault: "all records are missing"})
			}
		}
		return nil
	})
	return findings, err
}

// compareHeads logs when the database has fewer audit records than it had: it was
// restored from a backup, or somebody cut them off.
func (s *Service) compareHeads(ctx context.Context) {
	var behind []string
	err := s.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		behind = nil
		for _, organization := range slices.Sorted(maps.Keys(s.heads)) {
			last, err := tx.AuditHead(ctx, organization)
			if err != nil {
				return err
			}
			if last.Sequence < s.heads[organization].Sequence {
				behind = append(behind, organization)
			}
		}
		return nil
	})
	switch {
	case err != nil && ctx.Err() == nil:
		s.log.WarnContext(ctx, "the last audit records cannot be compared with those that were kept", "error", err)
	case len(behind) > 0:
		s.log.ErrorContext(ctx, "audit records are missing: the database was restored from a backup, or they were cut off; external ids, names and claims that came after them are forgotten, and tokens that were revoked since work again",
			"organizations", len(behind), "first", behind[0])
	}
}

func (s *Service) verifyAudit(ctx context.Context, tx *store.Tx, organization string, anchor Head) (Finding, error) {
	f := Finding{Organization: organization}
	var err error
	if f.Unlinked, err = tx.CountUnlinkedAudit(ctx, organization); err != nil {
		return f, err
	}
	var last Head
	for {
		records, err := tx.LinkedAudit(ctx, organization, last.Sequence, linkAtOnce)
		if err != nil || len(records) == 0 {
			if err == nil && last.Sequence < anchor.Sequence {
				f.Fault = fmt.Sprintf("the records from %d to %d are missing: the last ones were cut off", last.Sequence+1, anchor.Sequence)
			}
			return f, err
		}
		for _, r := range records {
			if r.Sequence != last.Sequence+1 {
				f.Fault = fmt.Sprintf("record %d is missing", last.Sequence+1)
				return f, nil
			}
			var link []byte
			if err := s.keyring.with(func(keys *seal.Keys) error {
				link = keys.Link(organization, r.Sequence, last.Link, []byte(r.Record))
				return nil
			}); err != nil {
				return f, err
			}
			if !asRecorded(r) || !bytes.Equal(link, r.Link) || r.Sequence == anchor.Sequence && !bytes.Equal(link, anchor.Link) {
				f.Fault = fmt.Sprintf("record %d, %s, was changed, or the one before it", r.Sequence, r.ID)
				return f, nil
			}
			last, f.Records = Head{r.Sequence, r.Link}, r.Sequence
		}
	}
}

// asRecorded reports whether what lists look for is what the record says. In
// records from before there were such lists it is not said.
func asRecorded(r store.AuditRecord) bool {
	var is AuditRecord
	return json.Unmarshal([]byte(r.Record), &is) == nil && is.ID == r.ID && is.Organization == r.Organization &&
		(is.Actor.ID == r.Actor && string(is.Action) == r.Action || r.Actor+r.Action == "")
}
