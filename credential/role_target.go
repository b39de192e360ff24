package credential

import (
	"context"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/policy"
)

// roleTarget is a role as a principal assumes it.
type roleTarget struct {
	Role
	principal Principal
	about     Subject
	vault     *Vault
}

func (t roleTarget) subject() Subject { return t.about }

func (t roleTarget) event(kind EventKind) Event {
	return Event{Kind: kind, Organization: t.Organization, Principal: t.Role.Principal, RoleARN: t.RoleARN, SessionName: t.SessionName(), JobID: t.JobID}
}

// ready checks that the principal's keys are there and its own.
func (t roleTarget) ready(ctx context.Context) error {
	_, err := t.vault.principalKeys(ctx, t.Role, t.principal)
	return err
}

// ask assumes the role. The session is thrown away; it could do nothing, and
// not for long.
func (t roleTarget) ask(ctx context.Context, externalID *string) answer {
	s, err := t.vault.callAssumeRole(ctx, t, externalID, policy.DenyAll(), rolecall.MinSessionDuration)
	a := answer{id: s.roleID}
	a.outcome, a.detail = outcome(err)
	if err != nil {
		a.err = explained(err, t.Role, t.principal)
		_, answered := awscode.Read(err)
		a.sameToAll = !answered || rolecall.CodeOf(a.err) == rolecall.Unauthenticated
	}
	return a
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

func (t roleTarget) unsafe(accepted []plannedProbe) error {
	what := "with an external id that is not the organization's"
	var names, similar []string
	for _, probe := range accepted {
		if probe.id == nil {
			what = "without an external id"
		}
		if strings.HasPrefix(probe.name, ProbeNear) {
			similar = append(similar, probe.name)
		} else {
			names = append(names, probe.name)
		}
	}
	if len(similar) > 3 {
		similar = []string{fmt.Sprintf("%d similar ones", len(similar))}
	}
	names = append(names, similar...)
	return &rolecall.Error{
		Code: rolecall.Forbidden, Err: ErrUnsafe,
		Message: fmt.Sprintf("the role %s is not safe to use: it can be assumed %s (failed probes: %s)", t.RoleARN, what, strings.Join(names, ", ")),
		Hint:    "Customer: correct the trust policy, so that no other customer of this service can reach the role. " + rightTrust(t.Role, t.principal),
	}
}

// previousID is the id of the role that the verdict is on.
func (t roleTarget) previousID(_ context.Context, stored Verdict, now string) (string, error) {
	if !stored.Passed {
		return now, nil
	}
	return stored.RoleID, nil
}

// replaced lets a recreated role count that passed its own probes.
func (t roleTarget) replaced(string, string) error { return nil }
