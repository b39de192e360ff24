package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// Prove probes a role now, whatever verdict is at hand, and keeps the result:
// a passing verdict claims the role for the organization, any proof that it
// is unsafe ends the claim and drops the credentials that rest on it. Takers
// of the role's credentials get the same refusal for some seconds after it,
// without a call.
//
// The verdict lists each probe with its outcome, also beside an error. A role
// passes when the right external id is accepted, absent, random and similar
// ones are refused, and the right one is accepted again.
//
// A proof makes 16 calls at most. It finds wildcards at either end, and inside
// of an id those that stand for all that is between two separators, of which
// it tries three, and in each proof others. A wildcard elsewhere inside, such
// as a single ? in a long id, is found only when one of the random places of
// a proof falls on it.
//
// What a trust policy says of principals cannot be seen by probes: whether it
// names this one or trusts the vendor's whole account, or everyone with the
// right external id, STS answers alike.
func (v *Vault) Prove(ctx context.Context, r Role) (Verdict, error) {
	p, err := v.admit(r)
	if err != nil {
		return Verdict{}, err
	}
	return v.prove(ctx, r, p)
}

func (v *Vault) prove(ctx context.Context, r Role, p Principal) (verdict Verdict, err error) {
	old, err := v.options.Verdicts.Get(ctx, r.subject(p))
	if err != nil {
		return Verdict{}, v.claimed(ctx, r, err)
	}
	if _, err := v.own(ctx, r, p); err != nil {
		return Verdict{}, err
	}
	plan, err := v.probes(r.ExternalID)
	if err != nil {
		return Verdict{}, err
	}
	defer func() {
		v.options.OnEvent(v.event(EventProof, r, func(e *Event) { e.Passed = err == nil }))
	}()
	verdict, err = v.probe(ctx, r, p, plan)
	v.refusals.note(r.subject(p), err, v.options.Now())
	switch {
	case errors.Is(err, ErrUnsafe):
		if failed := v.withdraw(ctx, r, p); failed != nil {
			return verdict, failed
		}
		return verdict, err
	case err != nil:
		return verdict, err
	}
	verdict.Checked = v.options.Now()
	verdict.First = verdict.Checked
	if old.Passed && old.RoleID == verdict.RoleID && !old.First.After(verdict.Checked) {
		verdict.First = old.First
	}
	if err := v.options.Verdicts.Put(ctx, r.subject(p), verdict); err != nil {
		return Verdict{}, v.claimed(ctx, r, err)
	}
	if old.Passed && old.RoleID != verdict.RoleID {
		v.purge(r, p)
	}
	return verdict, nil
}

// probe makes the planned calls in order, alike in all but the external id.
// It goes on after a wrong acceptance, to tell all of them, and after an
// answer that proves nothing, since one that does may follow and counts more.
// The sessions are thrown away; they could do nothing, and not for long.
func (v *Vault) probe(ctx context.Context, r Role, p Principal, plan []plannedProbe) (Verdict, error) {
	var verdict Verdict
	var wrong []plannedProbe
	var stop, doubt error
	for i := 0; i < len(plan) && stop == nil; i++ {
		planned := plan[i]
		done := Probe{Name: planned.name, Outcome: Skipped, Detail: planned.skip}
		var s session
		var answer error
		if planned.skip == "" {
			s, answer = v.call(ctx, r, p, planned.id, policy.DenyAll(), rolecall.MinSessionDuration)
			done.Outcome, done.Detail = outcome(answer)
		}
		verdict.Probes = append(verdict.Probes, done)
		v.options.OnEvent(v.event(EventProbe, r, func(e *Event) { e.Probe = &done }))
		switch {
		case errors.Is(answer, context.Canceled):
			stop = answer
		case done.Outcome == Unknown && hopeless(answer, r, p):
			stop = unproved(r, p, done, answer)
		case done.Outcome == Unknown:
			doubt = cmp.Or(doubt, unproved(r, p, done, answer))
		case planned.accept && done.Outcome == Refused:
			stop = withdrawn(explain(answer, r, p))
		case planned.accept && verdict.RoleID != "" && s.roleID != verdict.RoleID:
			stop = &rolecall.Error{Code: rolecall.Unavailable, Message: "the role " + r.RoleARN + " was recreated while it was probed", Hint: "try again"}
		case planned.accept:
			verdict.RoleID = s.roleID
		case done.Outcome == Accepted:
			wrong = append(wrong, planned)
		}
	}
	switch {
	case len(wrong) > 0: // whatever came after
		return verdict, unsafeRole(r, p, wrong)
	case stop != nil || doubt != nil:
		return verdict, cmp.Or(stop, doubt)
	}
	verdict.Passed = true
	return verdict, nil
}

// outcome reads STS's answer to a probe. A refusal is a proof only if it is
// the role's: a policy of the vendor's own side that refuses hides what the
// role would have said. Across accounts AWS does not say whose policy it was;
// that the right external id is accepted shows that the vendor's side allows
// the call, unless a policy there looks at sts:ExternalId itself.
func outcome(err error) (Outcome, string) {
	var api smithy.APIError
	switch {
	case err == nil:
		return Accepted, ""
	case !errors.As(err, &api):
		return Unknown, "STS gave no answer"
	case api.ErrorCode() != "AccessDenied":
		return Unknown, "STS answered " + api.ErrorCode()
	}
	if d, ok := policy.ReadDenial(api.ErrorMessage()); ok && d.CallerSide() {
		return Unknown, fmt.Sprintf("a policy of the principal's own side (%s) refused", d.Layer)
	}
	return Refused, ""
}

// hopeless tells whether an answer will be the same for all probes, whatever
// the role says: none, or that STS does not take the principal's own keys.
func hopeless(answer error, r Role, p Principal) bool {
	var api smithy.APIError
	return !errors.As(answer, &api) || rolecall.CodeOf(explain(answer, r, p)) == rolecall.Unauthenticated
}

// unproved says why a probe proves nothing; the cause is STS's answer to it.
func unproved(r Role, p Principal, probe Probe, answer error) error {
	e := *rolecall.List(explain(answer, r, p))[0]
	e.Message = fmt.Sprintf("the role %s could not be proved safe (probe %s): %s", r.RoleARN, probe.Name, e.Message)
	return &e
}

func unsafeRole(r Role, p Principal, wrong []plannedProbe) error {
	what := "with an external id that is not the organization's"
	var names, alike []string
	for _, probe := range wrong {
		if probe.id == nil {
			what = "without an external id"
		}
		if strings.HasPrefix(probe.name, near) {
			alike = append(alike, probe.name)
		} else {
			names = append(names, probe.name)
		}
	}
	if len(alike) > 3 {
		alike = []string{fmt.Sprintf("%d similar ones", len(alike))}
	}
	names = append(names, alike...)
	return &rolecall.Error{
		Code: rolecall.Forbidden, Err: ErrUnsafe,
		Message: fmt.Sprintf("the role %s is not safe to use: it can be assumed %s (failed probes: %s)", r.RoleARN, what, strings.Join(names, ", ")),
		Hint:    "the role's owner replaces the trust policy, so that no other customer of this service can reach the role. " + mend(r, p),
	}
}

// withdrawn marks the refusal of the right external id: whatever rests on an
// earlier verdict must go.
func withdrawn(err error) error {
	e := *rolecall.List(err)[0]
	e.Err = errors.Join(ErrUnsafe, e.Err)
	return &e
}
