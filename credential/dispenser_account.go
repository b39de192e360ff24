package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
)

// dispensedAccount asks the operator's STS whose the credentials are, and
// refuses those of a vendor's account: a dispenser that gives them has them
// from the vendor's own workers.
func (v *Vault) dispensedAccount(ctx context.Context, t dispenserTarget, got aws.Credentials) (string, error) {
	out, err := v.stsClient(t.Region, t.principal).GetCallerIdentity(ctx, nil, v.withKeys(got, t.Organization))
	if err != nil {
		return "", explainDispensed(err, t.DispenserRequest, t.principal)
	}
	actual, err := rolecall.ParseARN(aws.ToString(out.Arn))
	switch {
	case err != nil || !rolecall.IsAccountID(actual.Account):
		return "", explainDispensed(errIncomplete, t.DispenserRequest, t.principal)
	case v.isVendorAccount(actual.Account):
		const hint = "Customer: have the dispenser answer with credentials of your own account"
		v.end(t.about.Anywhere(), claimEnded(t.about, "what it gives is not usable", hint))
		return "", &rolecall.Error{Code: rolecall.Forbidden, Message: "the credentials that " + t.about.String() + " gives are not usable", Hint: hint}
	}
	return actual.Account, nil
}

// explainDispensed explains why STS did not say whose a dispenser's credentials are.
func explainDispensed(err error, r DispenserRequest, p Principal) error {
	answer, answered := awscode.Read(err)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case !answered:
		return explained(err, Role{Principal: r.Principal, Region: r.Region}, p)
	}
	e := &rolecall.Error{Err: fmt.Errorf("identify a dispenser's credentials: %w", err)}
	switch answer.Meaning {
	case awscode.Throttled, awscode.Failing:
		busy(e, answer)
	case awscode.Denied:
		e.Code, e.Message = rolecall.Forbidden, "AWS does not say whose credentials the dispenser gave"
		e.Hint = "Operator: allow sts:GetCallerIdentity in the policy of the VPC endpoint for STS"
	default:
		e.Code, e.Message = rolecall.Unauthenticated, "AWS does not accept the credentials that the dispenser gave"
		e.Hint = "Customer: look at what the dispenser answers: it is expired, revoked, of another partition or none of AWS's"
	}
	return e
}
