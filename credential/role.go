package credential

import (
	"context"
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
		refusal = errNoPolicy
	}
	k := r.key(v.options.Principals[r.Principal])
	return &Provider{vault: v, key: k, refusal: refusal, fetch: func(ctx context.Context) (fetched, error) {
		return v.vend(ctx, r, k)
	}}
}

var errNoPolicy = &rolecall.Error{Code: rolecall.Internal, Message: "a session of a role needs a session policy", Hint: "a fault of rolecall's"}

func (r Role) key(p Principal) key {
	return key{
		Subject: r.subject(p), PrincipalName: r.Principal, SessionName: r.SessionName(),
		Policy: string(r.Policy), Duration: r.duration(), Region: r.Region, Revision: r.Revision,
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
func (v *Vault) vend(ctx context.Context, r Role, k key) (fetched, error) {
	p, err := v.admit(r)
	if err != nil {
		return fetched{}, err
	}
	subject := r.subject(p)
	if err := v.standing(ctx, k); err != nil {
		return fetched{}, err
	}
	for again := false; ; again = true {
		epoch := v.cache.epoch(k)
		verdict, err := v.verdict(ctx, subject, func(ctx context.Context) (Verdict, error) { return v.prove(ctx, r, p) })
		if err != nil && again {
			return fetched{}, drifted(err)
		}
		if err != nil {
			return fetched{}, err
		}
		s, err := v.assume(ctx, r, p)
		if err != nil {
			return fetched{}, err
		}
		if s.roleID == verdict.RoleID {
			v.assumed(r, p, s)
			return fetched{credentials: s.credentials, review: verdict.due(v.options.ProveEvery), tenure: tenureOf(verdict), epoch: epoch}, nil
		}
		// Another role under the same name: what was proved says nothing of it.
		if err := v.recreated(ctx, v.target(r, p)); err != nil {
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

// assumed tells of a session that was begun for work.
func (v *Vault) assumed(r Role, p Principal, s session) {
	v.options.OnEvent(v.event(EventAssume, r, func(e *Event) {
		e.Policy, e.Duration, e.Region = r.Policy, s.duration, regionFor(r.Region, p.Principal)
		e.AccessKeyID, e.Expires = s.credentials.AccessKeyID, s.credentials.Expires
	}))
}

// admit refuses, before any call, what must not be asked for.
func (v *Vault) admit(r Role) (Principal, error) {
	p, err := v.principal(r.Principal)
	if err != nil {
		return Principal{}, err
	}
	if r.Principal == rolecall.DispenserPrincipal {
		return Principal{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: "the principal dispenser assumes no roles", Hint: "it signs requests to dispensers and does nothing else",
		}
	}
	role, err := rolecall.ParseRoleARN(r.RoleARN)
	if err != nil {
		return Principal{}, err
	}
	if err := checkExternalID(r.ExternalID); err != nil {
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

func (v *Vault) principal(name string) (Principal, error) {
	p, ok := v.options.Principals[name]
	if !ok || p.Credentials == nil {
		return Principal{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("there is no principal %q", name),
			Hint: "the operator declares principals in rolecall.yaml",
		}
	}
	return p, nil
}

func checkExternalID(id string) error {
	if id == "" {
		return &rolecall.Error{
			Code: rolecall.Invalid, Message: "the organization has no external id",
			Hint: "a role is assumed, and a dispenser asked, with an external id only",
		}
	}
	return rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: id}.Validate()
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

func (v *Vault) event(kind EventKind, r Role, fill func(*Event)) Event {
	e := Event{Kind: kind, Time: v.options.Now(), Organization: r.Organization, Principal: r.Principal, RoleARN: r.RoleARN, SessionName: r.SessionName()}
	fill(&e)
	return e
}
