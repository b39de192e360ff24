package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// refusal is a case with what follows from its names.
type refusal struct {
	Case
	service                     string // in lower case
	action                      string // in words, where it is not known
	principal                   string // the caller as policies name it; empty where that is not known
	path                        string // a pattern of the caller's ARN, whose path a session of it lacks; empty: it has none, or perhaps
	callerAccount, ownerAccount string // empty: not known
}

func (c Case) refusal() refusal {
	r := refusal{Case: c, action: cmp.Or(c.Action, "the action")}
	r.principal = policy.Request{Principal: c.Principal}.PrincipalARN()
	if path, name := reserved(c.Principal); path != "" {
		r.principal, r.path, r.Identity = "", path, "the role "+name
	}
	r.callerAccount, r.ownerAccount = accountOf(c.Principal), accountOf(c.Resource)
	r.service, _, _ = strings.Cut(strings.ToLower(c.Action), ":")
	if r.service == "s3" && r.ownerAccount == "" {
		r.ownerAccount = c.Owner
	}
	return r
}

// reserved returns the name of a session's role that IAM Identity Center made, and
// a pattern of its ARN: its path may have a region, and the session's ARN has neither.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
func reserved(principal string) (path, name string) {
	arn, err := rolecall.ParseARN(principal)
	if err != nil {
		return "", ""
	}
	below, session := strings.CutPrefix(arn.Resource, "assumed-role/AWSReservedSSO_")
	if !session {
		return "", ""
	}
	below, _, _ = strings.Cut(below, "/")
	name = "AWSReservedSSO_" + below
	arn.Service, arn.Resource = "iam", "role/aws-reserved/sso.amazonaws.com/*"+name
	return arn.String(), name
}

// summary says in a sentence what was refused, and by what if AWS says.
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
		return what + "; a Deny in " + r.phrase(r.Layer) + " did it"
	default:
		return what + "; " + r.phrase(r.Layer) + " does not allow it"
	}
}

// unsaid ends a summary where AWS names no policy.
const unsaid = " and does not say which policy did it"

// elsewhere reports KMS's answer to callers of other accounts, which names
// neither the key nor what is wrong.
func (r refusal) elsewhere() bool {
	return r.service == "kms" && r.Layer == policy.DeniedByResource && r.Resource == "" && !r.Explicit && !r.unnamed
}

// says reports whether AWS says which policy refused.
func (r refusal) says() bool { return r.Layer != "" && !r.elsewhere() }

// candidates are what may have refused.
func (r refusal) candidates() []Candidate {
	switch {
	case r.says() && r.Explicit:
		return []Candidate{r.denied(r.Layer)}
	case r.handsOn() != "" && !r.Explicit && (!r.says() || r.Layer == policy.DeniedByResource || r.Layer == policy.DeniedByIdentity):
		both := r.handingOn()
		if r.Layer == policy.DeniedByIdentity { // both must allow it; this one is known not to
			slices.Reverse(both)
		}
		return both
	case r.says() && r.service == "sts" && r.Layer == policy.DeniedByResource:
		return []Candidate{r.untrusting()}
	case r.says():
		return []Candidate{r.silent(r.Layer)}
	case r.Explicit:
		var out []Candidate
		for _, layer := range append(r.order(), policy.DeniedByVPCE) {
			out = append(out, r.denied(layer))
		}
		return out
	}
	var out []Candidate
	for _, layer := range r.order() {
		out = append(out, r.suspect(layer))
	}
	return slices.Insert(out, r.policiesFirst(), r.others()...)
}

// order is the one order of candidates, the likeliest first. What refuses
// everything is likelier to be the resource's policy than the caller's: AWS
// gives a reason within one account, so that the silent refusals are those of
// other accounts. Policies of organizations and boundaries are the rarest.
func (r refusal) order() []policy.DenialLayer {
	out := []policy.DenialLayer{policy.DeniedByResource, policy.DeniedByIdentity}
	if r.Opened && r.service == "s3" || !slices.Contains([]string{"", "s3", "kms", "sts"}, r.service) {
		slices.Reverse(out)
	}
	if !r.Ours && r.service != "sts" {
		out = append(out, policy.DeniedBySession)
	}
	return append(out, policy.DeniedBySCP, policy.DeniedByRCP, policy.DeniedByBoundary)
}

// policiesFirst is how many policies are likelier than what is none: that the
// role or key does not exist is almost as likely as that its policy refuses.
func (r refusal) policiesFirst() int {
	switch {
	case r.notRole():
		return 0
	case r.service == "sts", r.service == "kms":
		return 1
	case r.Ours:
		return 2
	default:
		return 3
	}
}

// others are the candidates that are no policy of the caller's or resource's.
func (r refusal) others() []Candidate {
	var out []Candidate
	switch {
	case r.service == "sts":
		return []Candidate{r.noRole()}
	case r.Missing && r.service == "kms":
		out = append(out, Candidate{
			Message: "the key does not exist in this region", Hint: "You: compare the key's ARN and region with those of the bucket's encryption",
		})
	case r.Missing:
		out = append(out, Candidate{
			Target: r.Resource, Message: "the object does not exist",
			Hint: "Customer: allow s3:ListBucket on the bucket; without it S3 answers 403 where it would answer 404",
		})
	}
	if r.Key {
		needs := "kms:Decrypt, and for writing kms:GenerateDataKey"
		switch r.Action {
		case "s3:GetObject":
			needs = "kms:Decrypt"
		case "s3:PutObject":
			needs = "kms:GenerateDataKey and kms:Decrypt"
		}
		out = append(out, Candidate{
			Layer: policy.DeniedByResource, Kind: policy.KeyDocument, Document: "key policy",
			Message: "the policy of the KMS key that the bucket uses, or the permissions of " + r.who() + " on it, lack " + needs,
			Hint:    "Customer: allow it in the permissions policy and, across accounts, in the key policy",
		})
	}
	if r.Disowned && (r.service == "s3" || r.service == "") {
		other := "the bucket has another owner than the request expects"
		if r.Owner != "" {
			other = "the bucket does not belong to account " + r.Owner + ", as the request expects"
		}
		out = append(out, Candidate{
			Target: r.document(policy.DeniedByResource).Target, Message: other, Hint: "Operator: declare the account that owns the bucket as bucket_owner",
		})
	}
	if r.Unpaid {
		out = append(out, Candidate{
			Message: "it is a Requester Pays bucket, and the request does not agree to pay",
			Hint:    "You: set requester_pays; AWS then charges the caller's account for requests and traffic",
		})
	}
	return out
}

// suspect is a layer that may have refused, by its silence or by a Deny.
func (r refusal) suspect(layer policy.DenialLayer) Candidate {
	c := r.silent(layer)
	does := func(what string) { c.Message = r.phrase(layer) + " " + what }
	switch layer {
	case policy.DeniedByResource:
		switch {
		case r.service == "sts":
			return r.untrusting()
		case r.service == "kms":
			does("does not allow " + r.action + ", or denies it")
			return c
		case r.service != "s3" && r.service != "":
			return c
		case r.ownerAccount != "" && r.ownerAccount == r.callerAccount:
			does("denies " + r.action)
		case r.ownerAccount != "":
			does("(account " + r.ownerAccount + ") does not let callers of other accounts in, or denies it")
		default:
			does("does not let callers of other accounts in, or denies it")
		}
		c.Add = nil
		c.Hint = "Customer: allow the caller in the " + c.Document + ", if it is of another account; look for a Deny on TLS, encryption, address or VPC endpoint"
	case policy.DeniedBySCP:
		does("denies " + r.action + ", or does not allow it")
	case policy.DeniedByRCP:
		does("denies " + r.action)
		c.Add, c.Hint = nil, r.denied(layer).Hint
	}
	return c
}

// untrusting is the candidate that the trust policy does not let the caller in.
func (r refusal) untrusting() Candidate {
	c := r.silent(policy.DeniedByResource)
	c.Message = r.phrase(policy.DeniedByResource) + " does not name this principal, or wants another external id" + r.pathless()
	return c
}

// noRole is the candidate that there is no such role: AWS does not tell that
// from a role that does not let the caller in.
func (r refusal) noRole() Candidate {
	if r.notRole() {
		return Candidate{
			Target: r.Resource, Account: r.ownerAccount, Message: r.Resource + " is not the ARN of a role, and only roles can be assumed",
			Hint: "You: ask for the role by its ARN, arn:aws:iam::ACCOUNT:role/NAME",
		}
	}
	return Candidate{
		Target: r.Resource, Account: r.ownerAccount, Message: "the role does not exist",
		Hint: "You: compare the ARN letter by letter: account, path and name; case counts",
	}
}

// notRole reports whether a role was to be assumed by what names none. People
// black out accounts.
func (r refusal) notRole() bool {
	return strings.HasPrefix(r.Action, "sts:AssumeRole") && r.Resource != "" && r.Resource != "*" &&
		(!strings.HasPrefix(r.Resource, "arn:") || !strings.Contains(r.Resource, ":role/"))
}
