package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall/rolecall"
)

// storedVerdict returns the stored verdict, even if it is due for renewal; the
// zero one if there is none.
func (v *Vault) storedVerdict(ctx context.Context, s Subject) (Verdict, error) {
	stored, err := v.options.Verdicts.Get(ctx, s)
	if err != nil {
		return Verdict{}, v.explainStore(ctx, s, err)
	}
	return stored, nil
}

// ownVerdict is storedVerdict, but of a role that another organization has
// claimed it returns none: it is probed like any other role, so that neither the
// answer nor the calls and the time that it takes tell that it is claimed. Only
// one that passes its probes for both is found out, by storing its verdict.
func (v *Vault) ownVerdict(ctx context.Context, s Subject) (Verdict, error) {
	stored, err := v.storedVerdict(ctx, s)
	var claimed *ClaimedError
	if errors.As(err, &claimed) {
		return Verdict{}, nil
	}
	return stored, err
}

// explainStore explains an error of the store: to the organization, another's
// claim looks like a role that is not usable.
func (v *Vault) explainStore(ctx context.Context, s Subject, err error) error {
	var claimed *ClaimedError
	if !errors.As(err, &claimed) {
		return fmt.Errorf("verdict on %s: %w", s.RoleARN, err)
	}
	v.options.Log.WarnContext(ctx, "role is claimed by another organization", "org", s.Organization, "role", s.RoleARN, "owner", claimed.Owner)
	return &rolecall.Error{
		Code: rolecall.Forbidden, Message: s.String() + " is not usable",
		Hint: "You: ask the operator", Err: errors.Join(ErrUnsafe, anothers(claimed)),
	}
}

// anothers is the cause of what ends at another organization's claim.
func anothers(c *ClaimedError) error {
	return &rolecall.Undisclosed{
		Message: "the organization " + c.Owner + " has claimed it",
		Hint:    "Operator: if it is no longer theirs, run rolecall connection release CONNECTION --org " + c.Owner,
		Err:     c,
	}
}

// release ends the claim of the subject's organization, whatever the principal
// and the external id of its verdicts.
func (v *Vault) release(ctx context.Context, s Subject) error {
	err := v.options.Verdicts.Release(ctx, s)
	v.refusals.forget(s.ClaimKey())
	v.endAll(func(held Subject) bool { return held.Organization == s.Organization && held.ClaimKey() == s.ClaimKey() },
		claimEnded(s, "it was released", "You: run rolecall check CONNECTION to claim it again, if it was not meant to be released"))
	if err != nil {
		return fmt.Errorf("release %s: %w", s, err)
	}
	return nil
}

// withdrawRecreated withdraws the verdict on a role in whose place another one
// answered.
func (v *Vault) withdrawRecreated(ctx context.Context, t target) error {
	defer v.reportDrift(ctx, t, recreated)
	return v.withdraw(ctx, t.subject(), wasRecreated(t.subject()))
}

// withdraw removes the verdicts on subjects within s, and then ends what rests
// on them: a fetch that still saw one may be under way, and the purge makes it
// look again.
func (v *Vault) withdraw(ctx context.Context, s Subject, cause error) error {
	err := v.options.Verdicts.Remove(ctx, s)
	v.end(s, cause)
	if err != nil {
		return fmt.Errorf("remove verdict: %w", err)
	}
	return nil
}

// end ends with the cause all work that holds credentials that rest on the
// verdicts on subjects within s, and drops these credentials.
func (v *Vault) end(s Subject, cause error) {
	v.endAll(func(held Subject) bool { return held.Within(s) }, cause)
}

func (v *Vault) endAll(match func(Subject) bool, cause error) {
	v.holds.end(match, cause) // first, so that work knows why before it misses its credentials
	v.cache.purge(match)
}

// reportDrift logs drift, and passes it on. It comes after the end of what
// rested on the verdict, so that no panic of the program's can keep that up.
func (v *Vault) reportDrift(ctx context.Context, t target, reason string) {
	s := t.subject()
	v.options.Log.WarnContext(ctx, "role drifted", "org", s.Organization, "role", s.RoleARN, "reason", reason)
	e := t.event(EventDrift)
	e.Reason = reason
	v.report(e)
}
