package policy

import "strings"

// Request is one call to judge.
type Request struct {
	// Principal is the ARN of a user, role, role session
	// (arn:aws:sts::111122223333:assumed-role/NAME/SESSION), federated user,
	// account root or identity provider; or a service's domain; or "*" for an
	// anonymous caller.
	Principal string
	Action    string // s3:GetObject
	Resource  string // an ARN, or "*"
	Account   string // owns the resource
	// Context has the condition keys, in any case. What the principal and the
	// account decide is derived unless given: aws:PrincipalArn,
	// aws:PrincipalAccount, aws:PrincipalType, aws:PrincipalIsAWSService,
	// aws:PrincipalServiceName, aws:FederatedProvider, aws:username, aws:userid
	// but for users and roles, kms:CallerAccount and aws:ResourceAccount. An
	// empty list says that the request lacks the key. For a session of a role with a
	// path, give aws:PrincipalArn: the session's ARN leaves the path out.
	Context map[string][]string
}

// request is a Request being evaluated.
type request struct {
	Request
	resource  arnParts
	requester requester
	keys      []contextKey   // that were given
	index     map[string]int // of many keys: where each stands, by its folded name
	budget    budget
}

// manyKeys is from how many keys on an index pays.
const manyKeys = 24

func newRequest(in Request) *request {
	r := &request{Request: in, keys: make([]contextKey, 0, len(in.Context)), budget: maxWork}
	if len(in.Context) >= manyKeys {
		r.index = make(map[string]int, len(in.Context))
	}
	for name, values := range in.Context {
		r.add(name, values)
	}
	var principalARN []string
	if k := r.given(keyPrincipalARN); k != nil {
		principalARN = k.values
	}
	r.requester = identify(in.Principal, principalARN)
	r.resource = serviceARN(in, r.requester.partition)
	return r
}

// changesBucketPolicy reports whether the bucket's policy cannot deny the request: the
// root user of the owner's account can always read, change and remove it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html
func (r *request) changesBucketPolicy() bool {
	q := &r.requester
	if q.kind != asRoot || r.Account != "" && r.Account != q.account {
		return false
	}
	return equalFold(r.Action, "s3:GetBucketPolicy") || equalFold(r.Action, "s3:PutBucketPolicy") || equalFold(r.Action, "s3:DeleteBucketPolicy")
}

// requesterKind is what kind of principal asks.
type requesterKind byte

const (
	asUnknown requesterKind = iota
	asAnonymous
	asUser
	asRole
	asSession
	asFederatedUser // a session of GetFederationToken
	asRoot
	asService
	asProvider // asks by AssumeRoleWithSAML or AssumeRoleWithWebIdentity
)

// requester is the principal of a request, taken apart.
type requester struct {
	kind      requesterKind
	arn       string // or the domain of a service or provider
	partition string
	account   string
	role      string // of a session: the role's ARN
	anyPath   bool   // the role's path is not known
}

// inAccount reports whether the requester belongs to an account, so that
// identity policies and SCPs apply to it.
func (q *requester) inAccount() bool {
	switch q.kind {
	case asUser, asRole, asSession, asFederatedUser, asRoot:
		return true
	default:
		return false
	}
}

// serviceLinked reports whether the requester is a role that a service makes for
// itself, or a session of one: no SCP or RCP affects them. A session's role is
// known by its path, which is in aws:PrincipalArn.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
func (q *requester) serviceLinked() bool {
	role := q.role
	if q.kind == asRole {
		role = q.arn
	}
	return strings.HasPrefix(cutARN(role).part[5], "role/aws-service-role/")
}

// sessionOf reports whether the requester is a session of the role. Without its
// path the name decides: an account has no two roles of one name.
// reference_identifiers.html
func (q *requester) sessionOf(role string) bool {
	if q.kind != asSession {
		return false
	}
	if !q.anyPath {
		return role == q.role
	}
	name := q.role[strings.LastIndexByte(q.role, '/'):]
	return strings.HasPrefix(role, strings.TrimSuffix(q.role, name[1:])) && strings.HasSuffix(role, name)
}

// identify takes a principal apart. given is the request's aws:PrincipalArn: for
// a session it has the role's path, if it is of the same account and name.
// reference_identifiers.html
func identify(principal string, given []string) requester {
	if principal == "*" || principal == "" {
		return requester{kind: asAnonymous}
	}
	q := requester{arn: principal}
	cut := cutARN(principal)
	parts := cut.part
	if cut.count != 6 || parts[0] != "arn" {
		if strings.Contains(principal, ".") {
			q.kind = asService
			if webIdentity(principal) {
				q.kind = asProvider
			}
		}
		return q
	}
	q.partition, q.account = parts[1], parts[4]
	kind, name, _ := strings.Cut(parts[5], "/")
	switch {
	case parts[2] == "iam" && parts[5] == "root":
		q.kind = asRoot
	case parts[2] == "iam" && kind == "user":
		q.kind = asUser
	case parts[2] == "iam" && kind == "role":
		q.kind = asRole
	case parts[2] == "iam" && (kind == "saml-provider" || kind == "oidc-provider"):
		q.kind = asProvider
	case parts[2] == "sts" && kind == "federated-user":
		q.kind = asFederatedUser
	case parts[2] == "sts" && kind == "assumed-role":
		q.kind = asSession
		name, _, _ = strings.Cut(name, "/")
		prefix := "arn:" + q.partition + ":iam::" + q.account + ":role/"
		q.role, q.anyPath = prefix+name, true
		if len(given) == 1 && strings.HasPrefix(given[0], prefix) && strings.HasSuffix(given[0], "/"+name) {
			q.role, q.anyPath = given[0], false
		}
	}
	return q
}

// webIdentity reports whether a trust policy names an identity provider by its
// domain. reference_policies_elements_principal.html
func webIdentity(domain string) bool {
	switch domain {
	case "cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com":
		return true
	default:
		return false
	}
}
