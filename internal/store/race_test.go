package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/store/storetest"
	"github.com/rolecall/rolecall/internal/tenant"
)

// Of a hundred who claim a role, or take a name or an external id, at once and
// from two processes, one has it; all others get the error that it is another's.
func TestOneWinner(t *testing.T) {
	t.Parallel()
	for what, claim := range map[string]func(ctx context.Context, s *store.Store, organization string) error{
		"role": func(ctx context.Context, s *store.Store, organization string) error {
			return s.Verdicts().Put(ctx, credential.Subject{Organization: organization, Principal: "p", RoleARN: "arn:aws:iam::111122223333:role/media", ExternalID: "id of " + organization},
				credential.Verdict{}, credential.Verdict{Passed: true, First: time.Now(), Checked: time.Now()})
		},
		"name": func(ctx context.Context, s *store.Store, organization string) error {
			return s.Names().Take(ctx, "wanted", organization)
		},
		"external id, with the organization": func(ctx context.Context, s *store.Store, organization string) error {
			return s.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
				for _, name := range []string{organization, "Wanted-42"} {
					if err := tx.TakeName(ctx, name, organization); err != nil {
						return err
					}
				}
				return tx.InsertOrganization(ctx, store.Organization{ID: "id-" + organization, APIName: organization, ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "Wanted-42"}})
			})
		},
		"name, by import": func(ctx context.Context, s *store.Store, organization string) error {
			return s.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
				return tx.TakeDigest(ctx, tenant.Digest("WANTED"), organization)
			})
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			engines.Each(t, func(t *testing.T, o store.Options) {
				stores := []*store.Store{storetest.Open(t, o), storetest.Open(t, o)}
				var mu sync.Mutex
				var winners []string
				var all sync.WaitGroup
				for i := range 100 {
					all.Go(func() {
						organization := fmt.Sprintf("org-%d", i)
						err := claim(t.Context(), stores[i%2], organization)
						var taken *tenant.TakenError
						var claimed *credential.ClaimedError
						mu.Lock()
						defer mu.Unlock()
						switch {
						case err == nil:
							winners = append(winners, organization)
						case !errors.As(err, &taken) && !errors.As(err, &claimed):
							t.Error(err)
						}
					})
				}
				all.Wait()
				if len(winners) != 1 {
					t.Fatalf("won by %v", winners)
				}
				// Nobody else is left with a part of it.
				err := stores[0].View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					made, err := tx.Organizations(ctx, store.Page{Limit: 200})
					if len(made) > 1 || len(made) == 1 && made[0].APIName != winners[0] {
						t.Errorf("organizations: %v", made)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if err := claim(t.Context(), stores[1], "late"); err == nil {
					t.Error("somebody who comes late has it too")
				}
			})
		})
	}
}

// Times come back as they were put, to the microsecond, and those of verdicts to
// the nanosecond, whatever their zone: a verdict's is compared for equality.
func TestExactly(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		s := storetest.Open(t, o)
		far := time.FixedZone("far", -7*3600)
		for _, at := range []time.Time{
			time.Date(2026, 11, 30, 22, 13, 14, 123456789, time.UTC), time.Date(2026, 11, 30, 22, 13, 15, 999999999, far), time.Date(1969, 7, 20, 20, 17, 40, 1000, time.UTC), {},
		} {
			subject := credential.Subject{Organization: "acme", Principal: "p", RoleARN: "arn:aws:iam::111122223333:role/at-" + at.Format("20060102150405.000000000")}
			put := credential.Verdict{Passed: true, First: at, Checked: at.Add(time.Nanosecond), RoleID: "AROA"}
			if err := s.Verdicts().Put(t.Context(), subject, credential.Verdict{}, put); err != nil {
				t.Fatal(err)
			}
			got, err := s.Verdicts().Get(t.Context(), subject)
			if err != nil || !got.First.Equal(put.First) || !got.Checked.Equal(put.Checked) {
				t.Errorf("%v: %+v, %v", at, got, err)
			}
			if err := s.Verdicts().Put(t.Context(), subject, got, put); err != nil {
				t.Errorf("%v: in place of itself: %v", at, err)
			}

			micro := at.Truncate(time.Microsecond)
			connection := store.Connection{
				ID: subject.RoleARN, Organization: "acme", Declared: rolecall.Connection{Name: at.Format("x-20060102150405"), Purpose: rolecall.Source},
				Status: "verified", Checked: micro.UTC(), Verified: micro.UTC(), Created: micro.UTC(), Changed: micro.UTC(), Revision: 1 << 40,
			}
			err = s.Change(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.PutConnection(ctx, connection) })
			if err != nil {
				t.Fatal(err)
			}
			err = s.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.Connection(ctx, "acme", connection.Declared.Name)
				if diff := cmp.Diff(connection, got); diff != "" {
					t.Errorf("%v: %s", at, diff)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}
