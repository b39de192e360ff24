package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
)

// caller is who a principal's own keys were found to be.
type caller struct {
	turn    chan struct{} // full while the fields below are in use
	keys    aws.Credentials
	known   bool
	who     rolecall.ARN
	refusal error // why these keys are not the declared principal's
}

// principalKeys returns a principal's own keys. They are never used before STS
// has said that they are the declared principal's: verdicts, claims and the
// policies that customers paste name the declared one. STS is asked once for
// each set of keys; the answer needs no permission.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (v *Vault) principalKeys(ctx context.Context, r Role, p Principal) (aws.Credentials, error) {
	_, keys, err := v.identify(ctx, r, p)
	return keys, err
}

// identify returns a principal's own keys and whose STS said they are.
func (v *Vault) identify(ctx context.Context, r Role, p Principal) (rolecall.ARN, aws.Credentials, error) {
	var nobody rolecall.ARN
	keys, err := p.Credentials.Retrieve(ctx)
	if err != nil {
		return nobody, aws.Credentials{}, explainNoKeys(err, r, p)
	}
	c := v.caller(r.Principal)
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nobody, aws.Credentials{}, ctx.Err()
	}
	if c.known && c.keys.AccessKeyID == keys.AccessKeyID && c.keys.SessionToken == keys.SessionToken {
		return c.who, keys, c.refusal
	}
	out, err := v.stsClient(r.Region, p).GetCallerIdentity(ctx, nil, v.withKeys(keys, r.Organization))
	if err != nil {
		return nobody, aws.Credentials{}, explainNoCaller(err, r, p)
	}
	actual, err := rolecall.ParseARN(aws.ToString(out.Arn))
	if err != nil {
		return nobody, aws.Credentials{}, explainNoCaller(errIncomplete, r, p)
	}
	c.keys, c.known, c.who, c.refusal = keys, true, actual, v.checkCaller(actual, r, p)
	return c.who, keys, c.refusal
}

func (v *Vault) caller(principal string) *caller {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.callers[principal]
	if c == nil {
		c = &caller{turn: make(chan struct{}, 1)}
		v.callers[principal] = c
	}
	return c
}

// checkCaller compares who calls with who is declared. Whoever it is, the
// account is the vendor's.
func (v *Vault) checkCaller(actual rolecall.ARN, r Role, p Principal) error {
	if p.ARN.Names(actual) {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.vendors[actual.Account] = true
	return &rolecall.Error{
		Code:    rolecall.Unauthenticated,
		Message: fmt.Sprintf("the principal %s is declared as %s, but its credentials are those of %s", r.Principal, p.ARN, actual),
		Hint:    "Operator: give the principal its own credentials in rolecall.yaml, or declare the ARN that they belong to",
	}
}

// isVendorAccount reports whether an account is the vendor's: declared as one,
// a principal's, or that of keys that turned out to be another's than declared.
func (v *Vault) isVendorAccount(account string) bool {
	for _, p := range v.options.Principals {
		if p.ARN.Account == account {
			return true
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.vendors[account] || slices.Contains(v.options.VendorAccounts, account)
}

// explainNoKeys explains why a principal's keys could not be had.
func explainNoKeys(err error, r Role, p Principal) error {
	var why *rolecall.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &why) && why.Code == rolecall.Internal {
		return err
	}
	e := &rolecall.Error{
		Code:    rolecall.Unauthenticated,
		Message: fmt.Sprintf("the principal %s has no credentials of its own", r.Principal),
		Hint:    "Operator: see credentials of the principal " + r.Principal + " in rolecall.yaml",
		Err:     fmt.Errorf("credentials of principal %s: %w", r.Principal, err),
	}
	switch answer, answered := awscode.Read(err); {
	case why != nil:
		e.Message += ": " + why.Message
	case answered && awscode.Shown(answer.Code) != "":
		e.Message += ": AWS answered " + answer.Code
	}
	return e
}

// notAccepted words what it means that AWS does not accept a principal's own keys.
func (p Principal) notAccepted(e *rolecall.Error, answer awscode.Answer) {
	why, does := "it does not know their access key id", "see whether the key was deleted, deactivated or mistyped, and give another"
	switch {
	case answer.Meaning == awscode.Expired:
		why, does = "they have expired", "renew the credentials"
	case answer.Meaning == awscode.BadSignature:
		why, does = "the secret access key does not belong to the access key id", "copy both keys again, of the same pair"
	}
	e.Code = rolecall.Unauthenticated
	e.Message = fmt.Sprintf("AWS does not accept the credentials of the principal %s: %s", p.Name, why)
	if code := awscode.Shown(answer.Code); code != "" {
		e.Message += " (" + code + ")"
	}
	e.Hint = "Operator: " + does
	e.Err = &rolecall.Undisclosed{
		Message: "they come from " + cmp.Or(p.From, "the source in rolecall.yaml"), Hint: e.Hint, Err: e.Err,
	}
}

// explainNoCaller explains why STS did not say who calls. Only an endpoint's
// policy can refuse that.
func explainNoCaller(err error, r Role, p Principal) error {
	if answer, _ := awscode.Read(err); answer.Meaning == awscode.Denied {
		return &rolecall.Error{
			Code:    rolecall.Forbidden,
			Message: fmt.Sprintf("AWS does not say whose credentials the principal %s has", r.Principal),
			Hint:    "Operator: allow sts:GetCallerIdentity in the policy of the VPC endpoint for STS",
			Err:     fmt.Errorf("identify principal %s: %w", r.Principal, err),
		}
	}
	return explained(err, r, p)
}
