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

// target is what a proof is about: a role or a dispenser, as an organization
// uses it.
type target interface {
	subject() Subject
	// ask makes the call of a probe: all alike but for the external id, nil for
	// none. What it brings is thrown away.
	ask(ctx context.Context, externalID *string) answer
	// unsafe says what it means that these probes were wrongly accepted.
	unsafe(wrong []plannedProbe) error
	// before gives the id of the one that answered before, given the verdict
	// so far and the id of the one that answers now, if there was none.
	before(ctx context.Context, old Verdict, now string) (string, error)
	// moved judges that the probes passed, but another one answered them than
	// before: nil lets its verdict stand. Otherwise the old one is kept, and
	// moved has ended what rests on it.
	moved(from, to string) error
	event(kind EventKind, fill func(*Event)) Event
}

// answer is how a probe was answered.
type answer struct {
	outcome  Outcome
	detail   string // where the outcome needs one
	id       string // where accepted: the unique id of who answered
	err      error  // where not: explained for users
	hopeless bool   // the other probes would be answered the same
}

// abreast is how many of the probes that must be refused are under way at
// once. All of them go in two rounds.
const abreast = maxProbes/2 - 1

// proof probes a target, keeps the result and tells of it. Old is its verdict
// so far.
func (v *Vault) proof(ctx context.Context, t target, old Verdict) (verdict Verdict, err error) {
	defer catchPanic(&err)
	plan, err := v.probes(t.subject().ExternalID)
	if err != nil {
		return Verdict{}, err
	}
	verdict, err = v.decide(ctx, t, old, plan)
	v.refusals.note(t.subject(), err, v.options.Now())
	v.options.OnEvent(t.event(EventProof, func(e *Event) { e.Passed = err == nil }))
	return verdict, err
}

// decide probes a target and keeps what that says of it.
func (v *Vault) decide(ctx context.Context, t target, old Verdict, plan []plannedProbe) (verdict Verdict, err error) {
	defer catchPanic(&err)
	s := t.subject()
	verdict, err = v.probe(ctx, t, plan)
	switch {
	case errors.Is(err, ErrUnsafe):
		return verdict, v.refute(ctx, t, old, err)
	case err != nil:
		return verdict, err
	}
	from, err := t.before(ctx, old, verdict.RoleID)
	if err != nil {
		return Verdict{}, v.claimed(ctx, s, err)
	}
	changed := from != verdict.RoleID
	if changed {
		defer v.tellDrift(ctx, t, s.changed()) // last, so that no panic in OnEvent keeps work going
		if err := t.moved(from, verdict.RoleID); err != nil {
			verdict.Passed = false
			return verdict, err
		}
	}
	verdict.Checked = v.options.Now()
	verdict.First = verdict.Checked
	if old.Passed && !changed && !old.First.After(verdict.Checked) {
		verdict.First = old.First
	}
	verdict, err = v.keep(ctx, s, old, verdict)
	if changed && err == nil {
		v.end(s, wasRecreated(s))
	}
	return verdict, err
}

// keep keeps a proof's verdict in place of the old one. Of two proofs at a time
// the first one's stands, so that what rests on it goes on. When the old
// verdict was taken back meanwhile, the new one counts for nothing: else a
// proof that was under way would undo a release.
func (v *Vault) keep(ctx context.Context, s Subject, old, verdict Verdict) (Verdict, error) {
	err := v.options.Verdicts.Put(ctx, s, old, verdict)
	switch {
	case err == nil:
		return verdict, nil
	case !errors.Is(err, ErrStale):
		return Verdict{}, v.claimed(ctx, s, err)
	}
	stands, err := v.kept(ctx, s)
	switch {
	case err != nil:
		return Verdict{}, err
	case stands.Passed && stands.RoleID == verdict.RoleID:
		verdict.First, verdict.Checked = stands.First, stands.Checked
		return verdict, nil
	}
	verdict.Passed = false
	return verdict, &rolecall.Error{
		Code: rolecall.Unavailable, Message: fmt.Sprintf("what was known of %s was changed or taken back while it was proved", s),
		Hint: "try again", Err: ErrStale,
	}
}

// refute takes back what rests on the verdict of a target that is unsafe.
func (v *Vault) refute(ctx context.Context, t target, old Verdict, why error) error {
	if old.Passed {
		why = drifted(why)
		defer v.tellDrift(ctx, t, untrusted)
	}
	if err := v.withdraw(ctx, t.subject(), lostTrust(t.subject(), why)); err != nil {
		return err
	}
	return why
}

// probe makes the planned calls: the right external id, then side by side all
// that must be refused, then the right one again. It goes on after a wrong
// answer, to tell all of them, and after one that proves nothing, since one
// that does may follow and counts more. Probes are listed and told of in the
// order of the plan.
func (v *Vault) probe(ctx context.Context, t target, plan []plannedProbe) (Verdict, error) {
	p := probing{target: t, tell: v.options.OnEvent}
	last := len(plan) - 1
	p.read(plan[0], askOnce(ctx, t, plan[0].id))
	if p.stop == nil {
		answers := askAbreast(ctx, t, plan[1:last])
		for i, a := range answers {
			if a.outcome != "" {
				p.read(plan[1+i], a)
			}
		}
	}
	if p.stop == nil && p.refused == nil {
		p.read(plan[last], askOnce(ctx, t, plan[last].id))
	}
	return p.end()
}

// askAbreast makes the calls of probes side by side. When one of them is
// answered in a way that makes the others useless, no more are begun, and
// those have no outcome.
func askAbreast(ctx context.Context, t target, plan []plannedProbe) []answer {
	answers := make([]answer, len(plan))
	var calls errgroup.Group
	calls.SetLimit(abreast)
	var mu sync.Mutex // guards useless
	useless := false
	for i, planned := range plan {
		if planned.skip != "" {
			answers[i] = answer{outcome: Skipped, detail: planned.skip}
			continue
		}
		calls.Go(func() error {
			mu.Lock()
			enough := useless
			mu.Unlock()
			if enough {
				return nil
			}
			a := askOnce(ctx, t, planned.id)
			answers[i] = a
			mu.Lock()
			defer mu.Unlock()
			useless = useless || a.useless()
			return nil
		})
	}
	_ = calls.Wait() // answers hold their errors
	return answers
}

// askOnce asks in a goroutine of its own, where a panic would end the process.
func askOnce(ctx context.Context, t target, externalID *string) answer {
	var err error
	a := func() answer {
		defer catchPanic(&err)
		return t.ask(ctx, externalID)
	}()
	if err != nil {
		return answer{outcome: Unknown, detail: "an internal error", err: err, hopeless: true}
	}
	return a
}

func (a answer) useless() bool {
	return errors.Is(a.err, context.Canceled) || a.outcome == Unknown && a.hopeless
}

// probing collects the answers to a proof's probes.
type probing struct {
	target
	tell    func(Event)
	verdict Verdict
	wrong   []plannedProbe // that were accepted
	refused error          // the right external id
	stop    error          // nothing more is to be learnt
	doubt   error          // an answer that proves nothing
}

func (p *probing) read(planned plannedProbe, a answer) {
	done := Probe{Name: planned.name, Outcome: a.outcome, Detail: a.detail}
	p.verdict.Probes = append(p.verdict.Probes, done)
	p.tell(p.event(EventProbe, func(e *Event) { e.Probe = &done }))
	switch {
	case errors.Is(a.err, context.Canceled):
		p.stop = cmp.Or(p.stop, a.err)
	case a.useless():
		p.stop = cmp.Or(p.stop, p.unproved(done, a.err))
	case a.outcome == Unknown:
		p.doubt = cmp.Or(p.doubt, p.unproved(done, a.err))
	case planned.accept && a.outcome == Refused:
		p.refused = withdrawn(a.err)
	case planned.accept && p.verdict.RoleID != "" && a.id != p.verdict.RoleID:
		p.stop = &rolecall.Error{Code: rolecall.Unavailable, Message: p.subject().String() + " was recreated while it was probed", Hint: "try again"}
	case planned.accept:
		p.verdict.RoleID = a.id
	case a.outcome == Accepted:
		p.wrong = append(p.wrong, planned)
	}
}

func (p *probing) end() (Verdict, error) {
	switch {
	case len(p.wrong) > 0: // whatever came after
		return p.verdict, p.unsafe(p.wrong)
	case p.refused != nil || p.stop != nil || p.doubt != nil:
		return p.verdict, cmp.Or(p.refused, p.stop, p.doubt)
	}
	p.verdict.Passed = true
	return p.verdict, nil
}

// unproved says why a probe proves nothing; the cause is the answer to it.
func (p *probing) unproved(probe Probe, answer error) error {
	e := *rolecall.List(answer)[0]
	e.Message = fmt.Sprintf("%s could not be proved safe (probe %s): %s", p.subject(), probe.Name, e.Message)
	return &e
}

// withdrawn marks the refusal of the right external id: whatever rests on an
// earlier verdict must go.
func withdrawn(err error) error {
	e := *rolecall.List(err)[0]
	e.Err = errors.Join(ErrUnsafe, e.Err)
	return &e
}
