package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

var errIncomplete = errors.New("STS answered without what was asked for")

// explained says in rolecall's terms why a role could not be assumed, and who
// must act. AWS's own text is kept as the cause, for logs. What is explained
// already stays as it is.
func explained(err error, r Role, p Principal) error {
	var known *rolecall.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &known) {
		return err
	}
	e := &rolecall.Error{Err: fmt.Errorf("assume role %s: %w", r.RoleARN, err)}
	answer, answered := awscode.Read(err)
	switch {
	case answered:
		explainAnswer(e, answer, r, p)
	case errors.Is(err, errIncomplete):
		e.Code = rolecall.Unavailable
		e.Message = "STS gave an incomplete answer"
		e.Hint = "Operator: look at the STS endpoint"
	default:
		e.Code = rolecall.Unavailable
		e.Message = "STS is not reachable in region " + regionFor(r.Region, p.Principal)
		e.Hint = "You: try again. Operator: if it stays so, look at the worker's network"
	}
	return e
}

func explainAnswer(e *rolecall.Error, answer awscode.Answer, r Role, p Principal) {
	switch answer.Meaning {
	case awscode.Clock:
		e.Code, e.Message, e.Hint = rolecall.Unauthenticated, awscode.WrongClock, awscode.WrongClockHint
	case awscode.Denied:
		c := explain.Assume(answer.Text, p.ARN.String(), r.RoleARN)
		e.Code = rolecall.Forbidden
		e.Message, e.Hint = c.Words("")
		if c.Layer == "" || c.Layer == policy.DeniedByResource {
			e.Hint += ". " + rightTrust(r, p, c.SessionActions()...)
		}
	case awscode.Expired, awscode.BadKeys, awscode.BadSignature:
		p.notAccepted(e, answer)
	case awscode.RegionDisabled:
		e.Code = rolecall.Forbidden
		e.Message = fmt.Sprintf("STS is not active in region %s for the role's account", regionFor(r.Region, p.Principal))
		e.Hint = "Customer: activate STS in that region, in the account settings of IAM"
	case awscode.PolicyTooLarge:
		e.Code = rolecall.Invalid
		e.Message = "the session policy for this step is too large for STS"
		e.Hint = "You: name fewer objects in one task, or give a shorter prefix"
	case awscode.MalformedPolicy, awscode.PolicyForm:
		e.Code = rolecall.Internal
		e.Message = "STS does not accept the session policy for this step"
		e.Hint = "You: report this as a fault of rolecall's"
	case awscode.InvalidRequest, awscode.TooLong, awscode.TooLongChained:
		e.Code = rolecall.Invalid
		e.Message = "STS does not accept the request for a session of " + r.RoleARN
		e.Hint = "You: correct role_arn and role_session_duration_seconds"
	default:
		busy(e, answer)
	}
}

// busy words an answer of STS's after which another try may help.
func busy(e *rolecall.Error, answer awscode.Answer) {
	e.Code, e.Message, e.Hint = rolecall.Unavailable, "STS answered "+answer.Code, "You: try again later"
	if answer.Meaning == awscode.Throttled || answer.Meaning == awscode.Failing {
		e.Message += ": it is asked too often, or overloaded"
	}
}

// rightTrust is the trust policy that the role should have, as a hint, with what
// comes along with sts:AssumeRole.
func rightTrust(r Role, p Principal, along ...string) string {
	trust, err := policy.Trust{Principals: []string{p.ARN.String()}, ExternalIDs: []string{r.ExternalID}, SessionActions: along}.Policy()
	if err != nil {
		return "" // the principal is declared by something else than an IAM ARN
	}
	return "Customer: have in the role's trust policy: " + string(trust)
}

// durationRefused reports whether STS refuses just the length of the session:
// above the role's maximum, or above the hour of a chained session.
func durationRefused(err error) bool {
	answer, _ := awscode.Read(err)
	return answer.Meaning == awscode.TooLong || answer.Meaning == awscode.TooLongChained
}
