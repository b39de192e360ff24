package policy

import (
	"slices"
	"strings"
)

// Policies are all policies that bear on a request.
type Policies struct {
	Identity []*Document
	Resource *Document // of the bucket, key or role that is asked for
	Session  *Document
	Boundary []*Document
	// SCP and RCP are the levels of the organization, from the root down. A
	// level allows what any of its documents allows; every level must.
	SCP, RCP [][]*Document
}

// Decision is the outcome.
type Decision string

// The decisions.
const (
	Allowed          Decision = "allowed"
	ExplicitlyDenied Decision = "explicitly_denied" // a Deny statement matched
	ImplicitlyDenied Decision = "implicitly_denied" // an Allow is missing
)

// Layer is where a policy stands in a decision.
type Layer string

// The layers.
const (
	Identity       Layer = "identity"
	ResourcePolicy Layer = "resource_policy"
	SessionPolicy  Layer = "session"
	Boundary       Layer = "boundary"
	SCP            Layer = "scp"
	RCP            Layer = "rcp"
)

// Ref names a statement. Index is the document's place in its layer, counted
// through the levels of an organization; Statement its place in the document.
type Ref struct {
	Policy    Layer  `json:"policy"`
	Index     int    `json:"index"`
	Statement int    `json:"statement"`
	Sid       string `json:"sid,omitempty"`
}

// Result is a decision and what made it: the denying statements, or every
// allowing one, or the layers that must allow and do not, or why no policy can
// allow the request.
type Result struct {
	Decision  Decision `json:"decision"`
	DecidedBy []Ref    `json:"decided_by,omitempty"`
	Missing   []Layer  `json:"missing,omitempty"`
	Refused   string   `json:"refused,omitempty"`
}

// Evaluate decides a request as AWS does.
//
// A Deny anywhere wins. Then every level of SCPs must allow, and then, within
// one account, the resource's policy or the identity's; across accounts, both.
// reference_policies_evaluation-logic_policy-eval-denyallow.html and
// reference_policies_evaluation-logic-cross-account.html
//
// The work is bounded: a request whose values and patterns take more to compare
// than any that AWS would accept is denied, with nothing decided by or missing.
func Evaluate(in Request, policies Policies) Result {
	result, ok := evaluate(in, policies)
	if !ok {
		return Result{Decision: ImplicitlyDenied}
	}
	return result
}

// evaluate decides; it is false when the work was not done.
func evaluate(in Request, policies Policies) (Result, bool) {
	e := evaluation{request: newRequest(in), bounded: len(policies.Boundary) > 0}
	result := e.evaluate(policies)
	return result, !e.request.budget.spent()
}

func (e *evaluation) evaluate(policies Policies) Result {
	in := &e.request.Request
	if why := e.request.refusal(); why != "" {
		return Result{Decision: ImplicitlyDenied, Refused: why}
	}
	if Unpoliced(in.Action) {
		return Result{Decision: Allowed}
	}
	granted := e.resource(policies.Resource)
	e.rcps(policies.RCP)

	var identity, boundary, session, scp bool
	inAccount := e.request.requester.inAccount()
	if inAccount {
		identity = e.any(Identity, 0, policies.Identity)
		boundary = e.any(Boundary, 0, policies.Boundary) || len(policies.Boundary) == 0
		session = e.session(policies.Session)
		scp = e.levels(SCP, policies.SCP)
	}
	if len(e.denying) > 0 {
		return Result{Decision: ExplicitlyDenied, DecidedBy: e.denying}
	}
	if !inAccount {
		// Only the resource's side is about services, providers and the anonymous.
		return e.decide(lacks(nil, ResourcePolicy, granted != nobody))
	}

	q := &e.request.requester
	if q.kind == asRoot {
		identity, boundary = true, true // the account's root user has full access
	}
	missing := lacks(nil, SCP, scp)
	sameAccount := in.Account == "" || q.account == in.Account
	switch {
	case sameAccount && granted == direct:
		return e.decide(missing)
	case sameAccount && granted == toRole:
	case !e.needsResourcePolicy() && (sameAccount || strings.EqualFold(in.Action, "sts:AssumeRoot")): // a root user has no policy
		missing = lacks(missing, Identity, identity)
	default:
		missing = lacks(missing, Identity, identity)
		missing = lacks(missing, ResourcePolicy, granted != nobody)
	}
	missing = lacks(missing, Boundary, boundary)
	return e.decide(lacks(missing, SessionPolicy, session))
}

// lacks appends the layer to missing unless it allows.
func lacks(missing []Layer, layer Layer, allows bool) []Layer {
	if allows {
		return missing
	}
	return append(missing, layer)
}

// evaluation is the work on one request.
type evaluation struct {
	request           *request
	bounded           bool // the requester has a permissions boundary
	allowing, denying []Ref
}

func (e *evaluation) decide(missing []Layer) Result {
	if len(missing) > 0 {
		return Result{Decision: ImplicitlyDenied, Missing: missing}
	}
	return Result{Decision: Allowed, DecidedBy: e.allowing}
}

// needsResourcePolicy reports whether the resource's policy must allow even
// within its account: trust policies and key policies must. Some actions of
// their services have no role or key as resource.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html and
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
func (e *evaluation) needsResourcePolicy() bool {
	service, name, _ := strings.Cut(strings.ToLower(e.request.Action), ":")
	switch service {
	case "sts":
		return strings.HasPrefix(name, "assumerole") || name == "tagsession" || name == "setsourceidentity" || name == "setcontext"
	case "kms":
		return !slices.Contains(withoutKey, name)
	default:
		return false
	}
}

// withoutKey are the actions of KMS on no key that is there.
var withoutKey = []string{
	"createkey", "listkeys", "listaliases", "listretirablegrants", "generaterandom", "createcustomkeystore", "deletecustomkeystore",
	"describecustomkeystores", "connectcustomkeystore", "disconnectcustomkeystore", "updatecustomkeystore",
}

func ofSTS(action string) bool { return hasPrefix(action, "sts:", true) }

// document notes the statements that match and reports whether one allows.
func (e *evaluation) document(layer Layer, index int, d *Document) bool {
	allowed := false
	for i := range d.statements {
		s := &d.statements[i]
		if !s.matches(e.request, layer) {
			continue
		}
		allowed = allowed || !s.deny
		e.note(s, Ref{layer, index, i, s.sid})
	}
	return allowed
}

// session reports whether the session policy allows. A role's session may be
// without one; a federated user's then has only what a resource's policy allows it.
// reference_policies_evaluation-logic_policy-eval-denyallow.html
func (e *evaluation) session(d *Document) bool {
	if d == nil {
		return e.request.requester.kind != asFederatedUser
	}
	return e.document(SessionPolicy, 0, d)
}

func (e *evaluation) note(s *statement, ref Ref) {
	if s.deny {
		e.denying = append(e.denying, ref)
	} else {
		e.allowing = append(e.allowing, ref)
	}
}

func (e *evaluation) any(layer Layer, first int, documents []*Document) bool {
	allowed := false
	for i, d := range documents {
		if e.document(layer, first+i, d) {
			allowed = true
		}
	}
	return allowed
}

// levels reports whether every level allows. No level, or one without documents,
// restricts nothing.
func (e *evaluation) levels(layer Layer, levels [][]*Document) bool {
	allowed, first := true, 0
	if e.request.requester.serviceLinked() {
		return true
	}
	for _, level := range levels {
		if len(level) > 0 && !e.any(layer, first, level) {
			allowed = false
		}
		first += len(level)
	}
	return allowed
}

// resource notes the statements of the resource's policy that match, and
// returns how closely the closest Allow names the requester.
func (e *evaluation) resource(d *Document) grant {
	best := nobody
	if d == nil {
		return best
	}
	changes := e.request.changesBucketPolicy()
	for i := range d.statements {
		s := &d.statements[i]
		if s.deny && changes {
			continue
		}
		g := s.principals.grants(&e.request.requester)
		if s.deny && !s.principals.denies(&e.request.requester, e.bounded) || !s.deny && g == nobody {
			continue
		}
		if !s.matches(e.request, ResourcePolicy) {
			continue
		}
		if !s.deny {
			best = max(best, g)
		}
		e.note(s, Ref{ResourcePolicy, 0, i, s.sid})
	}
	return best
}

// rcps notes the denials of resource control policies. They cannot withhold an
// Allow: RCPFullAWSAccess is attached everywhere and cannot be detached.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
func (e *evaluation) rcps(levels [][]*Document) {
	if e.request.requester.serviceLinked() || equalFold(e.request.Action, "kms:RetireGrant") { // orgs_manage_policies_rcps.html
		return
	}
	index := 0
	for _, level := range levels {
		for _, d := range level {
			for i := range d.statements {
				s := &d.statements[i]
				if s.deny && s.principals.denies(&e.request.requester, e.bounded) && s.matches(e.request, RCP) {
					e.note(s, Ref{RCP, index, i, s.sid})
				}
			}
			index++
		}
	}
}
