package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// Check is a check of a connection, as far as it is.
type Check struct {
	ID           string                `json:"id"`
	Organization string                `json:"organization"`
	Connection   string                `json:"connection"`
	Result       *rolecall.CheckResult `json:"result"` // null: it runs
	Steps        []rolecall.CheckStep  `json:"steps"`  // those that have ended
	Started      time.Time             `json:"started"`
	Ended        *time.Time            `json:"ended"` // null: it runs
	// Interrupted says that it ended with the service, before its steps did: it
	// found nothing.
	Interrupted bool `json:"interrupted,omitempty"`
}

// checkOf returns a check as an actor sees it. The holder of a setup link sees no
// key of an object.
func checkOf(c Call, stored store.Check) Check {
	out := Check{
		ID: stored.ID, Organization: stored.Organization, Connection: stored.Report.Connection, Steps: append([]rolecall.CheckStep{}, stored.Report.Steps...),
		Started: stored.Started.UTC(), Ended: orNull(stored.Ended),
	}
	if c.Actor.Role == account.Setup {
		out.Steps = redact(out.Steps, stored.ObjectKeys)
	}
	switch {
	case stored.Report.Result != "":
		out.Result = &stored.Report.Result
	case !stored.Ended.IsZero():
		failed := rolecall.CheckFail
		out.Result, out.Interrupted = &failed, true
	}
	return out
}

// NewCheck is what StartCheck takes. All is optional.
type NewCheck struct {
	Deep bool `json:"deep,omitempty"` // write and delete a real object, too
	// Wait is for how long a denied step is tried again. Left out: not at all, but
	// for two minutes from the first check that finds the connection, or its
	// external id, other than the check before it did.
	Wait *Duration `json:"wait,omitempty"`
	// Policies are documents as the account has them, by kind: a document, or a
	// list of those of which there can be several.
	Policies map[policy.Kind]json.RawMessage `json:"policies,omitempty"`

	given []correct.Given
	size  int // of the policies, in bytes
}

// maxPolicy is more than any policy that AWS stores has, with all the white space
// that an editor gives it.
const maxPolicy = 128 << 10

// maxWait bounds NewCheck.Wait.
const maxWait = Duration(10 * time.Minute)

func (n *NewCheck) validate() error {
	var faults rolecall.Errors
	if n.Wait != nil && *n.Wait > maxWait {
		faults.Add("/wait", "a check waits at most 10m", "You: write 10m or less")
	}
	for _, kind := range slices.Sorted(maps.Keys(n.Policies)) {
		text := n.Policies[kind]
		at := strict.Pointer("policies", string(kind))
		documents := []json.RawMessage{text}
		if strict.TypeOf(text) == strict.List {
			documents = nil // else the first would be read over the text
			if err := json.Unmarshal(text, &documents); err != nil {
				faults.Add(at, "not a list of policies", "You: send each policy as a JSON object")
				continue
			}
		}
		for _, document := range documents {
			if n.size += len(document); len(document) > maxPolicy {
				faults.Add(at, fmt.Sprintf("larger than %d KiB, and no policy at AWS is", maxPolicy>>10), "You: send the policy alone, as the account has it")
				continue
			}
			parsed, err := policy.Parse(document)
			if err != nil {
				faults.AddErr(at, err)
				continue
			}
			given := correct.Given{Kind: kind, File: string(kind), Document: parsed}
			if err := given.Fits(n.given); err != nil {
				faults.AddErr(at, err)
				continue
			}
			n.given = append(n.given, given)
		}
	}
	return faults.Err()
}

// StartCheck begins a check of a connection. One check of it runs at a time:
// the code of its error is Conflict if another does.
func (s *Service) StartCheck(ctx context.Context, c Call, organization, name string, body Body) (Check, error) {
	op := operation{action: account.CheckStart, organization: organization, connection: name, target: "connections/" + name, body: body, creates: true}
	var begin func()
	id := job.NewID()
	out, err := change(ctx, s, c, op, (*NewCheck).validate, func(ctx context.Context, tx *store.Tx, n NewCheck) (Check, error) {
		begin = nil
		o, err := tx.Organization(ctx, organization)
		if err != nil {
			return Check{}, err
		}
		stored, err := connection(ctx, tx, c, organization, name)
		if err != nil {
			return Check{}, err
		}
		if err := mayCheck(ctx, tx, c, stored); err != nil {
			return Check{}, err
		}
		proves, err := mayProve(ctx, tx, o, stored.Declared)
		if err != nil {
			return Check{}, err
		}
		whole, err := s.declared(ctx, tx, o)
		if err != nil {
			return Check{}, err
		}
		request, err := s.checkRequest(id, whole, stored, n)
		if err != nil {
			return Check{}, err
		}
		kept := store.Check{
			ID: request.ID, Organization: organization, Connection: stored.ID, Started: tx.Now(), StartedBy: c.Actor.ID, ObjectKeys: []string{stored.Declared.ProbeKey}, Proves: proves,
			Report: rolecall.CheckReport{Organization: organization, Connection: name},
		}
		// It is known here before the database has it, so that another which is in
		// the database alone is one that nobody runs.
		r := &running{
			checked: subject{stored, whole.ExternalIDFor(stored.Declared)}, stored: kept, changed: make(chan struct{}), call: c, policies: n.size, declared: c.Actor.Kind == account.KindHost,
		}
		if err := s.checks.add(id, r); err != nil {
			return Check{}, err
		}
		switch other, err := s.underWay(ctx, tx, stored.ID); {
		case err != nil:
			return Check{}, err
		case other != "":
			return Check{}, &rolecall.Error{
				Code: rolecall.Conflict, Message: fmt.Sprintf("the check %s of the connection runs already", other),
				Hint: "You: wait for it to end",
			}
		}
		begin = func() { s.begin(r, request, n.Wait) }
		return checkOf(c, kept), tx.InsertCheck(ctx, kept)
	})
	if err == nil && begin != nil && !c.DryRun {
		begin()
	} else {
		s.checks.set(id, nil)
	}
	return out, err
}

// underWay returns the id of the check of a connection that runs; empty: none does.
// One that nobody runs any more, since its end could not be stored, ends.
func (s *Service) underWay(ctx context.Context, tx *store.Tx, connection string) (id string, err error) {
	left, err := tx.RunningCheck(ctx, connection)
	if err != nil {
		return "", ignoreNone(err)
	}
	if s.checks.get(left.ID) != nil {
		return left.ID, nil
	}
	left.Ended = tx.Now()
	return "", tx.EndCheck(ctx, left)
}

// checkRequest says what to check.
func (s *Service) checkRequest(id string, o rolecall.Organization, stored store.Connection, n NewCheck) (check.Request, error) {
	if s.settings().Worker == nil {
		return check.Request{}, errNoPrincipal
	}
	r := check.Request{
		ID: id, Organization: o, Connection: stored.Declared, Vendor: s.vendor(), Policies: n.given, Deep: n.Deep, Remote: true, Log: s.log,
	}
	r.Organization.Connections[stored.Declared.Name] = stored.Declared
	r.Faults.AddErr("", stored.Declared.Validate())
	var err error
	if r.Principal, err = s.vendor().PrincipalFor("", stored.Declared.Region); err != nil {
		r.Faults.AddErr("", err)
	}
	if len(n.given) > 0 && stored.Declared.RoleARN == "" {
		return r, &rolecall.Error{Code: rolecall.Invalid, Pointer: "/policies", Message: "the connection has no role, so no policies can be judged", Hint: "You: leave policies out"}
	}
	var faults rolecall.Errors
	for _, given := range n.given {
		faults.AddErr("/policies/"+string(given.Kind), given.Concerns(stored.Declared))
	}
	if err := faults.Err(); err != nil {
		return r, err
	}
	return r, nil
}

// begin runs a check that was stored.
func (s *Service) begin(r *running, request check.Request, wait *Duration) {
	ctx, stop := context.WithCancel(s.ctx)
	r.mayStop(stop)
	s.work.Go(func() {
		defer stop()
		defer s.checkSuperseded(r.checked.Connection)
		defer s.checks.set(request.ID, nil)
		records := &records{service: s, running: r}
		err := safely.Do(func() error {
			worker, done, err := s.take()
			if err != nil {
				return err
			}
			defer done()
			_, _, err = check.Recorded(onlyWhile(ctx, r.checked), request, worker, records, func(q *check.Request) {
				if wait != nil {
					q.Wait = time.Duration(*wait)
				}
			}, func(e check.Event) {
				if e.Kind == check.Ended {
					r.update(func(c *store.Check) {
						c.Report.Steps, c.ObjectKeys = append(c.Report.Steps, e.Ended), append(c.ObjectKeys, e.Ended.ObjectKeys...)
					})
				}
			})
			return err
		})
		if err == nil {
			return
		}
		if ctx.Err() == nil && !errors.Is(err, errOutdated) {
			s.log.WarnContext(s.ctx, "a check was interrupted", "org", request.Organization.APIName, "connection", request.Connection.Name, "check", request.ID, "error", err)
		}
		if err := s.endInterrupted(r); err != nil {
			s.log.WarnContext(s.ctx, "the check was not recorded", "org", request.Organization.APIName, "connection", request.Connection.Name, "check", request.ID, "error", err)
		}
	})
}

// records implements check.Records for one check.
type records struct {
	service *Service
	running *running
}

// Changed implements check.Records.
func (r *records) Changed(ctx context.Context, _ rolecall.Organization, _ rolecall.Connection, p rolecall.Principal, revision string) (since time.Time, err error) {
	checked := r.running.checked
	err = r.service.store.Change(ctx, func(ctx context.Context, tx *store.Tx) error {
		if still, err := unchanged(ctx, tx, checked); err != nil || !still {
			return cmp.Or(err, error(errOutdated))
		}
		since, err = tx.Revision(ctx, checked.Organization, checked.ID, p.Name, revision)
		return err
	})
	return since, err
}

// Keep implements check.Records: the report, and the connection's status by it,
// unless the connection, or the external id in force, changed meanwhile.
func (r *records) Keep(_ context.Context, report rolecall.CheckReport) (string, error) {
	var kept store.Check
	err := r.service.persist(func(ctx context.Context, tx *store.Tx) error {
		kept, _ = r.running.now()
		kept.Report, kept.Ended = report, tx.Now()
		if err := tx.EndCheck(ctx, kept); err != nil {
			return err
		}
		return putStatus(ctx, tx, r.running.checked, report, kept.Ended)
	})
	if err == nil {
		r.running.update(func(c *store.Check) { *c = kept })
	}
	return "", err
}

// statusOf returns what a report makes of its connection, and why.
func statusOf(report rolecall.CheckReport) (status, reason string) {
	for _, step := range report.Steps {
		if step.Result == rolecall.CheckFail {
			reason = step.Step + ": " + step.Message
			break
		}
	}
	switch report.Result {
	case rolecall.CheckPass, rolecall.CheckWarn:
		return string(Verified), ""
	case rolecall.CheckDrift:
		return string(Drifted), reason
	}
	return string(Failed), reason
}
