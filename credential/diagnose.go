package credential

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
)

// Identify tells whose the principal's own keys are, as STS says: beside an
// error too, where it said so and they are not the declared principal's. Only
// the request's principal and region matter. The error says who must act: on
// the keys, the clock or the network.
func (v *Vault) Identify(ctx context.Context, r Role) (who rolecall.ARN, err error) {
	defer catchPanic(&err)
	p, err := v.principal(r.Principal)
	if err != nil {
		return rolecall.ARN{}, err
	}
	who, _, err = v.identity(ctx, r, p)
	return who, err
}

// Try assumes the role once for a diagnosis: with the session policy and
// exactly the duration that are asked for, and nothing is cached. The role
// must have a verdict that holds, for the very role that answers. Where STS
// refuses, its answer is in the error's chain, a smithy.APIError.
func (v *Vault) Try(ctx context.Context, r Role) (_ aws.Credentials, err error) {
	defer catchPanic(&err)
	if len(r.Policy) == 0 {
		return aws.Credentials{}, errNoPolicy
	}
	p, err := v.admit(r)
	if err != nil {
		return aws.Credentials{}, err
	}
	subject := r.subject(p)
	verdict, err := v.current(ctx, subject)
	if err != nil {
		return aws.Credentials{}, err
	}
	if !verdict.Passed {
		return aws.Credentials{}, &rolecall.Error{
			Code: rolecall.Forbidden, Message: subject.String() + " has not passed its probes", Hint: "prove it first",
			Err: errors.New("no verdict that holds"),
		}
	}
	s, err := v.call(ctx, r, p, aws.String(r.ExternalID), r.Policy, r.duration())
	if err != nil {
		return aws.Credentials{}, explained(err, r, p)
	}
	if s.roleID != verdict.RoleID {
		if err := v.recreated(ctx, v.target(r, p)); err != nil {
			return aws.Credentials{}, err
		}
		return aws.Credentials{}, wasRecreated(subject)
	}
	v.assumed(r, p, s)
	return s.credentials, nil
}
