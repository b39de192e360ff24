package credential

import (
	"context"

	"github.com/rolecall/rolecall"
)

// Dispenser returns the provider of a dispenser's credentials. It calls nobody
// before Retrieve is called, which proves the dispenser first if no verdict is
// stored or it is due for renewal. Credentials are kept for one task, and
// renewed ahead of their end. Their account is the one that is pinned.
func (v *Vault) Dispenser(r DispenserRequest) *Provider {
	r.Source = r.Source.Normal()
	k := r.key(v.dispenserSigner())
	return &Provider{vault: v, key: k, fetch: func(ctx context.Context) (fetched, error) {
		return v.fetchDispensed(ctx, r, k)
	}}
}

func (v *Vault) dispenserSigner() Principal { return v.options.Principals[rolecall.DispenserPrincipal] }

// fetchDispensed proves the dispenser if that is due, and asks it.
func (v *Vault) fetchDispensed(ctx context.Context, r DispenserRequest, k key) (fetched, error) {
	t, err := v.admitDispenser(r)
	if err != nil {
		return fetched{}, err
	}
	epoch := v.cache.epoch(k)
	verdict, err := v.verdict(ctx, t, v.cache.verdictID(k))
	if err != nil {
		return fetched{}, err
	}
	if err := v.intend(ctx, t.event(EventDispense)); err != nil {
		return fetched{}, err
	}
	got, err := v.dispense(ctx, t, &r.ExternalID)
	if err != nil {
		return fetched{}, err
	}
	if got.AccountID, err = v.dispensedAccount(ctx, t, got); err != nil {
		return fetched{}, err
	}
	if got.AccountID != verdict.RoleID {
		defer v.reportDrift(ctx, t, anotherAccount)
		return fetched{}, t.replaced(verdict.RoleID, got.AccountID)
	}
	e := t.event(EventDispense)
	e.AccessKeyID, e.Expires = got.AccessKeyID, got.Expires
	if err := v.intend(ctx, e); err != nil {
		return fetched{}, err
	}
	v.report(e)
	return fetched{credentials: got, recheckAt: verdict.due(v.options.ProveEvery), verdict: verdict.id(), epoch: epoch}, nil
}

// ProveDispenser probes a dispenser as Prove does a role: the right external
// id must bring credentials, an absent, random or similar one a refusal, which
// is an answer of 401 or 403 and no other. The probes ask for what the request
// asks for, and differ from it in the external id only, so that a dispenser
// cannot tell them from use; what they bring is thrown away. A verdict on
// reading is none on writing. The verdict's RoleID is the account of the
// credentials.
//
// That account is pinned for the organization: a dispenser that answers with
// credentials of another account is refused, here and when it is asked for
// work, until the claim on it is released or it has another URL. Proofs that it
// fails in between do not change that, nor does asking as another principal,
// with another secret or another external id. What it gave to the same asker
// before is dropped, and work with it ends.
func (v *Vault) ProveDispenser(ctx context.Context, r DispenserRequest) (Verdict, error) {
	t, err := v.admitDispenser(r)
	if err != nil {
		return Verdict{}, err
	}
	return v.proveNow(ctx, t)
}

// ClaimDispenser is Claim for a dispenser.
func (v *Vault) ClaimDispenser(ctx context.Context, r DispenserRequest) (Verdict, error) {
	t, err := v.admitDispenser(r)
	if err != nil {
		return Verdict{}, err
	}
	return v.ownVerdict(ctx, t.about)
}

// ReleaseDispenser is Release for a dispenser.
func (v *Vault) ReleaseDispenser(ctx context.Context, r DispenserRequest) error {
	return v.release(ctx, r.subject(v.dispenserSigner()))
}
