package credential

import (
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
// its verdict, and with the last verdict the organization loses its claim; its
// credentials are dropped and the work that holds them ends.
//
// A role that was deleted and made again under its name is another one, even
// where it passes its own probes: somebody else may have made it, and AWS has
// ended the old one's sessions in any case. So what rests on the old one ends
// too, and the drift is reported, while the new one may be used under its own
// verdict. Work does not change over to it by itself: it starts again or ends.
//
// A dispenser drifts likewise, but of one that gives credentials of another
// account nothing may be used: its account is pinned beside the claim, and the
// pin outlives verdicts that are lost.
const (
	untrusted      = "does not pass its probes any more"
	recreated      = "was recreated"
	anotherAccount = "gives credentials of another account"
)

// changeReason says in which way another one answers under the subject's name.
func (s Subject) changeReason() string {
	if s.isRole() {
		return recreated
	}
	return anotherAccount
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
	return claimEnded(s, "it "+recreated, "Customer: say whether that was meant. You: run rolecall check CONNECTION then, and the job again", ErrDrift)
}

// verdictID tells a verdict from one that was put in its place after it was
// taken back; proofs that it passes meanwhile do not change it. The zero value
// is of no verdict.
type verdictID struct {
	roleID string
	first  time.Time
}

func (v Verdict) id() verdictID { return verdictID{v.RoleID, v.First} }

// whyEnded returns why what rests on this verdict must end, now that another
// one is stored. It returns nil if it goes on, as does what has seen no verdict
// yet.
func (id verdictID) whyEnded(s Subject, stored Verdict) error {
	switch {
	case !stored.Passed:
		return claimEnded(s, "its verdict was withdrawn", "You: run rolecall check CONNECTION, which says what changed and who must act")
	case id.first.IsZero() || id.roleID == stored.RoleID && id.first.Equal(stored.First):
		return nil
	case id.roleID != stored.RoleID:
		return wasRecreated(s)
	default:
		return claimEnded(s, "its verdict was withdrawn, and it was proved anew since", "You: run the job again, if the claim was not meant to end")
	}
}

// claimEnded is the cause that work ends with: it says why, and who must act.
func claimEnded(s Subject, why, hint string, errs ...error) error {
	return &rolecall.Error{
		Code: rolecall.Forbidden, Message: "the claim on " + s.String() + " ended while it was used: " + why, Hint: hint,
		Err: errors.Join(append(errs, ErrClaimEnded)...),
	}
}
