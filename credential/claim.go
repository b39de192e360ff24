package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall/rolecall"
)

// verdict gives a verdict that is not due, proving the subject if need be.
// Takers of different sessions of a role share one proof.
func (v *Vault) verdict(ctx context.Context, s Subject, prove func(context.Context) (Verdict, error)) (Verdict, error) {
	verdict, err := v.current(ctx, s)
	if err != nil || verdict.Passed {
		return verdict, err
	}
	if err := v.refusals.of(s, v.options.Now()); err != nil {
		return Verdict{}, err
	}
	// Every taker here is a fetch of the cache, whose context outlives its
	// takers, so it does not matter in which of them the proof runs.
	shared, err, _ := v.proofs.Do(s.Digest(), func() (any, error) {
		if verdict, err := v.current(ctx, s); err != nil || verdict.Passed {
			return verdict, err
		}
		if err := v.refusals.of(s, v.options.Now()); err != nil {
			return Verdict{}, err
		}
		return prove(ctx)
	})
	verdict, _ = shared.(Verdict)
	return verdict, err
}

// standing refuses to renew a living credential whose verdict was taken back
// since, and ends what rests on it: else work would make the claim again that
// has just been ended for it.
func (v *Vault) standing(ctx context.Context, k key) error {
	t := v.cache.tenure(k)
	if t == (tenure{}) {
		return nil
	}
	kept, err := v.kept(ctx, k.Subject)
	if err != nil {
		return err
	}
	cause := t.ended(k.Subject, kept)
	if cause != nil {
		v.end(k.Subject, cause)
	}
	return cause
}

// current gives the kept verdict, the zero one if there is none that holds.
func (v *Vault) current(ctx context.Context, s Subject) (Verdict, error) {
	verdict, err := v.kept(ctx, s)
	if err != nil || !verdict.holds(v.options.Now(), v.options.ProveEvery) {
		return Verdict{}, err
	}
	return verdict, nil
}

// kept gives the kept verdict, be it due.
func (v *Vault) kept(ctx context.Context, s Subject) (Verdict, error) {
	verdict, err := v.options.Verdicts.Get(ctx, s)
	if err != nil {
		return Verdict{}, v.claimed(ctx, s, err)
	}
	return verdict, nil
}

func (v *Vault) claimed(ctx context.Context, s Subject, err error) error {
	var claimed *ClaimedError
	if !errors.As(err, &claimed) {
		return fmt.Errorf("verdict on %s: %w", s.RoleARN, err)
	}
	v.options.Log.WarnContext(ctx, "role is claimed by another organization", "org", s.Organization, "role", s.RoleARN, "owner", claimed.Owner)
	return &rolecall.Error{
		Code: rolecall.Forbidden, Message: s.String() + " is not usable",
		Hint: "ask the operator", Err: errors.Join(ErrUnsafe, err),
	}
}

// Claim tells, without any call to AWS, what verdict is kept on the role: the
// zero one if none is, and one that is due to be proved again as it is. It
// refuses what must not be asked for: a role of a vendor's account, of another
// partition, or claimed by another organization.
func (v *Vault) Claim(ctx context.Context, r Role) (Verdict, error) {
	p, err := v.admit(r)
	if err != nil {
		return Verdict{}, err
	}
	return v.kept(ctx, r.subject(p))
}

// Release ends the organization's claim on a role: all its verdicts are
// forgotten, as whatever principal and with whatever external id, the
// credentials that rest on them dropped, and what Hold watches ended. Another
// organization may claim the role from then on, and so may this one: whoever
// asks for a credential anew claims it. A proof that was under way, of a
// verdict that there was, and the renewal of a credential do not. The account
// that a dispenser was pinned to is forgotten. A claim that is another's stays.
func (v *Vault) Release(ctx context.Context, r Role) error {
	released := Subject{Organization: r.Organization, RoleARN: r.RoleARN}
	return v.release(ctx, released)
}

func (v *Vault) release(ctx context.Context, s Subject) error {
	err := v.options.Verdicts.Release(ctx, s)
	v.endAll(func(held Subject) bool { return held.Organization == s.Organization && held.ClaimKey() == s.ClaimKey() },
		claimEnded(s, "it was released", "the operator or the organization's administrator gave the claim up; check the connection to claim it again"))
	if err != nil {
		return fmt.Errorf("release %s: %w", s, err)
	}
	return nil
}

// withdraw forgets the verdict, and then ends what rests on it: a fetch that
// still saw the verdict is under way, and the purge makes it look again.
func (v *Vault) withdraw(ctx context.Context, s Subject, cause error) error {
	err := v.options.Verdicts.Remove(ctx, s)
	v.end(s, cause)
	if err != nil {
		return fmt.Errorf("remove verdict: %w", err)
	}
	return nil
}

// end ends with the cause what is held with credentials that rest on the
// verdict on the subject, and drops these.
func (v *Vault) end(s Subject, cause error) {
	v.endAll(func(held Subject) bool { return held == s }, cause)
}

func (v *Vault) endAll(match func(Subject) bool, cause error) {
	v.holds.end(match, cause) // first: what is held is not to miss its credentials before it knows why
	v.cache.purge(match)
}
