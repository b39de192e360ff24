package credential

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	if old.Passed && old.RoleID == verdict.RoleID {
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

// plannedProbe is a call to make: with an external id or, for nil, without.
type plannedProbe struct {
	name   string
	id     *string
	accept bool   // it must be accepted
	skip   string // why it is not made
}

// probes plans the proof. The similar ids find wildcards at either end and
// in the middle, lists of related ids, and operators that ignore case.
func (v *Vault) probes(right string) ([]plannedProbe, error) {
	random := make([]byte, 17)
	if _, err := io.ReadFull(v.options.Rand, random); err != nil {
		return nil, fmt.Errorf("random external id: %w", err)
	}
	middle, last := len(right)/2, len(right)-1
	plan := []plannedProbe{{name: "right", id: aws.String(right), accept: true}, {name: "absent"}}
	for _, near := range []struct{ name, id string }{
		{"random", hex.EncodeToString(random[:16])},
		{"near-prefix", right[:last]},
		{"near-suffix", right[1:]},
		{"near-longer", right + hex.EncodeToString(random[16:])},
		{"near-preceded", hex.EncodeToString(random[16:]) + right},
		{"near-middle", right[:middle] + another(right[middle]) + right[middle+1:]},
		{"near-last", right[:last] + another(right[last])},
		{"near-case", otherCase(right)},
	} {
		probe := plannedProbe{name: near.name, id: aws.String(near.id)}
		switch {
		case near.id == right:
			probe.skip = "it is the right one"
		case len(near.id) < 2:
			probe.skip = "STS takes no external id of one character"
		case len(near.id) > 1224:
			probe.skip = "STS takes no external id above 1224 characters"
		}
		plan = append(plan, probe)
	}
	return append(plan, plannedProbe{name: "right-again", id: aws.String(right), accept: true}), nil
}

func another(char byte) string {
	if char == '0' {
		return "1"
	}
	return "0"
}

func otherCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
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
// role would have said.
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
	what, names := "with an external id that is not the organization's", make([]string, len(wrong))
	for i, probe := range wrong {
		names[i] = probe.name
		if probe.id == nil {
			what = "without an external id"
		}
	}
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
