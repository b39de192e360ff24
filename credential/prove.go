package credential

import (
	"context"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/policy"
)

// Prove probes a role now, whatever verdict is at hand, and keeps the result:
// a passing verdict claims the role for the organization, any proof that it
// is unsafe ends the claim, the work that is held and the credentials that
// rest on it. Where the role had passed before, the error wraps ErrDrift.
// Takers of the role's credentials get the same refusal for some seconds after
// it, without a call.
//
// The verdict lists each probe with its outcome, also beside an error. A role
// passes when the right external id is accepted, absent, random and similar
// ones are refused, and the right one is accepted again.
//
// A role that refuses the right one is probed with the others all the same:
// what it accepts of those shows that its trust policy is at fault.
//
// A proof makes 16 calls at most, those that must be refused side by side. It
// finds wildcards at either end, and inside
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

func (v *Vault) prove(ctx context.Context, r Role, p Principal) (_ Verdict, err error) {
	defer catchPanic(&err)
	old, err := v.kept(ctx, r.subject(p))
	if err != nil {
		return Verdict{}, err
	}
	if _, err := v.own(ctx, r, p); err != nil {
		return Verdict{}, err
	}
	return v.proof(ctx, v.target(r, p), old)
}

// role is a target: a role as a principal assumes it.
type role struct {
	Role
	principal Principal
	vault     *Vault
}

func (v *Vault) target(r Role, p Principal) role { return role{r, p, v} }

func (t role) subject() Subject { return t.Role.subject(t.principal) }

// ask assumes the role. The session is thrown away; it could do nothing, and
// not for long.
func (t role) ask(ctx context.Context, externalID *string) answer {
	s, err := t.vault.call(ctx, t.Role, t.principal, externalID, policy.DenyAll(), rolecall.MinSessionDuration)
	a := answer{id: s.roleID}
	a.outcome, a.detail = outcome(err)
	if err != nil {
		a.err, a.hopeless = explained(err, t.Role, t.principal), hopeless(err, t.Role, t.principal)
	}
	return a
}

func (t role) unsafe(wrong []plannedProbe) error { return unsafeRole(t.Role, t.principal, wrong) }

// before is the role that the verdict is on.
func (t role) before(_ context.Context, old Verdict, now string) (string, error) {
	if !old.Passed {
		return now, nil
	}
	return old.RoleID, nil
}

// moved lets a recreated role stand that passed its own probes.
func (t role) moved(string, string) error { return nil }

func (t role) event(kind EventKind, fill func(*Event)) Event {
	return t.vault.event(kind, t.Role, fill)
}

// outcome reads STS's answer to a probe. A refusal is a proof only if it is
// the role's: a policy of the vendor's own side that refuses hides what the
// role would have said. Across accounts AWS does not say whose policy it was;
// that the right external id is accepted shows that the vendor's side allows
// the call, unless a policy there looks at sts:ExternalId itself.
func outcome(err error) (Outcome, string) {
	answer, answered := awscode.Read(err)
	switch {
	case err == nil:
		return Accepted, ""
	case !answered:
		return Unknown, "STS gave no answer"
	case answer.Code != awscode.AccessDenied:
		return Unknown, "STS answered " + answer.Code
	}
	if d, ok := policy.ReadDenial(answer.Text); ok && d.CallerSide() {
		return Unknown, fmt.Sprintf("a policy of the principal's own side (%s) refused", d.Layer)
	}
	return Refused, ""
}

// hopeless tells whether an answer will be the same for all probes, whatever
// the role says: none, or that STS does not take the principal's own keys.
func hopeless(err error, r Role, p Principal) bool {
	_, answered := awscode.Read(err)
	return !answered || rolecall.CodeOf(explained(err, r, p)) == rolecall.Unauthenticated
}

func unsafeRole(r Role, p Principal, wrong []plannedProbe) error {
	what := "with an external id that is not the organization's"
	var names, alike []string
	for _, probe := range wrong {
		if probe.id == nil {
			what = "without an external id"
		}
		if strings.HasPrefix(probe.name, ProbeNear) {
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
