package check

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/safely"
)

// Records keeps what checks leave.
type Records interface {
	// Changed records the revision of a connection, as its jobs by the principal
	// see it, and returns since when it has been that: zero if no other was
	// recorded before.
	Changed(ctx context.Context, o rolecall.Organization, c rolecall.Connection, p rolecall.Principal, revision string) (time.Time, error)
	// Keep keeps the last report of a connection, and returns where, for the
	// operator. It keeps none of a connection whose name is not well formed, and
	// returns nothing then.
	Keep(ctx context.Context, report rolecall.CheckReport) (string, error)
}

// Spreads is for how long a change at AWS may take to be seen everywhere.
const Spreads = 2 * time.Minute

// Checker makes checks, as Run does.
type Checker interface {
	Check(ctx context.Context, r Request, observe func(Event)) rolecall.CheckReport
}

// Recorded makes a check, and records the connection before it and
// the report after it, unless the context was cancelled. It returns where the
// report is kept. Begin, which may change how long the request waits, is called
// in between: until what changed in the connection a moment ago has had its time
// to spread.
func Recorded(ctx context.Context, r Request, c Checker, records Records, begin func(*Request), observe func(Event)) (rolecall.CheckReport, string, error) {
	since, err := records.Changed(ctx, r.Organization, r.Connection, r.Principal, Revision(r.Organization, r.Connection, r.Principal))
	if err != nil {
		return rolecall.CheckReport{}, "", err
	}
	if r.Wait = 0; !since.IsZero() {
		r.Wait = min(max(0, Spreads-time.Since(since)), Spreads)
	}
	begin(&r)
	report := c.Check(ctx, r, observe)
	if ctx.Err() != nil {
		return report, "", ctx.Err()
	}
	place, err := records.Keep(ctx, report)
	return report, place, err
}

// Revision names all that shapes a connection's check by a principal: Records
// know the connection by it.
func Revision(o rolecall.Organization, c rolecall.Connection, p rolecall.Principal) string {
	connection, _ := json.Marshal(c) // strings, numbers and booleans
	h := sha256.New()
	for _, part := range []string{string(connection), p.ARN.String(), "", o.ExternalIDFor(c)} { // as in records that there are
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// atOnce is how many checks run side by side.
const atOnce = 4

// All makes recorded checks side by side, but those with one role or dispenser
// one after the other: they would prove it at once, against each other. It
// returns the reports of those that ended, in the order of the requests. After
// the first error, or when the context is cancelled, no other check begins.
func All(ctx context.Context, requests []Request, c Checker, records Records, begin func(*Request), ended func(rolecall.CheckReport)) ([]rolecall.CheckReport, error) {
	var one sync.Mutex // calls ended
	reports, faults := make([]*rolecall.CheckReport, len(requests)), make([]error, len(requests))
	checks, ctx := errgroup.WithContext(ctx)
	checks.SetLimit(atOnce)
	for _, together := range byRole(requests) {
		checks.Go(func() error {
			for _, i := range together {
				var report rolecall.CheckReport
				err := safely.Do(func() (err error) {
					report, _, err = Recorded(ctx, requests[i], c, records, begin, nil)
					return err
				})
				var panicked *safely.Panic
				if errors.As(err, &panicked) { // costs no other connection its check
					faults[i] = fmt.Errorf("check of the connection %s of %s: %w", requests[i].Connection.Name, requests[i].Organization.APIName, err)
					continue
				}
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if len(report.Steps) > 0 { // though it may not have been kept
					reports[i] = &report
					if ended != nil {
						one.Lock()
						ended(report)
						one.Unlock()
					}
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := errors.Join(append(faults, checks.Wait())...)
	out := []rolecall.CheckReport{}
	for _, r := range reports {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out, err
}

// byRole groups the indexes of requests with one role or dispenser.
func byRole(requests []Request) [][]int {
	var groups [][]int
	group := map[string]int{}
	for i, r := range requests {
		from := cmp.Or(strings.ToLower(r.Connection.RoleARN), fmt.Sprint(i))
		if source := r.Connection.HTTPCredentialSource; source != nil {
			from = source.Normal().URL
		}
		g, ok := group[from]
		if !ok {
			g = len(groups)
			group[from], groups = g, append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}
