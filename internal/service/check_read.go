package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/internal/store"
)

// Check returns a check of a connection.
func (s *Service) Check(ctx context.Context, c Call, organization, name, id string) (Check, error) {
	out, _, err := s.WatchCheck(ctx, c, organization, name, id)
	return out, err
}

// WatchCheck returns how far a check is, and what is closed when it is further; nil
// if it has ended.
func (s *Service) WatchCheck(ctx context.Context, c Call, organization, name, id string) (Check, <-chan struct{}, error) {
	op := operation{action: account.CheckGet, organization: organization, connection: name, target: "connections/" + name + "/checks/" + id}
	var further <-chan struct{}
	r := s.checks.get(id) // first: one that ends meanwhile is no longer here, and not ended yet in what view reads
	out, err := view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (Check, error) {
		of, err := connection(ctx, tx, c, organization, name)
		if err != nil {
			return Check{}, err
		}
		stored, err := tx.Check(ctx, of.ID, id)
		if errors.Is(err, store.ErrNone) {
			err = &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("there is no check %q of the connection", id), Hint: "You: list the connection's checks"}
		}
		if err != nil {
			return Check{}, err
		}
		switch {
		case stored.Ended.IsZero() && r != nil:
			stored, further = r.now()
		case stored.Ended.IsZero(): // it begins or ends just now, or nobody stored its end yet
			further = after(time.Second)
		}
		if !stored.Ended.IsZero() {
			further = nil
		}
		return checkOf(c, stored), nil
	})
	return out, further, err
}

// after returns what is closed after a time.
func after(d time.Duration) <-chan struct{} {
	passed := make(chan struct{})
	time.AfterFunc(d, func() { _ = safely.Do(func() error { close(passed); return nil }) })
	return passed
}

// CheckSummary is a check in a list: its steps are in the check itself.
type CheckSummary struct {
	ID           string                `json:"id"`
	Organization string                `json:"organization"`
	Connection   string                `json:"connection"`
	Result       *rolecall.CheckResult `json:"result"` // null: it runs
	Started      time.Time             `json:"started"`
	Ended        *time.Time            `json:"ended"` // null: it runs
	// Interrupted says that it ended before its steps did: it found nothing.
	Interrupted bool `json:"interrupted,omitempty"`
}

// Checks returns the checks of a connection, without their steps.
func (s *Service) Checks(ctx context.Context, c Call, organization, name string, p Page) (List[CheckSummary], error) {
	op := operation{action: account.CheckGet, organization: organization, connection: name, target: "connections/" + name}
	return view(ctx, s, c, op, func(ctx context.Context, tx *store.Tx) (List[CheckSummary], error) {
		of, err := connection(ctx, tx, c, organization, name)
		if err != nil {
			return List[CheckSummary]{}, err
		}
		return page(p, "checks "+of.ID, func(p store.Page) ([]CheckSummary, []string, error) {
			stored, err := tx.Checks(ctx, of.ID, p)
			var list []CheckSummary
			var ids []string
			for _, found := range stored {
				whole := checkOf(c, found)
				list, ids = append(list, CheckSummary{
					ID: whole.ID, Organization: whole.Organization, Connection: name, Result: whole.Result, Started: whole.Started, Ended: whole.Ended, Interrupted: whole.Interrupted,
				}), append(ids, found.ID)
			}
			return list, ids, err
		})
	})
}
