package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
)

// EventDispense tells that a dispenser gave credentials for work. They are not
// narrowed by rolecall. The event's RoleARN is the dispenser's URL.
const EventDispense EventKind = "dispense"

// ProveDispenser probes a dispenser as Prove does a role: the right external
// id must bring credentials, an absent, random or similar one a refusal, which
// is an answer of 401 or 403 and no other. The probes ask for reading, with the
// tool ProbeTool; what they bring is thrown away. The verdict's RoleID is the
// account of the credentials.
//
// That account is pinned for the organization: a dispenser that turns to
// another one is refused, here and when it is asked for work, until the claim
// on it is released or it has another URL. Neither proofs that it fails in
// between nor being asked by another principal, with another secret or another
// external id change that. What it gave the same asker before is dropped, and
// work with it ends.
func (v *Vault) ProveDispenser(ctx context.Context, r DispenserRequest) (Verdict, error) {
	r = asProbe(r)
	if err := v.admitDispenser(r); err != nil {
		return Verdict{}, err
	}
	return v.proveDispenser(ctx, r)
}

func asProbe(r DispenserRequest) DispenserRequest {
	r.Tool, r.Access = ProbeTool, AccessRead
	return r
}

func (v *Vault) proveDispenser(ctx context.Context, r DispenserRequest) (Verdict, error) {
	old, err := v.kept(ctx, v.dispenserSubject(r))
	if err != nil {
		return Verdict{}, err
	}
	return v.proof(ctx, dispenser{asProbe(r), v}, old)
}

// ClaimDispenser is Claim for a dispenser.
func (v *Vault) ClaimDispenser(ctx context.Context, r DispenserRequest) (Verdict, error) {
	if err := v.admitDispenser(asProbe(r)); err != nil {
		return Verdict{}, err
	}
	return v.kept(ctx, v.dispenserSubject(r))
}

// ReleaseDispenser is Release for a dispenser.
func (v *Vault) ReleaseDispenser(ctx context.Context, r DispenserRequest) error {
	return v.release(ctx, v.dispenserSubject(r))
}

// dispenser is a target.
type dispenser struct {
	DispenserRequest
	vault *Vault
}

func (t dispenser) subject() Subject { return t.vault.dispenserSubject(t.DispenserRequest) }

func (t dispenser) ask(ctx context.Context, externalID *string) answer {
	right := externalID != nil && *externalID == t.ExternalID
	got, err := t.vault.dispense(ctx, t.DispenserRequest, externalID)
	var refused *dispenserStatus
	switch {
	case err == nil && !right: // whosoever they are, it gave them
		return answer{outcome: Accepted}
	case err == nil:
		account, err := t.vault.accountOfDispensed(ctx, t.DispenserRequest, got)
		if err != nil {
			return answer{outcome: Unknown, detail: "AWS does not say whose the credentials are", err: err, hopeless: true}
		}
		return answer{outcome: Accepted, id: account}
	case !errors.As(err, &refused):
		return answer{outcome: Unknown, detail: "the dispenser gave no answer that counts", err: err, hopeless: right}
	case refused.refuses():
		return answer{outcome: Refused, err: err}
	default:
		return answer{outcome: Unknown, detail: refused.Error(), err: err, hopeless: right}
	}
}

func (t dispenser) unsafe(wrong []plannedProbe) error {
	what := "for an external id that is not the organization's"
	names := make([]string, len(wrong))
	for i, probe := range wrong {
		if probe.id == nil {
			what = "without an external id"
		}
		names[i] = probe.name
	}
	return &rolecall.Error{
		Code: rolecall.Forbidden, Err: ErrUnsafe,
		Message: fmt.Sprintf("%s is not safe to use: it gives out credentials %s (failed probes: %s)", t.subject(), what, strings.Join(names, ", ")),
		Hint: "the dispenser's owner makes it compare organization and external_id exactly, upper and lower case too, and answer 403 to all others: " +
			"else any other customer of this service gets these credentials",
	}
}

const anotherAccount = "gives credentials of another account"

// before is the pinned account, whoever asked for it and whatever became of
// the verdict since.
func (t dispenser) before(ctx context.Context, _ Verdict, now string) (string, error) {
	return t.vault.options.Verdicts.Pin(ctx, t.subject(), now)
}

func (t dispenser) moved(from, to string) error { return t.vault.repinned(t.subject(), from, to) }

// repinned ends what rests on the dispenser's verdict, which stays, as does the
// pin: at its own account the dispenser may be used again.
func (v *Vault) repinned(s Subject, from, to string) error {
	hint := "the dispenser's owner makes it give credentials of account " + from + " again; where that was meant, the claim is released, and the next proof pins the new one"
	v.end(s, claimEnded(s, "it "+anotherAccount, hint, ErrDrift))
	return &rolecall.Error{
		Code: rolecall.Forbidden, Message: fmt.Sprintf("%s gives credentials of the account %s, but it was proved with %s", s, to, from),
		Hint: hint, Err: errors.Join(ErrDrift, ErrUnsafe),
	}
}

func (t dispenser) event(kind EventKind, fill func(*Event)) Event {
	e := Event{Kind: kind, Time: t.vault.options.Now(), Organization: t.Organization, RoleARN: t.Source.Normal().URL}
	if t.Source.Secret == "" {
		e.Principal = rolecall.DispenserPrincipal
	}
	fill(&e)
	return e
}

// accountOfDispensed asks the operator's STS whose the credentials are, and
// refuses those of a vendor's account: a dispenser that gives them has them
// from the vendor's own workers.
func (v *Vault) accountOfDispensed(ctx context.Context, r DispenserRequest, got aws.Credentials) (string, error) {
	p, err := v.principal(r.Principal)
	if err != nil {
		return "", err
	}
	out, err := v.client(Role{Principal: r.Principal, Region: r.Region}, p).GetCallerIdentity(ctx, nil, with(got), func(o *sts.Options) {
		if r.TaskLabel != "" {
			o.APIOptions = append(o.APIOptions, middleware.AddUserAgentKeyValue("rolecall", r.TaskLabel))
		}
	})
	if err != nil {
		return "", explainDispensed(err, r, p)
	}
	actual, err := rolecall.ParseARN(aws.ToString(out.Arn))
	switch {
	case err != nil || !rolecall.IsAccountID(actual.Account):
		return "", explainDispensed(errIncomplete, r, p)
	case v.vendorAccount(actual.Account):
		s := v.dispenserSubject(r)
		const hint = "the dispenser's owner makes it give credentials of an account of their own"
		v.end(s, claimEnded(s, "what it gives is not usable", hint))
		return "", &rolecall.Error{Code: rolecall.Forbidden, Message: "the credentials that " + s.String() + " gives are not usable", Hint: hint}
	}
	return actual.Account, nil
}

// explainDispensed says why STS did not tell whose a dispenser's credentials are.
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
		e.Hint = "the operator allows sts:GetCallerIdentity in the policy of the VPC endpoint for STS"
	default:
		e.Code, e.Message = rolecall.Unauthenticated, "AWS does not accept the credentials that the dispenser gave"
		e.Hint = "the dispenser's owner looks at what it answers: they are expired, revoked, of another partition or none of AWS's"
	}
	return e
}
