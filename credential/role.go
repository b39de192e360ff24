package credential

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/rolecall/rolecall"
)

// Role asks for a session of a customer's role for one step of a job.
type Role struct {
	Organization string // api_name
	Principal    string // name; the identity that assumes
	RoleARN      string
	ExternalID   string
	JobID        string
	TaskLabel    string        // goes into the User-Agent of STS calls only
	Policy       []byte        // session policy; without one there is no session
	Duration     time.Duration // zero: one hour
	Region       string        // whose STS is asked; empty: the principal's
	Revision     string        // of the connection
}

// Role gives the provider of a session. Nothing is called until a credential
// is taken; then the role is proved first, unless a verdict is at hand.
func (v *Vault) Role(r Role) *Provider {
	r.Policy = slices.Clone(r.Policy)
	var refusal error
	if len(r.Policy) == 0 {
		refusal = &rolecall.Error{Code: rolecall.Internal, Message: "a session of a role needs a session policy", Hint: "a fault of rolecall's"}
	}
	return &Provider{vault: v, key: r.key(), refusal: refusal, fetch: func(ctx context.Context) (fetched, error) {
		return v.vend(ctx, r)
	}}
}

func (r Role) key() key {
	return key{
		Organization: r.Organization, Principal: r.Principal, RoleARN: r.RoleARN, ExternalID: r.ExternalID,
		SessionName: r.SessionName(), Policy: string(r.Policy), Duration: r.duration(), Region: r.Region, Revision: r.Revision,
	}
}

func (r Role) subject(p Principal) Subject {
	return Subject{Organization: r.Organization, Principal: p.ARN.String(), RoleARN: r.RoleARN, ExternalID: r.ExternalID}
}

func (r Role) duration() time.Duration {
	if r.Duration == 0 {
		return rolecall.DefaultSessionDuration
	}
	return r.Duration
}

// SessionName is what the customer's CloudTrail shows: the organization, cut
// to 30 characters, and the job.
func (r Role) SessionName() string {
	name := r.Organization[:min(len(r.Organization), 30)] + "." + r.JobID
	name = notInSessionName.ReplaceAllString(name, "-")
	return name[:min(len(name), 64)]
}

var notInSessionName = regexp.MustCompile(`[^\w+=,.@-]`)

// vend proves the role if need be and assumes it.
func (v *Vault) vend(ctx context.Context, r Role) (fetched, error) {
	p, err := v.admit(r)
	if err != nil {
		return fetched{}, err
	}
	for again := false; ; again = true {
		epoch := v.cache.epoch(r.key())
		verdict, err := v.verdict(ctx, r, p)
		if err != nil {
			return fetched{}, err
		}
		s, err := v.assume(ctx, r, p)
		if err != nil {
			return fetched{}, err
		}
		if s.roleID == verdict.RoleID {
			v.options.OnEvent(v.event(EventAssume, r, func(e *Event) {
				e.Policy, e.Duration = r.Policy, s.duration
				e.AccessKeyID, e.Expires = s.credentials.AccessKeyID, s.credentials.Expires
			}))
			return fetched{credentials: s.credentials, review: verdict.due(v.options.ProveEvery), epoch: epoch}, nil
		}
		// Another role under the same name: what was proved says nothing of it.
		v.options.Log.WarnContext(ctx, "role was recreated", "org", r.Organization, "role", r.RoleARN)
		if err := v.withdraw(ctx, r, p); err != nil {
			return fetched{}, err
		}
		if again {
			return fetched{}, &rolecall.Error{
				Code: rolecall.Unavailable, Message: "the role " + r.RoleARN + " keeps changing",
				Hint: "the role was recreated while it was being probed; try again",
			}
		}
	}
}

// admit refuses, before any call, what must not be asked for.
func (v *Vault) admit(r Role) (Principal, error) {
	p, ok := v.options.Principals[r.Principal]
	if !ok || p.Credentials == nil {
		return Principal{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("there is no principal %q", r.Principal),
			Hint: "the operator declares principals in rolecall.yaml",
		}
	}
	role, err := rolecall.ParseRoleARN(r.RoleARN)
	if err != nil {
		return Principal{}, err
	}
	if r.ExternalID == "" {
		return Principal{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: "the organization has no external id",
			Hint: "a role is assumed with an external id only",
		}
	}
	if err := (rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: r.ExternalID}).Validate(); err != nil {
		return Principal{}, err
	}
	if role.Partition != p.ARN.Partition {
		return Principal{}, &rolecall.Error{
			Code:    rolecall.Invalid,
			Message: fmt.Sprintf("the role %s is in partition %s, the principal %s in %s", r.RoleARN, role.Partition, r.Principal, p.ARN.Partition),
			Hint:    "partitions do not mix: use a principal of the role's partition",
		}
	}
	if v.vendorAccount(role.Account) {
		return Principal{}, &rolecall.Error{
			Code: rolecall.Forbidden, Message: "the role " + r.RoleARN + " is not usable",
			Hint: "give a role in your own account",
		}
	}
	return p, nil
}

func (v *Vault) vendorAccount(account string) bool {
	for _, p := range v.options.Principals {
		if p.ARN.Account == account {
			return true
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.vendors[account] || slices.Contains(v.options.VendorAccounts, account)
}

// verdict gives a verdict that is not due, proving the role if need be. Takers
// of different sessions of a role share one proof.
func (v *Vault) verdict(ctx context.Context, r Role, p Principal) (Verdict, error) {
	verdict, err := v.current(ctx, r, p)
	if err != nil || verdict.Passed {
		return verdict, err
	}
	if err := v.refusals.of(r.subject(p), v.options.Now()); err != nil {
		return Verdict{}, err
	}
	// Every taker here is a fetch of the cache, whose context outlives its
	// takers, so it does not matter in which of them the proof runs.
	shared, err, _ := v.proofs.Do(r.subject(p).Digest(), func() (any, error) {
		if verdict, err := v.current(ctx, r, p); err != nil || verdict.Passed {
			return verdict, err
		}
		if err := v.refusals.of(r.subject(p), v.options.Now()); err != nil {
			return Verdict{}, err
		}
		return v.prove(ctx, r, p)
	})
	verdict, _ = shared.(Verdict)
	return verdict, err
}

// current gives the kept verdict, the zero one if there is none that holds.
func (v *Vault) current(ctx context.Context, r Role, p Principal) (Verdict, error) {
	verdict, err := v.options.Verdicts.Get(ctx, r.subject(p))
	if err != nil {
		return Verdict{}, v.claimed(ctx, r, err)
	}
	if verdict.holds(v.options.Now(), v.options.ProveEvery) {
		return verdict, nil
	}
	return Verdict{}, nil
}

func (v *Vault) claimed(ctx context.Context, r Role, err error) error {
	var claimed *ClaimedError
	if !errors.As(err, &claimed) {
		return fmt.Errorf("verdict on %s: %w", r.RoleARN, err)
	}
	v.options.Log.WarnContext(ctx, "role is claimed by another organization", "org", r.Organization, "role", r.RoleARN, "owner", claimed.Owner)
	return &rolecall.Error{
		Code: rolecall.Forbidden, Message: "the role " + r.RoleARN + " is not usable",
		Hint: "ask the operator", Err: errors.Join(ErrUnsafe, err),
	}
}

// withdraw forgets the verdict, and then drops what rests on it: a fetch that
// still saw the verdict is under way, and the purge makes it look again.
func (v *Vault) withdraw(ctx context.Context, r Role, p Principal) error {
	err := v.options.Verdicts.Remove(ctx, r.subject(p))
	v.purge(r, p)
	if err != nil {
		return fmt.Errorf("remove verdict: %w", err)
	}
	return nil
}

// purge drops every credential that rests on the same verdict as the role's,
// under whatever name its principal is declared.
func (v *Vault) purge(r Role, p Principal) {
	v.cache.purge(func(k key) bool {
		return k.Organization == r.Organization && k.RoleARN == r.RoleARN && k.ExternalID == r.ExternalID &&
			v.options.Principals[k.Principal].ARN == p.ARN
	})
}

func (v *Vault) event(kind EventKind, r Role, fill func(*Event)) Event {
	e := Event{Kind: kind, Time: v.options.Now(), Organization: r.Organization, Principal: r.Principal, RoleARN: r.RoleARN, SessionName: r.SessionName()}
	fill(&e)
	return e
}
