package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/store/storetest"
)

// No query that requests make reads a whole table, or sorts what it found: they
// cost what is on their page, however much is stored.
func TestPlans(t *testing.T) {
	t.Parallel()
	page := store.Page{Limit: 50, Before: "06h2st7231q6qd5768hducm6s8"}
	reads := map[string]func(context.Context, *store.Tx) error{
		"organization":  func(ctx context.Context, tx *store.Tx) error { _, err := tx.Organization(ctx, "acme"); return err },
		"organizations": func(ctx context.Context, tx *store.Tx) error { _, err := tx.Organizations(ctx, page); return err },
		"first page": func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Organizations(ctx, store.Page{Limit: 50})
			return err
		},
		"declared":    func(ctx context.Context, tx *store.Tx) error { _, err := tx.DeclaredOrganizations(ctx); return err },
		"connection":  func(ctx context.Context, tx *store.Tx) error { _, err := tx.Connection(ctx, "acme", "m"); return err },
		"connections": func(ctx context.Context, tx *store.Tx) error { _, err := tx.Connections(ctx, "acme", page); return err },
		"check":       func(ctx context.Context, tx *store.Tx) error { _, err := tx.Check(ctx, "c", "1"); return err },
		"checks":      func(ctx context.Context, tx *store.Tx) error { _, err := tx.Checks(ctx, "c", page); return err },
		"checks of a link": func(ctx context.Context, tx *store.Tx) error {
			_, _, err := tx.CountChecks(ctx, "c", "g", time.Now())
			return err
		},
		"proved": func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Proved(ctx, "acme", time.Now())
			return err
		},
		"running": func(ctx context.Context, tx *store.Tx) error { _, err := tx.RunningCheck(ctx, "c"); return err },
		"grant":   func(ctx context.Context, tx *store.Tx) error { _, err := tx.GrantByHash(ctx, "h"); return err },
		"grants": func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Grants(ctx, "acme", "service", page)
			return err
		},
		"setup links":  func(ctx context.Context, tx *store.Tx) error { _, err := tx.SetupLinks(ctx, "c", page); return err },
		"secret":       func(ctx context.Context, tx *store.Tx) error { _, err := tx.Secret(ctx, "acme", "s"); return err },
		"secrets":      func(ctx context.Context, tx *store.Tx) error { _, err := tx.Secrets(ctx, "acme", "a", 50); return err },
		"next version": func(ctx context.Context, tx *store.Tx) error { _, err := tx.NextVersion(ctx, "acme", "s"); return err },
		"data key":     func(ctx context.Context, tx *store.Tx) error { _, err := tx.DataKey(ctx, "acme"); return err },
		"audit": func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, "acme", store.AuditFilter{}, page)
			return err
		},
		"audit of an actor": func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, "acme", store.AuditFilter{Actor: "a"}, page)
			return err
		},
		"audit of an action": func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Audit(ctx, "acme", store.AuditFilter{Action: "a"}, page)
			return err
		},
		"all audit": func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AllAudit(ctx, store.AuditFilter{}, page)
			return err
		},
		"unlinked audit": func(ctx context.Context, tx *store.Tx) error { _, err := tx.UnlinkedAudit(ctx, 500); return err },
		"linked audit": func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LinkedAudit(ctx, "acme", 7, 500)
			return err
		},
		"audit head":  func(ctx context.Context, tx *store.Tx) error { _, err := tx.AuditHead(ctx, "acme"); return err },
		"kept answer": func(ctx context.Context, tx *store.Tx) error { _, err := tx.Kept(ctx, "k", time.Now()); return err },
		"setting":     func(ctx context.Context, tx *store.Tx) error { _, err := tx.Setting(ctx, "database"); return err },
		"imported":    func(ctx context.Context, tx *store.Tx) error { _, err := tx.Imported(ctx, "."); return err },
		"name":        func(ctx context.Context, tx *store.Tx) error { _, err := tx.Names().OwnerOf(ctx, "x-42"); return err },
		"generated id": func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Names().GeneratedID(ctx, "acme")
			return err
		},
		"verdict": func(ctx context.Context, tx *store.Tx) error {
			return tx.Verdict(ctx, credential.Subject{Organization: "acme", RoleARN: "arn:aws:iam::111122223333:role/media"})
		},
	}
	engines.Each(t, func(t *testing.T, o store.Options) {
		s := storetest.Open(t, o)
		for name, read := range reads {
			plans, err := s.Plans(t.Context(), read)
			if err != nil || len(plans) == 0 {
				t.Errorf("%s: %d plans, %v", name, len(plans), err)
			}
			for _, plan := range plans {
				_, steps, _ := strings.Cut(plan, "\n")
				steps = strings.NewReplacer("SCAN audit USING INDEX audit_unlinked", "", "SCAN organizations USING INDEX organizations_declared", "").Replace(steps) // indexes of no more than is asked for
				if strings.Contains(steps, "SCAN") || strings.Contains(steps, "Seq Scan") || strings.Contains(steps, "Sort") || strings.Contains(steps, "TEMP B-TREE") {
					t.Errorf("%s:\n%s", name, plan)
				}
			}
		}
	})
}
