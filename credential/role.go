package credential

import (
	"context"
	"slices"

	"github.com/rolecall/rolecall"
)

// Role returns the provider of a session. It calls nobody before Retrieve is
// called, which proves the role first if no verdict is stored or it is due for
// renewal.
func (v *Vault) Role(r Role) *Provider {
	r.Policy = slices.Clone(r.Policy)
	var refusal error
	if len(r.Policy) == 0 {
		refusal = errNoPolicy
	}
	k := r.key(v.options.Principals[r.Principal])
	return &Provider{vault: v, key: k, refusal: refusal, fetch: func(ctx context.Context) (fetched, error) {
		return v.fetchSession(ctx, r, k)
	}}
}

var errNoPolicy = &rolecall.Error{Code: rolecall.Internal, Message: "a session of a role needs a session policy", Hint: "You: report this as a fault of rolecall's"}

// fetchSession proves the role if that is due, and assumes it.
func (v *Vault) fetchSession(ctx context.Context, r Role, k key) (fetched, error) {
	t, err := v.admitRole(r)
	if err != nil {
		return fetched{}, err
	}
	for again := false; ; again = true {
		epoch := v.cache.epoch(k)
		verdict, err := v.verdict(ctx, t, v.cache.verdictID(k))
		switch {
		case err != nil && again:
			return fetched{}, drifted(err)
		case err != nil:
			return fetched{}, err
		}
		if err := v.intend(ctx, t.event(EventAssume)); err != nil {
			return fetched{}, err
		}
		s, err := v.assume(ctx, t)
		if err != nil {
			return fetched{}, err
		}
		if s.roleID == verdict.RoleID {
			if err := v.began(ctx, t, s); err != nil {
				return fetched{}, err
			}
			return fetched{credentials: s.credentials, recheckAt: verdict.due(v.options.ProveEvery), verdict: verdict.id(), epoch: epoch}, nil
		}
		// Another role under the same name: what was proved says nothing about it.
		if err := v.withdrawRecreated(ctx, t); err != nil {
			return fetched{}, err
		}
		if again {
			return fetched{}, &rolecall.Error{
				Code: rolecall.Unavailable, Message: "the role " + r.RoleARN + " keeps changing",
				Hint: "You: try again; the role was made again while it was probed",
			}
		}
	}
}

// began records and reports a session that began for work.
func (v *Vault) began(ctx context.Context, t roleTarget, s session) error {
	e := t.event(EventAssume)
	e.Policy, e.Duration, e.Region = t.Policy, s.duration, regionFor(t.Region, t.principal.Principal)
	e.AccessKeyID, e.Expires = s.credentials.AccessKeyID, s.credentials.Expires
	if err := v.intend(ctx, e); err != nil {
		return err
	}
	v.report(e)
	return nil
}

// Prove probes a role now, whatever verdict there is, and stores the result. A
// passing verdict claims the role for the organization. Any proof that the role
// is unsafe ends the claim, the work that holds it, and the credentials that
// rest on it; where the role had passed before, the error wraps ErrDrift. For
// some seconds after a refusal, providers of the role's credentials return it
// again, without a call.
//
// The verdict lists each probe with its outcome, also beside an error. A role
// passes when the right external id is accepted, absent, random and similar
// ones are refused, and the right one is accepted again.
//
// A role that refuses the right one is probed with the others all the same:
// what it accepts of those shows that its trust policy is at fault.
//
// A proof makes 16 calls at most; those that must be refused are made side by
// side. It finds wildcards at either end of an id and, inside it, those that
// stand for all that is between two separators. It tries three of these, and
// others in each proof. A wildcard elsewhere inside, such as a single ? in a
// long id, is found only when one of the random places of a proof falls on it.
//
// Probes cannot see what a trust policy says of principals: whether it names
// this one or trusts the vendor's whole account, or everyone with the right
// external id, STS answers alike.
func (v *Vault) Prove(ctx context.Context, r Role) (Verdict, error) {
	t, err := v.admitRole(r)
	if err != nil {
		return Verdict{}, err
	}
	return v.proveNow(ctx, t)
}

// Claim returns, without any call to AWS, the verdict that is stored on the
// role, even if it is due for renewal; the zero one if there is none, or the
// role is claimed by another organization. It refuses what must not be asked
// for: a role of a vendor's account or of another partition.
func (v *Vault) Claim(ctx context.Context, r Role) (Verdict, error) {
	t, err := v.admitRole(r)
	if err != nil {
		return Verdict{}, err
	}
	return v.ownVerdict(ctx, t.about)
}

// Release ends the organization's claim on a role: all its verdicts are
// forgotten, as whatever principal and with whatever external id, the
// credentials that rest on them are dropped, and what Hold watches ends.
// Another organization may claim the role from then on, and so may this one:
// the next request for a credential claims it. A proof that was under way, of a
// verdict that there was, and the renewal of a credential do not. The account
// that a dispenser was pinned to is forgotten. A claim of another organization
// stays.
func (v *Vault) Release(ctx context.Context, r Role) error {
	return v.release(ctx, Subject{Organization: r.Organization, RoleARN: r.RoleARN})
}
