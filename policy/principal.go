package policy

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// principals is Principal or NotPrincipal, or neither.
type principals struct {
	given, not bool
	entries    []principal
}

func (p principals) element() string {
	if p.not {
		return "NotPrincipal"
	}
	return "Principal"
}

// principalKind is the member of the Principal element that a value is in.
type principalKind byte

const (
	namesAnyone principalKind = iota
	namesAccount
	namesARN           // an IAM or STS ARN under AWS
	namesUniqueID      // AIDA…, AROA…: what is left of a deleted user or role
	namesService       // a service's domain
	namesProvider      // an identity provider
	namesCanonicalUser // S3's canonical user id
)

type principal struct {
	kind      principalKind
	text      string
	partition string // of an account given by its root ARN
}

// grant is how closely a Principal element names the requester. It decides
// which implicit denials an Allow passes over.
// reference_policies_evaluation-logic_policy-eval-denyallow.html
type grant byte

const (
	nobody    grant = iota // names others
	toAccount              // the account, which must allow it by an identity policy too
	toRole                 // the role of the session; boundary and session policy still limit it
	direct                 // the user, the session, the service, or everyone
)

// grants returns how the element names the requester.
func (p *principals) grants(q *requester) grant {
	best := nobody
	for i := range p.entries {
		best = max(best, p.entries[i].grants(q))
	}
	if !p.not {
		return best
	}
	// An Allow with NotPrincipal is for everyone but those named.
	if best == nobody {
		return direct
	}
	return nobody
}

func (p *principal) grants(q *requester) grant {
	switch p.kind {
	case namesAnyone:
		return direct
	case namesAccount:
		if !q.inAccount() || q.account != p.text || p.partition != "" && q.partition != p.partition {
			return nobody
		}
		if q.kind == asRoot {
			return direct
		}
		return toAccount
	case namesARN:
		if q.inAccount() && p.text == q.arn {
			if q.kind == asRole {
				return toRole
			}
			return direct
		}
		if q.sessionOf(p.text) {
			return toRole
		}
	case namesService:
		if q.kind == asService && p.text == q.arn {
			return direct
		}
	case namesProvider:
		if q.kind == asProvider && p.text == q.arn {
			return direct
		}
	case namesCanonicalUser:
		if q.kind == asUnknown && p.text == q.arn {
			return direct
		}
	case namesUniqueID: // names nobody who could ask
	}
	return nobody
}

// denies reports whether a Deny statement's principals cover the requester.
//
// A NotPrincipal exempts a requester only when it names the whole chain: the
// account, then the role, then the session; and never one with a permissions
// boundary. reference_policies_elements_notprincipal.html
func (p *principals) denies(q *requester, bounded bool) bool {
	if !p.given {
		return true
	}
	if !p.not {
		return p.grants(q) != nobody
	}
	if bounded && (q.kind == asUser || q.kind == asRole || q.kind == asSession) {
		return true
	}
	var named, inAccount, role bool
	for i := range p.entries {
		e := &p.entries[i]
		switch e.grants(q) {
		case direct:
			named = true
			inAccount = inAccount || e.kind == namesAnyone
			role = role || e.kind == namesAnyone
		case toRole:
			role = true
		case toAccount:
			inAccount = true
		}
	}
	switch q.kind {
	case asUser, asFederatedUser:
		return !named || !inAccount
	case asRole:
		return !role || !inAccount
	case asSession:
		return !named || !role || !inAccount
	default:
		return !named
	}
}

// compilePrincipals reads the element: "*", or an object of lists.
func compilePrincipals(n *tree.Node, at place, faults *rolecall.Errors) []principal {
	switch {
	case n.Kind == '"' && n.Text == "*":
		return []principal{{kind: namesAnyone}}
	case n.Kind != '{':
		faults.Add(at.String(), `must be "*" or an object, not `+n.What(), `You: write {"AWS": "arn:aws:iam::111122223333:role/name"}`)
		return nil
	}
	if len(n.Members) == 0 {
		faults.Add(at.String(), "Principal names nobody", `You: write {"AWS": "arn:aws:iam::111122223333:role/name"}`)
	}
	var out []principal
	eachMember(n, at, []string{"AWS", "Service", "Federated", "CanonicalUser"}, faults, func(name string, at place, value *tree.Node) {
		read := compileAWS
		switch name {
		case "Service":
			read = written(namesService, domainForm, "You: write the service as s3.amazonaws.com is written, in small letters")
		case "Federated":
			read = written(namesProvider, providerForm, "You: write the ARN of an oidc-provider or saml-provider, or the domain of one that AWS knows")
		case "CanonicalUser":
			read = written(namesCanonicalUser, canonicalForm, "You: write the 64 digits of an account's canonical user id")
		}
		notEmpty(value, name, at, faults)
		eachItem(value, at, "a string", faults, func(at place, item *tree.Node) {
			entry, hint := read(textOf(item, at, faults))
			if hint != "" && item.Kind == '"' {
				faults.Add(at.String(), quote(item.Text)+" is not a principal", hint)
			}
			out = append(out, entry)
		})
	})
	return out
}

// compileAWS reads a value of "AWS"; the hint says what to write for one that is none.
// reference_policies_elements_principal.html
func compileAWS(text string) (_ principal, hint string) {
	switch {
	case text == "*":
		return principal{kind: namesAnyone}, ""
	case rolecall.IsAccountID(text):
		return principal{kind: namesAccount, text: text}, ""
	case uniqueIDForm.MatchString(text):
		return principal{kind: namesUniqueID, text: text}, ""
	case strings.ContainsAny(text, "*?"):
		return principal{}, `You: give "*" alone and a condition on aws:PrincipalArn`
	}
	if !namedForm.MatchString(text) {
		return principal{}, "You: give an account id, or the ARN of an account's root, a user, a role or a session"
	}
	if parts := strings.SplitN(text, ":", 6); parts[5] == "root" {
		return principal{kind: namesAccount, text: parts[4], partition: parts[1]}, ""
	}
	return principal{kind: namesARN, text: text}, ""
}

// written reads a value of another member than "AWS", which has the form.
func written(kind principalKind, form *regexp.Regexp, hint string) func(string) (principal, string) {
	return func(text string) (principal, string) {
		if !form.MatchString(text) {
			return principal{}, hint
		}
		return principal{kind: kind, text: text}, ""
	}
}

var uniqueIDForm = regexp.MustCompile(`^A[A-Z]{3}[A-Z0-9]{12,}$`)
