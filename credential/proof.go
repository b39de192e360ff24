package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rolecall/rolecall"
)

// parallelProbes is how many of the probes that must be refused are under way
// at once. All of them go in two rounds.
const parallelProbes = maxProbes/2 - 1

// probe makes the planned calls: the right external id, then side by side all
// that must be refused, then the right one again. It goes on after a wrong
// answer, to find all of them, and after one that proves nothing, since one
// that does may follow and counts more. Probes are listed and reported in the
// order of the plan.
func (v *Vault) probe(ctx context.Context, t target, plan []plannedProbe) (Verdict, error) {
	p := proof{target: t, report: v.report}
	last := len(plan) - 1
	p.read(plan[0], ask(ctx, t, plan[0].id))
	if p.stop == nil {
		answers := askAll(ctx, t, plan[1:last])
		for i, a := range answers {
			if a.outcome != "" {
				p.read(plan[1+i], a)
			}
		}
	}
	if p.stop == nil && p.refused == nil {
		p.read(plan[last], ask(ctx, t, plan[last].id))
	}
	return p.result()
}

// askAll makes the calls of probes side by side. When one of them is answered
// in a way that makes the others useless, no more are begun, and those have no
// outcome.
func askAll(ctx context.Context, t target, plan []plannedProbe) []answer {
	answers := make([]answer, len(plan))
	var calls errgroup.Group
	calls.SetLimit(parallelProbes)
	var mu sync.Mutex // guards enough
	enough := false
	for i, planned := range plan {
		if planned.skip != "" {
			answers[i] = answer{outcome: Skipped, detail: planned.skip}
			continue
		}
		calls.Go(func() error {
			mu.Lock()
			stop := enough
			mu.Unlock()
			if stop {
				return nil
			}
			a := ask(ctx, t, planned.id)
			answers[i] = a
			mu.Lock()
			defer mu.Unlock()
			enough = enough || a.endsProof()
			return nil
		})
	}
	_ = calls.Wait() // answers hold their errors
	return answers
}

// ask makes the call of one probe. A panic is an answer that proves nothing.
func ask(ctx context.Context, t target, externalID *string) answer {
	var err error
	a := func() answer {
		defer catchPanic(&err)
		return t.ask(ctx, externalID)
	}()
	if err != nil {
		return answer{outcome: Unknown, detail: "an internal error", err: err, sameToAll: true}
	}
	return a
}

// endsProof reports whether more probes would say nothing new.
func (a answer) endsProof() bool {
	return errors.Is(a.err, context.Canceled) || a.outcome == Unknown && a.sameToAll
}

// proof collects the answers to the probes of a target.
type proof struct {
	target
	report   func(Event)
	verdict  Verdict
	accepted []plannedProbe // that must not be
	refused  error          // the right external id was
	stop     error          // more probes would say nothing new
	unclear  error          // an answer proved nothing
}

func (p *proof) read(planned plannedProbe, a answer) {
	done := Probe{Name: planned.name, Outcome: a.outcome, Detail: a.detail}
	p.verdict.Probes = append(p.verdict.Probes, done)
	e := p.event(EventProbe)
	e.Probe = &done
	p.report(e)
	switch {
	case errors.Is(a.err, context.Canceled):
		p.stop = cmp.Or(p.stop, a.err)
	case a.endsProof():
		p.stop = cmp.Or(p.stop, p.unproved(done, a.err))
	case a.outcome == Unknown:
		p.unclear = cmp.Or(p.unclear, p.unproved(done, a.err))
	case planned.accept && a.outcome == Refused:
		p.refused = markUnsafe(a.err)
	case planned.accept && p.verdict.RoleID != "" && a.id != p.verdict.RoleID:
		p.stop = &rolecall.Error{Code: rolecall.Unavailable, Message: p.subject().String() + " was recreated while it was probed", Hint: "You: try again"}
	case planned.accept:
		p.verdict.RoleID = a.id
	case a.outcome == Accepted:
		p.accepted = append(p.accepted, planned)
	}
}

func (p *proof) result() (Verdict, error) {
	switch {
	case len(p.accepted) > 0: // whatever came after
		return p.verdict, p.unsafe(p.accepted)
	case p.refused != nil || p.stop != nil || p.unclear != nil:
		return p.verdict, cmp.Or(p.refused, p.stop, p.unclear)
	}
	p.verdict.Passed = true
	return p.verdict, nil
}

// unproved says why a probe proves nothing; the cause is the answer to it.
func (p *proof) unproved(probe Probe, answer error) error {
	e := *rolecall.List(answer)[0]
	e.Message = fmt.Sprintf("%s could not be proved safe (probe %s): %s", p.subject(), probe.Name, e.Message)
	return &e
}

// markUnsafe marks the refusal of the right external id: whatever rests on an
// earlier verdict must end.
func markUnsafe(err error) error {
	e := *rolecall.List(err)[0]
	e.Err = errors.Join(ErrUnsafe, e.Err)
	return &e
}
