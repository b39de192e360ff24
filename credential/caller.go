package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
)

// caller is who a principal's own keys were found to be.
type caller struct {
	turn    chan struct{} // held while the fields below are used
	keys    aws.Credentials
	known   bool
	who     rolecall.ARN
	refusal error // why these keys are not the declared principal's
}

// own gives a principal's own keys. They are never used before STS has said
// that they are the declared principal's: verdicts, claims and the policies
// that customers paste speak of the declared one. STS is asked once for each
// set of keys; the answer needs no permission.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (v *Vault) own(ctx context.Context, r Role, p Principal) (aws.Credentials, error) {
	_, keys, err := v.identity(ctx, r, p)
	return keys, err
}

// identity gives a principal's own keys and whose STS said they are.
func (v *Vault) identity(ctx context.Context, r Role, p Principal) (rolecall.ARN, aws.Credentials, error) {
	var nobody rolecall.ARN
	keys, err := p.Credentials.Retrieve(ctx)
	if err != nil {
		return nobody, aws.Credentials{}, withoutKeys(err, r)
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
	out, err := v.client(r, p).GetCallerIdentity(ctx, nil, with(keys))
	if err != nil {
		return nobody, aws.Credentials{}, unidentified(err, r, p)
	}
	actual, err := rolecall.ParseARN(aws.ToString(out.Arn))
	if err != nil {
		return nobody, aws.Credentials{}, unidentified(errIncomplete, r, p)
	}
	c.keys, c.known, c.who, c.refusal = keys, true, actual, v.identify(actual, r, p)
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

// with makes one call with these keys.
func with(keys aws.Credentials) func(*sts.Options) {
	return func(o *sts.Options) { o.Credentials = credentials.StaticCredentialsProvider{Value: keys} }
}

// identify compares who calls with who is declared. Whoever it is, the
// account is the vendor's.
func (v *Vault) identify(actual rolecall.ARN, r Role, p Principal) error {
	if p.ARN.Names(actual) {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.vendors[actual.Account] = true
	return &rolecall.Error{
		Code:    rolecall.Unauthenticated,
		Message: fmt.Sprintf("the principal %s is declared as %s, but its credentials are those of %s", r.Principal, p.ARN, actual),
		Hint:    "the operator gives the principal its own credentials in rolecall.yaml, or declares the ARN that they belong to",
	}
}

func withoutKeys(err error, r Role) error {
	var why *rolecall.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &why) && why.Code == rolecall.Internal {
		return err
	}
	e := &rolecall.Error{
		Code:    rolecall.Unauthenticated,
		Message: fmt.Sprintf("the principal %s has no credentials of its own", r.Principal),
		Hint:    "the operator looks at the principal's credentials in rolecall.yaml",
		Err:     fmt.Errorf("credentials of principal %s: %w", r.Principal, err),
	}
	if why != nil {
		e.Message += ": " + why.Message
	}
	return e
}

// unidentified says why STS did not tell who calls. Only an endpoint's policy
// can refuse that.
func unidentified(err error, r Role, p Principal) error {
	if answer, _ := awscode.Read(err); answer.Meaning == awscode.Denied {
		return &rolecall.Error{
			Code:    rolecall.Forbidden,
			Message: fmt.Sprintf("AWS does not say whose credentials the principal %s has", r.Principal),
			Hint:    "the operator allows sts:GetCallerIdentity in the policy of the VPC endpoint for STS",
			Err:     fmt.Errorf("identify principal %s: %w", r.Principal, err),
		}
	}
	return explained(err, r, p)
}
