package explain

import (
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// refusal is a denial with what its names tell.
type refusal struct {
	policy.Denial
	service                     string // in lower case
	principal                   string // the caller as policies name it; empty for those of no account
	callerAccount, ownerAccount string // empty: not known
}

// summary tells in a sentence what was refused, and by what if AWS says.
func (r refusal) summary() string {
	what := "AWS refused the request"
	if r.Action != "" {
		what = "AWS refused " + r.Action
	}
	if r.Resource != "" {
		what += " on " + r.Resource
	}
	if r.Principal != "" {
		what += " to " + r.Principal
	}
	switch {
	case r.elsewhere():
		return what + "; the key does not exist in this region, or its policy does not allow it, or denies it"
	case r.Layer == "" && r.Explicit:
		return what + "; a Deny did it, but AWS does not say in which policy"
	case r.Layer == "":
		return what + unsaid
	case r.Explicit:
		return what + "; a Deny in " + r.document(r.Layer).phrase() + " did it"
	default:
		return what + "; " + r.document(r.Layer).phrase() + " does not allow it"
	}
}

// unsaid ends a summary where AWS names no policy.
const unsaid = " and does not say which policy did it"

// attached is a kind of policy of a refusal's.
type attached struct {
	name, of        string // trust policy, the role that is asked for
	target, account string
}

func (a attached) phrase() string {
	out := "the " + a.name + " of " + a.of
	if a.account != "" {
		in := " in"
		if strings.HasSuffix(a.of, "organization") {
			in = " over"
		}
		out += in + " the account " + a.account
	}
	return out
}

func (r refusal) document(layer policy.DenialLayer) attached {
	caller := "the caller"
	if name := r.principal[strings.LastIndexByte(r.principal, '/')+1:]; strings.Contains(r.principal, ":role/") {
		caller = "the role " + name
	} else if strings.Contains(r.principal, ":user/") {
		caller = "the user " + name
	}
	switch layer {
	case policy.DeniedByIdentity:
		return attached{"permissions policy", caller, r.principal, r.callerAccount}
	case policy.DeniedBySession:
		return attached{"session policy", "the session", r.Principal, r.callerAccount}
	case policy.DeniedByBoundary:
		return attached{"permissions boundary", caller, r.principal, r.callerAccount}
	case policy.DeniedBySCP:
		return attached{"service control policy", "the caller's organization", "", r.callerAccount}
	case policy.DeniedByRCP:
		return attached{"resource control policy", "the resource's organization", "", r.ownerAccount}
	case policy.DeniedByVPCE:
		return attached{"endpoint policy", "the VPC endpoint on the way", "", ""}
	}
	switch r.service {
	case "sts":
		return attached{"trust policy", named("the role", r.Resource[strings.LastIndexByte(r.Resource, '/')+1:]), r.Resource, r.ownerAccount}
	case "kms":
		return attached{"key policy", "the KMS key", r.Resource, r.ownerAccount}
	case "s3":
		bucket, _, _ := strings.Cut(r.Resource, "/")
		return attached{"bucket policy", named("the bucket", bucket[strings.LastIndexByte(bucket, ':')+1:]), bucket, r.ownerAccount}
	default:
		return attached{"policy", "the resource", r.Resource, r.ownerAccount}
	}
}

func named(noun, name string) string { return strings.TrimSuffix(noun+" "+name, " ") }

// elsewhere tells KMS's answer to callers of other accounts, which names
// neither the key nor what is wrong.
func (r refusal) elsewhere() bool {
	return r.service == "kms" && r.Layer == policy.DeniedByResource && r.Resource == ""
}

// candidates are what may have refused.
func (r refusal) candidates() []Candidate {
	switch {
	case r.Explicit && r.Layer != "":
		return []Candidate{r.denied(r.Layer)}
	case r.Explicit:
		var out []Candidate
		for _, layer := range []policy.DenialLayer{
			policy.DeniedByResource, policy.DeniedByIdentity, policy.DeniedBySession,
			policy.DeniedByBoundary, policy.DeniedBySCP, policy.DeniedByRCP, policy.DeniedByVPCE,
		} {
			out = append(out, r.denied(layer))
		}
		return out
	case r.elsewhere():
		return append([]Candidate{r.silent(r.Layer), r.denied(r.Layer)}, Candidate{
			Message: "the key does not exist in this region",
			Hint:    "compare the key's ARN and region with those of the bucket's encryption",
		})
	case r.Layer != "":
		return []Candidate{r.silent(r.Layer)}
	case r.service == "sts":
		return r.unsaidByRole()
	case r.service == "" || r.service == "s3":
		return r.unsaidByS3()
	default:
		return []Candidate{r.silent(policy.DeniedByIdentity), r.silent(policy.DeniedByResource), r.silent(policy.DeniedBySession), r.silent(policy.DeniedBySCP)}
	}
}

// denied is the candidate that a policy of the layer has a Deny that matched.
func (r refusal) denied(layer policy.DenialLayer) Candidate {
	a := r.document(layer)
	c := Candidate{Layer: layer, Document: a.name, Target: a.target, Account: a.account}
	c.Message = a.phrase() + " has a Deny that matches"
	c.Hint = "look in it for a Deny of this action and resource, and at its conditions: TLS, encryption, address, VPC endpoint, organization; " +
		"no Allow helps against it, the Deny must except this request"
	if r.Policy != "" {
		c.Message += ": " + r.Policy
	}
	return c
}

// silent is the candidate that no policy of the layer allows the action.
func (r refusal) silent(layer policy.DenialLayer) Candidate {
	a := r.document(layer)
	c := Candidate{Layer: layer, Document: a.name, Target: a.target, Account: a.account, Add: r.statement(layer)}
	c.Message = a.phrase() + " does not allow " + orTheAction(r.Action)
	switch layer {
	case policy.DeniedBySession:
		c.Hint = "who assumed the role gave this policy and must allow it there; the role's own policies do not help"
	case policy.DeniedByBoundary:
		c.Hint = "the boundary limits what the permissions policy may allow; both must"
	case policy.DeniedBySCP:
		c.Hint = "only the administrators of that organization can allow it, at every level above the account"
	case policy.DeniedByVPCE:
		c.Hint = "whose network the endpoint is must allow it there"
	case policy.DeniedByResource:
		c.Hint = "its owner adds the statement to what is there"
		switch r.service {
		case "sts":
			c.Hint += ", with the external id that the vendor gave, exactly and in its case"
		case "kms":
			c.Hint += "; PutKeyPolicy replaces the whole policy, so begin with what GetKeyPolicy gives"
		}
	default:
		c.Hint = "add the statement to what is there; AWS names one policy even where several refuse"
	}
	return c
}

func orTheAction(action string) string {
	if action == "" {
		return "the action"
	}
	return action
}

// unsaidByRole are the candidates of an AssumeRole across accounts, where AWS
// does not tell them apart.
func (r refusal) unsaidByRole() []Candidate {
	trust := r.silent(policy.DeniedByResource)
	trust.Message = r.document(policy.DeniedByResource).phrase() + " does not name this principal, or wants another external id"
	return []Candidate{
		trust,
		{Target: r.Resource, Account: r.ownerAccount, Message: "the role does not exist", Hint: "compare the ARN letter by letter: account, path and name; case counts"},
		r.silent(policy.DeniedByIdentity),
		r.silent(policy.DeniedBySCP),
	}
}

// unsaidByS3 are the candidates of S3's bare "Access Denied".
func (r refusal) unsaidByS3() []Candidate {
	out := []Candidate{r.silent(policy.DeniedByIdentity), r.silent(policy.DeniedByResource), r.silent(policy.DeniedBySession)}
	bucket := &out[1]
	bucket.Message = r.document(policy.DeniedByResource).phrase() + " does not let a role of another account in, or has a Deny that matches"
	bucket.Hint = "across accounts it must allow the role; look also for a Deny on TLS, encryption, address or VPC endpoint"
	if r.Action == "s3:GetObject" || r.Action == "" {
		out = append(out, Candidate{
			Target: r.Resource, Message: "the object does not exist",
			Hint: "without s3:ListBucket on the bucket S3 answers 403 where it would answer 404; allow it to be told",
		})
	}
	if r.Action == "s3:GetObject" || r.Action == "s3:PutObject" || r.Action == "" {
		out = append(out, Candidate{
			Layer: policy.DeniedByResource, Document: "key policy", Message: "the object's KMS key does not let the caller use it",
			Hint: "the role and, across accounts, the key policy must allow kms:Decrypt, and for writing kms:GenerateDataKey",
		})
	}
	return append(out,
		Candidate{Target: out[1].Target, Message: "the bucket has another owner than the request expects", Hint: "compare bucket_owner with the account that owns the bucket"},
		r.silent(policy.DeniedBySCP))
}

// placeholder stands for what the message does not say. No external id looks
// so, so the statement lets nobody in until it is replaced.
const placeholder = "<external id>"

// statement is what to add to the layer's policy; nil when too little is known.
func (r refusal) statement(layer policy.DenialLayer) *policy.Document {
	service := r.service
	if r.Action == "" || strings.ContainsAny(r.Action+r.principal, "*?$") {
		return nil
	}
	st := object(member{"Effect", word("Allow")})
	resource, _ := verbatim(r.Resource, true)
	if service != "s3" && resource != r.Resource {
		return nil // other services write * where they do not know
	}
	if layer == policy.DeniedByResource {
		if r.principal == "" {
			return nil
		}
		st.put("Principal", object(member{"AWS", word(r.principal)}))
		switch service {
		case "sts":
			st.put("Action", word(r.Action))
			st.put("Condition", object(member{"StringEquals", object(member{"sts:ExternalId", word(placeholder)})}))
			return one(st)
		case "kms":
			resource = "*" // in a key's policy: this key
		}
	}
	if layer == policy.DeniedByVPCE {
		st.put("Principal", word("*"))
	}
	if _, err := rolecall.ParseARN(resource); err != nil && resource != "*" {
		return nil
	}
	st.put("Action", word(r.Action))
	st.put("Resource", word(resource))
	return one(st)
}

// one is a document of one statement, nil if it would not be valid.
func one(st *value) *policy.Document {
	return parse(object(member{"Version", word("2012-10-17")}, member{"Statement", &value{kind: '[', items: []*value{st}}}))
}
