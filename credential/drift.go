package credential

import (
	"context"
	"errors"
	"time"

	"github.com/rolecall/rolecall"
)

// ErrDrift is in the chain of errors that say that a role which had passed its
// probes does not any more, or is another than the one that had: somebody
// changed it since.
var ErrDrift = errors.New("the role is not any more what it was when it passed its probes")

// ErrClaimEnded is in the chain of what ends a context of Hold's: the claim
// that the credentials rest on has ended.
var ErrClaimEnded = errors.New("the claim on the role has ended")

// Drift comes in two forms. A role that was changed and fails its probes loses
// its verdict, and with the last one the organization its claim; its
// credentials are dropped and the work that holds them ends.
//
// A role that was deleted and made again under its name is another one, even
// where it passes its own probes: somebody else may have made it, and AWS has
// ended the old one's sessions in any case. So what rests on the old one ends
// too, and is told, while the new one may be used under its own verdict. Work
// does not go over to it by itself: it begins anew or not at all.
//
// A dispenser drifts likewise, but of one that gives credentials of another
// account nothing may be used: its account is pinned beside the claim, and
// outlives verdicts that are lost.
const (
	untrusted = "does not pass its probes any more"
	recreated = "was recreated"
)

// changed says in which way another one answers under the subject's name.
func (s Subject) changed() string {
	if s.isRole() {
		return recreated
	}
	return anotherAccount
}

// tellDrift tells of drift in the log and as an event.
func (v *Vault) tellDrift(ctx context.Context, t target, reason string) {
	s := t.subject()
	v.options.Log.WarnContext(ctx, "role drifted", "org", s.Organization, "role", s.RoleARN, "reason", reason)
	v.options.OnEvent(t.event(EventDrift, func(e *Event) { e.Reason = reason }))
}

// recreated ends what rests on the verdict of a role in whose place another one
// answered.
func (v *Vault) recreated(ctx context.Context, t target) error {
	defer v.tellDrift(ctx, t, recreated)
	return v.withdraw(ctx, t.subject(), wasRecreated(t.subject()))
}

// drifted marks a proof's refusal as drift; other errors stay as they are.
func drifted(err error) error {
	if !errors.Is(err, ErrUnsafe) || errors.Is(err, ErrDrift) {
		return err
	}
	e := *rolecall.List(err)[0]
	e.Message = "this has changed since it was proved: " + e.Message
	e.Err = errors.Join(ErrDrift, e.Err)
	return &e
}

func lostTrust(s Subject, why error) error {
	return claimEnded(s, "it "+untrusted, rolecall.List(why)[0].Hint, ErrDrift, why)
}

func wasRecreated(s Subject) error {
	return claimEnded(s, "it "+recreated, "who owns it says whether that was meant; then check the connection and run the job again", ErrDrift)
}

// tenure tells a verdict from one that was put in its place after it was taken
// back; proofs that it passes meanwhile prolong it. The zero value is of none.
type tenure struct {
	roleID string
	first  time.Time
}

func tenureOf(v Verdict) tenure { return tenure{v.RoleID, v.First} }

// ended says why what rests on a verdict of this tenure must end, now that
// another one is kept; nil: it goes on, as does what has not seen one yet.
func (t tenure) ended(s Subject, kept Verdict) error {
	switch {
	case !kept.Passed:
		return claimEnded(s, "its verdict was withdrawn", "check the connection: that says what changed and who must act")
	case t.first.IsZero() || t.roleID == kept.RoleID && t.first.Equal(kept.First):
		return nil
	case t.roleID != kept.RoleID:
		return wasRecreated(s)
	default:
		return claimEnded(s, "its verdict was withdrawn, and it was proved anew since", "run the job again, if the claim was not meant to end")
	}
}

// claimEnded says to the work that it ends, why and who must act.
func claimEnded(s Subject, why, hint string, errs ...error) error {
	return &rolecall.Error{
		Code: rolecall.Forbidden, Message: "the claim on " + s.String() + " ended while it was used: " + why, Hint: hint,
		Err: errors.Join(append(errs, ErrClaimEnded)...),
	}
}
