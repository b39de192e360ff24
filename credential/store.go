package credential

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
)

// Subject is what a verdict is about: this organization's use of this role, or
// of this dispenser, as this principal, with this external id, in this way. A
// trust policy can see the region, and a dispenser the access: each may decide
// otherwise about another one.
type Subject struct {
	Organization string
	Principal    string // ARN
	RoleARN      string // or the dispenser's URL
	ExternalID   string
	Region       string // whose STS is called
	Access       string // that a dispenser is asked for; empty: it is a role
}

// Anywhere returns the subject without its region and access.
func (s Subject) Anywhere() Subject {
	s.Region, s.Access = "", ""
	return s
}

// Within reports whether a subject is the other one or, if that has neither
// region nor access, differs from it in these only.
func (s Subject) Within(other Subject) bool { return s == other || s.Anywhere() == other }

// String names the role or dispenser, for messages.
func (s Subject) String() string {
	if s.isRole() {
		return "the role " + s.RoleARN
	}
	return "the dispenser " + s.RoleARN
}

func (s Subject) isRole() bool { return strings.HasPrefix(strings.ToLower(s.RoleARN), "arn:") }

// Digest is a name of the subject that does not show the external id: what is
// before the first slash is the same for all subjects that differ only in
// region and access.
func (s Subject) Digest() string {
	h := sha256.New()
	for _, part := range []string{s.Organization, s.Principal, s.RoleARN, s.ExternalID} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)) + "/" + s.Region + "/" + s.Access
}

// ClaimKey is what a claim is on: two subjects with the same key are of one
// role or dispenser. Names of roles are unique in an account whatever their
// case; of a dispenser's URL only the host ignores case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func (s Subject) ClaimKey() string {
	if s.isRole() {
		return strings.ToLower(s.RoleARN)
	}
	scheme, rest, _ := strings.Cut(s.RoleARN, "://")
	host, path, _ := strings.Cut(rest, "/")
	return strings.ToLower(scheme+"://"+host) + "/" + path
}

// Outcome is how STS answered a probe.
type Outcome string

// The outcomes. Only Refused is a proof of refusal: an AccessDenied that does
// not blame the caller's side. Unknown is any other answer, or none.
const (
	Accepted Outcome = "accepted"
	Refused  Outcome = "refused"
	Unknown  Outcome = "unknown"
	Skipped  Outcome = "skipped"
)

// Probe is one call of a proof and its outcome.
type Probe struct {
	Name    string  `json:"probe"`
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail,omitempty"` // why it is skipped, or what STS said instead
}

// Verdict is the result of a role's probes.
type Verdict struct {
	RoleID  string    `json:"role_id"` // the role's unique id, AROA…
	Passed  bool      `json:"passed"`
	Probes  []Probe   `json:"probes"`
	First   time.Time `json:"first"`   // when the probes first passed: tells it from a later verdict
	Checked time.Time `json:"checked"` // when they last passed
}

// acceptedWrong reports whether an external id was accepted that is not the
// right one, or none at all.
func (v Verdict) acceptedWrong() bool {
	return slices.ContainsFunc(v.Probes, func(p Probe) bool {
		return p.Outcome == Accepted && p.Name != ProbeRight && p.Name != ProbeRightAgain
	})
}

// settleTime is after how long the negative probes are repeated: IAM's changes
// take time to spread, and until then a stale denial looks like a pass.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
const settleTime = 5 * time.Minute

// due is when the verdict must be renewed by another proof.
func (v Verdict) due(every time.Duration) time.Time {
	if v.Checked.Sub(v.First) < settleTime {
		return v.First.Add(settleTime)
	}
	return v.Checked.Add(every)
}

// clockTolerance is how far the clocks of machines that share verdicts may be
// apart: what one has just found out is not the future for another.
const clockTolerance = 2 * time.Minute

// valid reports whether the verdict is a pass that is not due for renewal. One
// from the future, by a clock that jumped or an edited file, is not valid.
func (v Verdict) valid(now time.Time, every time.Duration) bool {
	return v.Passed && !v.fromTheFuture(now) && now.Before(v.due(every))
}

func (v Verdict) fromTheFuture(now time.Time) bool {
	latest := now.Add(clockTolerance)
	return v.First.After(latest) || v.Checked.After(latest)
}

// Verdicts stores passing verdicts and the claims that come with them: an
// organization holds a claim on a role or dispenser, by its ClaimKey, while it
// has a verdict on it, whatever the verdict's principal and external id. Pins
// are beside the claims, and outlive them. One store may serve many processes
// at once: each method is atomic, and later calls in any process see what one
// has done. Package verdicttest tests whether a store does all that.
type Verdicts interface {
	// Get returns the verdict on a subject exactly as it was put, the zero
	// Verdict if there is none. It returns a ClaimedError if another
	// organization holds the claim. Any other error says nothing about either.
	Get(context.Context, Subject) (Verdict, error)
	// Put stores a passing verdict in place of the old one, the zero Verdict if
	// there was none, and with it the claim. It returns a ClaimedError, and
	// changes nothing, if another organization holds the claim; the first one
	// wins. It returns ErrStale, and changes nothing, if the stored verdict on
	// the subject has another First than the old one, or there is none any
	// more.
	Put(ctx context.Context, s Subject, old, passing Verdict) error
	// Remove removes the verdict on a subject, or, if it has neither region nor
	// access, those on all subjects within it. It ends the claim with the last
	// one. If there is none, or it is another organization's, it changes nothing
	// and returns no error.
	Remove(context.Context, Subject) error
	// Release removes all verdicts of the subject's organization with its
	// ClaimKey, which ends the claim, and the pin. Those of another organization
	// stay, without an error.
	Release(context.Context, Subject) error
	// Pin stores an id for the subject's organization and ClaimKey, unless one
	// is stored already, and returns the one that is stored. Only Release
	// removes it. It returns a ClaimedError, and changes nothing, if another
	// organization holds the claim.
	Pin(ctx context.Context, s Subject, id string) (string, error)
}

// ErrStale says that a verdict was not put, since another one was put, or the
// previous one removed or released, while its proof was under way.
var ErrStale = errors.New("the verdict was changed meanwhile")

// ClaimedError says that another organization has claimed the role. Only the
// operator may see which.
type ClaimedError struct{ Owner string }

// Error does not show the owner.
func (*ClaimedError) Error() string { return "the role is claimed by another organization" }

// ErrUnsafe is in the chain of errors that say that a role was probed and did
// not pass: its credentials must not be used any more.
var ErrUnsafe = errors.New("the role did not pass its probes")
