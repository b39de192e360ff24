package credential

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
)

// Identify returns whose the principal's own keys are, as STS says: also beside
// an error, where it said so and they are not the declared principal's. Only
// the request's principal and region matter. The error says who must act: on
// the keys, the clock or the network.
func (v *Vault) Identify(ctx context.Context, r Role) (who rolecall.ARN, err error) {
	defer catchPanic(&err)
	p, err := v.principal(r.Principal)
	if err != nil {
		return rolecall.ARN{}, err
	}
	who, _, err = v.identify(ctx, r, p)
	return who, err
}

// Try assumes the role once for a diagnosis: with the session policy and
// exactly the duration of the request, and caches nothing. The role must have
// a verdict that is not due, on the very role that answers. Where STS refuses,
// its answer is in the error's chain, a smithy.APIError.
func (v *Vault) Try(ctx context.Context, r Role) (_ aws.Credentials, err error) {
	defer catchPanic(&err)
	if len(r.Policy) == 0 {
		return aws.Credentials{}, errNoPolicy
	}
	t, err := v.admitRole(r)
	if err != nil {
		return aws.Credentials{}, err
	}
	stored, err := v.ownVerdict(ctx, t.about)
	if err != nil {
		return aws.Credentials{}, err
	}
	if !v.isValid(stored) {
		return aws.Credentials{}, &rolecall.Error{
			Code: rolecall.Forbidden, Message: t.about.String() + " has not passed its probes", Hint: "You: prove it first, by rolecall check CONNECTION",
			Err: errors.New("no verdict that is valid now"),
		}
	}
	if err := v.intend(ctx, t.event(EventAssume)); err != nil {
		return aws.Credentials{}, err
	}
	s, err := v.callAssumeRole(ctx, t, aws.String(r.ExternalID), r.Policy, r.duration())
	if err != nil {
		return aws.Credentials{}, explained(err, r, t.principal)
	}
	if s.roleID != stored.RoleID {
		if err := v.withdrawRecreated(ctx, t); err != nil {
			return aws.Credentials{}, err
		}
		return aws.Credentials{}, wasRecreated(t.about)
	}
	if err := v.began(ctx, t, s); err != nil {
		return aws.Credentials{}, err
	}
	return s.credentials, nil
}
