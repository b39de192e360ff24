package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall/rolecall"
)

// target is what is proved and claimed: a role or a dispenser, as an
// organization uses it. Only admission makes targets, so whatever is called was
// admitted before.
type target interface {
	subject() Subject
	event(EventKind) Event
	// ready returns why no probe can be made at all, or nil.
	ready(context.Context) error
	// ask makes the call of a probe with the external id, or without one for
	// nil. All probes are alike otherwise. The credentials that it brings are
	// thrown away.
	ask(ctx context.Context, externalID *string) answer
	// unsafe returns the error that says what it means that these probes were
	// accepted.
	unsafe(accepted []plannedProbe) error
	// previousID returns the unique id that answered before, given the stored
	// verdict and the id that answers now; the latter if there was no other.
	previousID(ctx context.Context, stored Verdict, now string) (string, error)
	// replaced judges that all probes passed, but that the id that answers is
	// another than before. If it returns nil, the new verdict counts. Otherwise
	// the stored one stays, and what rests on it has ended.
	replaced(previous, now string) error
}

// answer is how a probe was answered.
type answer struct {
	outcome   Outcome
	detail    string // where the outcome needs one
	id        string // where accepted: the unique id of who answered
	err       error  // where not: explained for users
	sameToAll bool   // the other probes would be answered in the same way
}

// verdict returns a passing verdict that is not due for renewal. It proves the
// target if need be; requests for different sessions of a role share one proof.
//
// Current is of the verdict that a credential in use rests on, zero if there is
// none. If that verdict was taken back since, the credential is not renewed and
// what rests on it ends: otherwise work would claim again what was just taken
// from it.
func (v *Vault) verdict(ctx context.Context, t target, current verdictID) (Verdict, error) {
	s := t.subject()
	stored, err := v.ownVerdict(ctx, s)
	if err != nil {
		return Verdict{}, err
	}
	if current != (verdictID{}) {
		if cause := current.whyEnded(s, stored); cause != nil {
			v.end(s, cause)
			return Verdict{}, cause
		}
	}
	if v.isValid(stored) {
		return stored, nil
	}
	// Whoever asks here is a fetch of the cache, whose context outlives those
	// who wait for it, so it does not matter in which of them the proof runs.
	shared, err, _ := v.proofs.Do(s.Digest(), func() (any, error) {
		stored, err := v.ownVerdict(ctx, s) // another proof may have ended meanwhile
		if err != nil || v.isValid(stored) {
			return stored, err
		}
		if err := v.refusals.remembered(s, v.options.Now()); err != nil {
			return Verdict{}, err
		}
		if !stored.Passed {
			if err := v.quotas.count(s, v.options.NewRoles, v.options.Now()); err != nil {
				return Verdict{}, err
			}
		}
		done, err := v.quotas.turn(ctx, s)
		if err != nil {
			return Verdict{}, err
		}
		defer done()
		return v.prove(ctx, t, stored)
	})
	verdict, _ := shared.(Verdict)
	return verdict, err
}

func (v *Vault) isValid(stored Verdict) bool {
	return stored.valid(v.options.Now(), v.options.ProveEvery)
}

// proveNow proves a target, whatever verdict is stored on it, when no other proof
// of its organization and principal is under way.
func (v *Vault) proveNow(ctx context.Context, t target) (_ Verdict, err error) {
	defer catchPanic(&err)
	s := t.subject()
	done, err := v.quotas.turn(ctx, s)
	if err != nil {
		return Verdict{}, err
	}
	defer done()
	stored, err := v.ownVerdict(ctx, s)
	if err != nil {
		return Verdict{}, err
	}
	if declared := v.options.Declared; !stored.Passed && declared != nil && !declared(s.Organization, s.RoleARN) {
		if err := v.quotas.count(s, v.options.NewRoles, v.options.Now()); err != nil {
			return Verdict{}, err
		}
	}
	return v.prove(ctx, t, stored)
}

// prove probes a target, stores the result in place of the stored verdict, and
// reports it.
func (v *Vault) prove(ctx context.Context, t target, stored Verdict) (verdict Verdict, err error) {
	defer catchPanic(&err)
	if err := t.ready(ctx); err != nil {
		return Verdict{}, err
	}
	var retired []string
	if v.options.Retired != nil {
		if retired, err = v.options.Retired(ctx, t.subject().Organization); err != nil {
			return Verdict{}, fmt.Errorf("read the external ids that were replaced: %w", err)
		}
	}
	plan, err := planProbes(v.options.Rand, t.subject().ExternalID, retired)
	if err != nil {
		return Verdict{}, err
	}
	verdict, err = v.judge(ctx, t, stored, plan)
	v.refusals.note(t.subject(), err, v.options.Now())
	e := t.event(EventProof)
	e.Passed = err == nil
	v.report(e)
	return verdict, err
}

// judge makes the planned probes, and stores or withdraws what follows from
// them.
func (v *Vault) judge(ctx context.Context, t target, stored Verdict, plan []plannedProbe) (verdict Verdict, err error) {
	defer catchPanic(&err)
	s := t.subject()
	verdict, err = v.probe(ctx, t, plan)
	switch {
	case errors.Is(err, ErrUnsafe):
		return verdict, v.withdrawUnsafe(ctx, t, stored, verdict, err)
	case err != nil:
		return verdict, err
	}
	previous, err := t.previousID(ctx, stored, verdict.RoleID)
	if err != nil {
		return Verdict{}, v.explainStore(ctx, s, err)
	}
	changed := previous != verdict.RoleID
	if changed {
		defer v.reportDrift(ctx, t, s.changeReason())
		if err := t.replaced(previous, verdict.RoleID); err != nil {
			verdict.Passed = false
			return verdict, err
		}
	}
	verdict.Checked = v.options.Now()
	verdict.First = verdict.Checked
	if stored.Passed && !changed && !stored.First.After(verdict.Checked.Add(clockTolerance)) {
		verdict.First = stored.First
	}
	verdict, err = v.store(ctx, s, stored, verdict)
	if changed && err == nil {
		v.end(s, wasRecreated(s))
	}
	return verdict, err
}

// withdrawUnsafe ends what rests on the verdict of an unsafe target, in
// all regions: only where nothing but the right external id was refused, and
// that had not been accepted there before, may others still be right. It returns
// why the target is unsafe, marked as drift where it had passed.
func (v *Vault) withdrawUnsafe(ctx context.Context, t target, stored, found Verdict, why error) error {
	s := t.subject()
	if stored.Passed || found.acceptedWrong() {
		s = s.Anywhere()
	}
	if stored.Passed {
		why = drifted(why)
		defer v.reportDrift(ctx, t, untrusted)
	}
	if err := v.withdraw(ctx, s, lostTrust(s, why)); err != nil {
		return err
	}
	return why
}

// store stores a proof's verdict in place of the one that was stored before. Of
// two proofs at a time the first one's verdict stays, so that what rests on it
// goes on. If the previous verdict was taken back meanwhile, the new one counts
// for nothing: otherwise a proof that was under way would undo a release.
func (v *Vault) store(ctx context.Context, s Subject, previous, verdict Verdict) (Verdict, error) {
	err := v.options.Verdicts.Put(ctx, s, previous, verdict)
	switch {
	case err == nil:
		return verdict, nil
	case !errors.Is(err, ErrStale):
		verdict.Passed = false
		return verdict, v.explainStore(ctx, s, err)
	}
	stored, err := v.storedVerdict(ctx, s)
	switch {
	case err != nil:
		return Verdict{}, err
	case stored.Passed && stored.RoleID == verdict.RoleID:
		verdict.First, verdict.Checked = stored.First, stored.Checked
		return verdict, nil
	}
	verdict.Passed = false
	return verdict, &rolecall.Error{
		Code: rolecall.Unavailable, Message: fmt.Sprintf("what was known of %s was changed or taken back while it was proved", s),
		Hint: "You: try again", Err: ErrStale,
	}
}
