package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awsaction"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// services are those whose resources have policies that rolecall knows.
var services = map[string]struct {
	kind     policy.Kind
	resource string
}{
	"s3": {policy.BucketDocument, "the bucket"}, "kms": {policy.KeyDocument, "the key"}, "sts": {policy.TrustDocument, "the role"},
}

// document is the policy of a layer, without what it does.
func (r refusal) document(layer policy.DenialLayer) Candidate {
	c := Candidate{Layer: layer, Document: "policy", Target: r.Resource, Account: r.ownerAccount}
	switch layer {
	case policy.DeniedByIdentity:
		c.Kind, c.Target, c.Account = policy.PermissionsDocument, r.principal, r.callerAccount
	case policy.DeniedBySession:
		c.Kind, c.Target, c.Account = policy.SessionDocument, r.Principal, r.callerAccount
	case policy.DeniedByBoundary:
		c.Kind, c.Target, c.Account = policy.BoundaryDocument, r.principal, r.callerAccount
	case policy.DeniedBySCP:
		c.Kind, c.Target, c.Account = policy.SCPDocument, "", r.callerAccount
	case policy.DeniedByRCP:
		c.Kind, c.Target = policy.RCPDocument, ""
	case policy.DeniedByVPCE:
		c.Document, c.Target, c.Account = "endpoint policy", "", ""
	default:
		c.Kind = services[r.service].kind
		if r.service == "s3" {
			c.Target, _, _ = strings.Cut(r.Resource, "/")
		}
	}
	if c.Kind != "" {
		c.Document = c.Kind.Title()
	}
	if c.Kind == policy.PermissionsDocument && r.Ours && r.service == "sts" {
		c.Kind = policy.WorkerDocument
	}
	return c
}

// phrase names a layer's policy in a sentence.
func (r refusal) phrase(layer policy.DenialLayer) string {
	d := r.document(layer)
	out := "the " + d.Document + " of " + r.who()
	switch layer {
	case policy.DeniedByIdentity, policy.DeniedByBoundary:
	case policy.DeniedBySession:
		out = "the session policy of " + cmp.Or(r.Principal, "the caller")
		if r.Ours && r.service != "sts" {
			out = "the session policy that rolecall made"
		}
	case policy.DeniedBySCP:
		out = "a service control policy of " + r.holder() + "'s organization"
	case policy.DeniedByRCP:
		out = "a resource control policy of " + r.resource() + "'s organization"
	case policy.DeniedByVPCE:
		out = "the policy of the VPC endpoint on the way"
	default:
		name := d.Target
		switch r.service {
		case "sts":
			out = "the trust policy of " + cmp.Or(name, "the role")
		case "kms":
			out = strings.TrimSuffix("the policy of the KMS key "+name, " ")
		case "s3":
			out = "the bucket policy"
			if name = name[strings.LastIndexByte(name, ':')+1:]; name != "" {
				out += ` of "` + name + `"`
			}
		default:
			out = "the policy of the resource"
		}
	}
	if r.Policy != "" && layer == r.Layer {
		out += " (" + r.Policy + ")"
	}
	return out
}

// who names the caller as policies do.
func (r refusal) who() string { return cmp.Or(r.principal, r.Identity, "the caller") }

// holder says what kind of caller it is.
func (r refusal) holder() string {
	switch {
	case r.Ours && r.service == "sts":
		return "the principal"
	case strings.Contains(r.principal, ":role/"), strings.HasPrefix(r.Identity, "the role "):
		return "the role"
	case strings.Contains(r.principal, ":user/"), strings.HasPrefix(r.Identity, "the user "):
		return "the user"
	default:
		return "the caller"
	}
}

// resource says what kind of resource it is.
func (r refusal) resource() string { return cmp.Or(services[r.service].resource, "the resource") }

// Who acts, in the words of docs/words.md.
const (
	customer = "Customer"
	operator = "Operator"
	you      = "You"
)

// actor is who can change a layer's policy: the customer has roles, buckets and
// keys, and the operator who assumes the roles.
func (r refusal) actor(layer policy.DenialLayer) string {
	switch layer {
	case policy.DeniedByResource, policy.DeniedByRCP:
		return customer
	case policy.DeniedByVPCE, policy.DeniedBySession:
		if !r.Ours {
			return you
		}
		return operator
	default:
		if r.service == "sts" {
			return operator
		}
		return customer
	}
}

// denied is the candidate that a policy of the layer has a Deny that matched.
func (r refusal) denied(layer policy.DenialLayer) Candidate {
	c := r.document(layer)
	c.Message = r.phrase(layer) + " denies " + r.action
	c.Hint = r.actor(layer) + ": remove the Deny, or except " + r.who() + " from it; look at its conditions: TLS, encryption, address, VPC endpoint, organization"
	switch layer {
	case policy.DeniedBySCP, policy.DeniedByRCP:
		c.Hint = r.actor(layer) + ": have the organization's administrators remove the Deny, or except " + r.who() + " from it by ArnNotEquals on aws:PrincipalArn"
	case policy.DeniedBySession:
		if r.Ours && r.service != "sts" {
			c.Hint = narrowSession
		}
	}
	return c
}

// narrowSession is the hint where a session policy of rolecall's own refuses.
const narrowSession = operator + ": report this as a fault of rolecall's, which asked for less than is needed here"

// silent is the candidate that no policy of the layer allows the action.
func (r refusal) silent(layer policy.DenialLayer) Candidate {
	c := r.document(layer)
	c.Add = r.statement(layer)
	c.Message = r.phrase(layer) + " does not allow " + r.action
	switch actor := r.actor(layer); layer {
	case policy.DeniedBySession:
		c.Hint = actor + ": allow it in the policy that the role was assumed with; the role's own policies do not help"
		if r.Ours && r.service == "sts" {
			c.Hint = actor + ": give the principal credentials that may assume roles"
		} else if r.Ours {
			c.Hint = narrowSession
		}
	case policy.DeniedByBoundary:
		c.Hint = actor + ": add " + r.action + " to the boundary, which limits what the permissions policy may allow"
	case policy.DeniedByRCP: // no other statement may allow
		c.Hint = actor + ": have the organization's administrators attach AWS's own policy RCPFullAWSAccess again, at every level above the account"
	case policy.DeniedBySCP:
		c.Hint = actor + ": have the organization's administrators allow it, at every level above the account"
	case policy.DeniedByVPCE:
		c.Hint = actor + ": allow " + r.action + " in the endpoint's policy"
	case policy.DeniedByResource:
		c.Hint = actor + ": add " + r.action + " for " + r.who() + " to the " + c.Document
		c.Message += r.pathless()
		switch r.service {
		case "sts":
			c.Hint += ", with the external id that the vendor gave, exactly and in its case"
		case "kms":
			c.Hint += "; PutKeyPolicy replaces the whole policy, so begin with what GetKeyPolicy returns"
		}
	default:
		on := ""
		if r.Resource != "" {
			on = " on " + r.Resource
		} else if r.service == "kms" {
			on = " on the KMS key"
		}
		c.Hint = actor + ": add " + r.action + on + " to the policies of " + r.who() + "; AWS names one policy even where several refuse"
	}
	return c
}

// pathless says that the role of a session may be named in part only.
func (r refusal) pathless() string {
	if !strings.Contains(r.Principal, ":assumed-role/") || r.path != "" {
		return ""
	}
	return "; a role's ARN has its path, if it has one, which AWS leaves out of its sessions' ARNs"
}

// placeholder stands for what the message does not say. No external id looks
// so, so the statement lets nobody in until it is replaced.
const placeholder = "<external id>"

// statement is what to add to the layer's policy; nil when too little is known.
func (r refusal) statement(layer policy.DenialLayer) *policy.Document {
	service := r.service
	if layer == policy.DeniedByRCP || r.Action == "" || strings.ContainsAny(r.Action+r.principal, "*?$") {
		return nil
	}
	st := tree.Object("Effect", "Allow")
	resource, _ := verbatim(r.Resource, true)
	if service != "s3" && resource != r.Resource {
		return nil // other services write * where they do not know
	}
	when := tree.Object()
	if layer == policy.DeniedByResource {
		switch {
		case r.principal != "":
			st.Set("Principal", tree.Object("AWS", r.principal))
		case r.path != "":
			account, _ := rolecall.ParseARN(r.path)
			account.Resource = "root"
			st.Set("Principal", tree.Object("AWS", account.String()))
			when.Set("ArnLike", tree.Object("aws:PrincipalArn", r.path))
		default:
			return nil
		}
		switch service {
		case "s3":
			if !storedAt(r.Action, resource) {
				return nil
			}
		case "iam": // a trust policy is about assuming its role alone
			return nil
		case "sts":
			when.Set("StringEquals", tree.Object("sts:ExternalId", placeholder))
			st.Set("Action", r.roleActions())
			st.Set("Condition", when)
			return one(st)
		case "kms":
			resource = "*" // in a key's policy: this key
		}
	}
	if layer == policy.DeniedByVPCE {
		st.Set("Principal", tree.Text("*"))
	}
	if _, err := rolecall.ParseARN(resource); err != nil && resource != "*" {
		return nil
	}
	st.Set("Action", r.roleActions())
	st.Set("Resource", tree.Text(resource))
	if len(when.Members) > 0 {
		st.Set("Condition", when)
	}
	return one(st)
}

// storedAt reports whether a bucket's policy may have an action of S3 for a resource.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func storedAt(action, resource string) bool {
	all := awsaction.Read().Actions
	i := slices.IndexFunc(all, func(a awsaction.Action) bool { return strings.EqualFold(a.Service+":"+a.Name, action) })
	return i < 0 || all[i].On(resource)
}

// roleActions are what a statement about the action allows: what comes along
// with sts:AssumeRole is of no use without it.
func (r refusal) roleActions() *tree.Node {
	if r.handsOn() == "" {
		return tree.Text(r.Action)
	}
	return tree.List("sts:AssumeRole", r.Action)
}

// handsOn says what of the caller's own session goes on into the role's, so that
// both sides must allow the action beside sts:AssumeRole.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
func (r refusal) handsOn() string {
	switch r.Action {
	case "sts:TagSession":
		return "transitive tags, as EKS Pod Identity sets them"
	case "sts:SetSourceIdentity":
		return "a source identity"
	}
	return ""
}

// handingOn are the candidates where the caller's session has something that it
// hands on: the role's trust policy, and the caller's own.
func (r refusal) handingOn() []Candidate {
	trust, own := r.silent(policy.DeniedByResource), r.silent(policy.DeniedByIdentity)
	trust.Message = r.phrase(policy.DeniedByResource) + " does not allow " + r.Action + ": the caller's session has " + r.handsOn()
	trust.Hint = customer + ": put " + r.Action + " beside sts:AssumeRole in the role's trust policy"
	own.Hint = operator + ": put " + r.Action + " beside sts:AssumeRole in the worker's policy, or hand nothing on"
	return []Candidate{trust, own}
}

// one is a document of one statement, nil if it would not be valid.
func one(st *tree.Node) *policy.Document {
	return parse(tree.Object("Version", "2012-10-17", "Statement", &tree.Node{Kind: '[', Items: []*tree.Node{st}}))
}
