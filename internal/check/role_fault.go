package check

import (
	"context"
	"errors"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/policy"
)

// fault says why credentials could not be had, in whichever step: what is
// wrong is the vendor's own side, the way to STS, or the session policy.
func (w *work) fault(ctx context.Context, err error) finding {
	told := rolecall.List(err)[0]
	switch answer, _ := awscode.Read(err); {
	case errors.Is(err, context.Canceled) && !slow(ctx):
		return failed(rolecall.LayerNetwork, "the check was interrupted", "")
	case slow(ctx) || errors.Is(err, context.DeadlineExceeded):
		return failed(rolecall.LayerNetwork, "no answer within "+stepTimeout.String(), "try again; if it stays so, the operator looks at the worker's network")
	case answer.Meaning == awscode.Clock:
		return w.wrongClock(skewOf(err))
	case answer.Meaning == awscode.PolicyTooLarge:
		return w.oversized("STS takes no session policy as large as this connection's")
	case answer.Meaning == awscode.RegionDisabled:
		return failed(rolecall.LayerRole, told.Message, told.Hint)
	case answer.Meaning == awscode.Denied:
		if d, ok := policy.ReadDenial(answer.Text); ok && d.CallerSide() {
			return w.denial(d)
		}
		return w.refusal(err, false)
	}
	switch told.Code {
	case rolecall.Unavailable:
		return failed(rolecall.LayerNetwork, told.Message, told.Hint)
	case rolecall.Invalid, rolecall.NotFound, rolecall.Conflict:
		return failed(rolecall.LayerName, told.Message, told.Hint)
	case rolecall.Internal:
		w.Log.ErrorContext(ctx, "check of a role", "org", w.Organization.APIName, "connection", w.Connection.Name, "error", err)
	}
	return failed(rolecall.LayerPrincipal, told.Message, told.Hint)
}

// slow tells whether the step's own time is over.
func slow(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errSlow) }

// denial says which policy of the principal's own side refuses, or which of an
// organization.
func (w *work) denial(d policy.Denial) finding {
	how := "does not allow"
	if d.Explicit {
		how = "denies"
	}
	named := ""
	if d.Policy != "" {
		named = " (" + d.Policy + ")"
	}
	f := finding{result: rolecall.CheckFail, denied: true, denial: d}
	switch d.Layer {
	case policy.DeniedBySCP:
		f.layer, f.message = rolecall.LayerOrganization, "a service control policy of the principal's organization%s %s it to assume the role"
		f.hint = "the operator's organization lets the principal assume customers' roles"
	case policy.DeniedByRCP:
		f.layer, f.message = rolecall.LayerOrganization, "a resource control policy of the role's organization%s %s it to the principal"
		f.hint = "the administrators of the role's organization except the principal " + w.Principal.ARN.String() + " from what denies"
		f.patches = w.rcpPatch(d.Policy, w.arn.Account)
	case policy.DeniedByVPCE:
		f.layer, f.message = rolecall.LayerNetwork, "the policy of the VPC endpoint for STS%s %s it"
		f.hint = "the operator allows sts:AssumeRole in the endpoint's policy"
	case policy.DeniedByBoundary:
		f.layer, f.message = rolecall.LayerPrincipal, "the permissions boundary of the principal%s %s it to assume the role"
		f.hint = "the operator allows sts:AssumeRole in the principal's permissions boundary"
	case policy.DeniedBySession:
		f.layer, f.message = rolecall.LayerPrincipal, "the session policy of the principal's own session%s %s it to assume the role"
		f.hint = "the operator gives the principal credentials that may assume roles"
	default:
		f.layer, f.message = rolecall.LayerPrincipal, "the principal's own policies%s %s: it may not assume the role"
		f.hint = "the operator lets the principal " + w.Principal.ARN.String() + " assume customers' roles"
		if d.Explicit {
			f.hint += "; a Deny is in one of its policies"
		}
		f.patches = w.workerPatches()
	}
	f.message = fmt.Sprintf(f.message, named, how)
	return f
}
