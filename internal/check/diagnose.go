package check

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// diagnose says what is wrong where S3 did not do what it was asked.
func (w *work) diagnose(ctx context.Context, q question, err error) finding {
	a := refusal.Read(err)
	a.Attempts = 0 // a check makes few, and says nothing of them
	return w.answered(ctx, q, a)
}

// answered says what the answer to a question means, and which patches help.
func (w *work) answered(ctx context.Context, q question, a refusal.Answer) finding {
	place := w.place()
	place.BucketOwner = w.owner()
	r, ok := a.To(refusal.Request{
		Place: place, Endpoint: w.endpoint(), Key: q.key, Verb: q.verb, Action: q.action, Opened: q.opened, Missing: q.missing,
	})
	if !ok || a.Kind == transfer.Canceled {
		return w.without(ctx, a.Err)
	}
	f := w.found(r, a.Key())
	endpoint := w.Connection.S3EndpointURL != ""
	switch {
	case a.Meaning == awscode.Clock && r.Message == awscode.WrongClock:
		ahead, _ := refusal.Ahead(a.Err)
		return w.wrongClock(ahead)
	case a.Meaning == awscode.NoStorageClass:
		f.patches = w.changed(func(c *rolecall.Connection) { c.StorageClass = "" })
	case a.Kind == transfer.NoBucket && !endpoint && !refusal.IsAlias(w.Connection.Bucket):
		f.patches = w.createBucket()
	case a.Kind == transfer.NoBucket && endpoint:
		f.patches = w.atAWS()
	case (a.Kind == transfer.Unreachable || a.Kind == transfer.Stalled || a.Kind == transfer.Malformed || a.Kind == transfer.NoTLS) && endpoint:
		if guard.Closed(a.Err) {
			w.Log.WarnContext(ctx, "endpoint of a connection may not be reached", "org", w.Organization.APIName, "connection", w.Connection.Name, "error", a.Err)
			known := w.known(r.Err("", a.Err))
			f.message, f.hint = known.Message, known.Hint
		}
		f.hint = joined(f.hint, "Operator: for a bucket at AWS, leave s3_endpoint_url out")
		f.patches = w.atAWS()
	case a.Bare() && !q.opened && !a.OfKey():
		f.hint = joined(f.hint, "Operator: if the bucket is not where or whose the connection says, correct its name and bucket_owner")
	}
	return f
}

// atAWS is the connection without the endpoint that the tenant chose.
func (w *work) atAWS() []rolecall.Patch {
	return w.changed(func(c *rolecall.Connection) { c.S3EndpointURL = "" })
}

// known is the first of err's errors, with what only the operator may know where
// the report is the operator's.
func (w *work) known(err error) *rolecall.Error {
	errs := rolecall.List(err)
	if w.Discloses {
		errs = errs.Disclosed()
	}
	return errs[0]
}

// without says why there are no credentials.
func (w *work) without(ctx context.Context, err error) finding {
	if w.Connection.HTTPCredentialSource != nil {
		return w.dispenserFault(ctx, err)
	}
	return w.fault(ctx, err)
}

// fault says why there are no credentials, in whichever step: what is wrong is
// the vendor's own side, the way to STS, or the session policy.
func (w *work) fault(ctx context.Context, err error) finding {
	e, layer := w.known(err), rolecall.LayerPrincipal
	answer, _ := awscode.Read(err)
	switch {
	case errors.Is(err, context.Canceled) && !slow(ctx):
		return failed(rolecall.LayerNetwork, "the check was interrupted", "")
	case slow(ctx) || errors.Is(err, context.DeadlineExceeded):
		return failed(rolecall.LayerNetwork, "no answer within "+stepTimeout.String(), "You: check again. Operator: if it stays so, look at the worker's network")
	case answer.Meaning == awscode.Clock:
		ahead, _ := refusal.Ahead(err)
		return w.wrongClock(ahead)
	case answer.Meaning == awscode.PolicyTooLarge:
		return w.oversized("STS takes no session policy as large as this connection's")
	case answer.Meaning == awscode.Denied && identifying(err): // only an endpoint's policy can refuse that
		layer = rolecall.LayerNetwork
	case answer.Meaning == awscode.Denied:
		return w.refused(err)
	case answer.Meaning == awscode.RegionDisabled:
		layer = rolecall.LayerRole
	case e.Code == rolecall.Unavailable:
		layer = rolecall.LayerNetwork
	case e.Code == rolecall.Invalid, e.Code == rolecall.NotFound, e.Code == rolecall.Conflict:
		layer = rolecall.LayerName
	case e.Code == rolecall.Internal:
		w.Log.ErrorContext(ctx, "check of a role", "org", w.Organization.APIName, "connection", w.Connection.Name, "error", err)
	}
	return failed(layer, e.Message, e.Hint)
}

// identifying reports whether the error is of a call that asks only who calls.
func identifying(err error) bool {
	var call *smithy.OperationError
	return errors.As(err, &call) && call.OperationName == "GetCallerIdentity"
}

// refused is found where STS refuses by a policy.
func (w *work) refused(err error) finding {
	r, _ := refusal.Assume(err, w.Principal.ARN.String(), w.Connection.RoleARN)
	return w.found(r, "")
}

// found is a refusal with the patches that help against it. A report has three
// candidates at most.
func (w *work) found(r refusal.Refusal, key string) finding {
	f := finding{result: rolecall.CheckFail, message: r.Message, hint: r.Hint, denial: r.Denial, denied: r.ByPolicy}
	for _, s := range r.Suspects {
		if !slices.Contains(f.candidates, s.Layer) {
			f.candidates = append(f.candidates, s.Layer)
		}
		if r.ByPolicy {
			f.patches = append(f.patches, w.against(s, r.Denial, key)...)
			if !operators(s.Kind, r.Denial) {
				f.suspects = append(f.suspects, s.Kind)
			}
		}
	}
	most := min(len(f.candidates), 3)
	f.candidates, f.further = f.candidates[:most:most], f.candidates[most:]
	if most == 1 {
		f.layer, f.candidates = f.candidates[0], nil
	}
	return f
}

// against are the patches that help against what a suspect refuses. Against a
// Deny no statement of ours does: its document must be seen.
func (w *work) against(s refusal.Suspect, d policy.Denial, key string) []rolecall.Patch {
	assuming := strings.HasPrefix(d.Action, "sts:")
	switch {
	case s.Kind == "" && assuming && s.Layer == rolecall.LayerName:
		return slices.Concat(w.rolePatches(), w.accountPatches())
	case !slices.Contains(correct.Kinds(), s.Kind) || d.Explicit || operators(s.Kind, d):
		return nil
	}
	patches := w.alongside(d).patch(s.Kind, key)
	if d.Policy != "" && len(patches) > 0 {
		patches[0].Target = d.Policy
	}
	return patches
}

// operators reports whether a policy of the kind is the principal's or the
// operator's organization's, and not the role's.
func operators(kind policy.Kind, d policy.Denial) bool {
	return strings.HasPrefix(d.Action, "sts:") && (kind == policy.BoundaryDocument || kind == policy.SCPDocument)
}

// first adds a candidate that is likelier than all others, which may crowd out
// the least likely.
func (f *finding) first(layer rolecall.CheckLayer, patches []rolecall.Patch) {
	if f.layer != "" {
		f.candidates, f.layer = []rolecall.CheckLayer{f.layer}, ""
	}
	f.candidates = append([]rolecall.CheckLayer{layer}, f.candidates[:min(2, len(f.candidates))]...)
	f.patches = append(patches, f.patches...)
}

// keptByKey notes, for the step key, that a KMS key refuses.
func (w *work) keptByKey(at **refusal.Answer, a refusal.Answer) finding {
	*at = &a
	f := skipped("not told while the KMS key refuses: see the step key")
	f.denied = a.Kind == transfer.Denied
	return f
}

// dispenserFault says why a dispenser's credentials could not be had, in
// whichever step.
func (w *work) dispenserFault(ctx context.Context, err error) finding {
	known := w.known(err)
	layer := rolecall.LayerRole // what gives the credentials
	switch {
	case guard.Closed(err):
		// Both alike, lest a tenant finds out what there is in the operator's network.
		return finding{
			result: rolecall.CheckFail, candidates: []rolecall.CheckLayer{rolecall.LayerNetwork, rolecall.LayerName},
			message: known.Message, hint: known.Hint,
		}
	case slow(ctx), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), known.Code == rolecall.Internal:
		return w.fault(ctx, err)
	case known.Code == rolecall.Unavailable:
		layer = rolecall.LayerNetwork
	case known.Code == rolecall.NotFound:
		layer = rolecall.LayerName
	}
	return failed(layer, known.Message, known.Hint)
}
