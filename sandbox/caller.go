package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox/internal/sigv4"
)

// caller is the signer of a request, with its policies. The zero caller is
// anonymous.
type caller struct {
	arn       string // as AWS shows it: of a user or of a role session
	principal string // for aws:PrincipalArn: of the user or of the role
	id        string // for aws:userid
	user      string // name of a user
	session   string // name of a role session
	account   *account

	accessKeyID   string
	issued        time.Time // of a temporary access key
	chained       bool
	identity      []*policy.Document
	boundary      []*policy.Document
	sessionPolicy *policy.Document
}

func (c *caller) anonymous() bool { return c.account == nil }

// near reports whether AWS names to this caller the layer of the account's
// policies that refused: within the account, or its organization.
func (c *caller) near(a *account) bool {
	if c.anonymous() || a == nil {
		return false
	}
	return c.account == a || a.organization != "" && a.organization == c.account.organization
}

// conditions returns the aws:* keys of a request on a resource of the account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (c *call) conditions(owner *account) map[string][]string {
	out := map[string][]string{
		"aws:CurrentTime":     {c.at.UTC().Format(time.RFC3339)},
		"aws:EpochTime":       {strconv.FormatInt(c.at.Unix(), 10)},
		"aws:SecureTransport": {strconv.FormatBool(c.secure)},
		"aws:SourceIp":        {c.sourceIP},
		"aws:ViaAWSService":   {"false"},
	}
	set := func(key, value string) {
		if value != "" {
			out[key] = []string{value}
		}
	}
	set("aws:UserAgent", c.userAgent)
	set("aws:Referer", c.referer)
	set("aws:RequestedRegion", c.region)
	if owner != nil {
		set("aws:ResourceAccount", owner.id)
		set("aws:ResourceOrgID", owner.organization)
	}
	if c.caller.anonymous() {
		set("aws:PrincipalType", "Anonymous")
		set("aws:userid", "anonymous")
		return out
	}
	set("aws:PrincipalArn", c.caller.principal)
	set("aws:PrincipalAccount", c.caller.account.id)
	set("aws:PrincipalOrgID", c.caller.account.organization)
	set("aws:PrincipalIsAWSService", "false")
	set("aws:userid", c.caller.id)
	set("aws:username", c.caller.user)
	set("aws:PrincipalType", "User")
	if c.caller.session != "" {
		set("aws:PrincipalType", "AssumedRole")
	}
	if !c.caller.issued.IsZero() {
		set("aws:TokenIssueTime", c.caller.issued.UTC().Format(time.RFC3339))
		set("aws:MultiFactorAuthPresent", "false")
	}
	return out
}

// signing returns the s3:* keys about a request's signature.
// https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
func signing(r *http.Request, signature *sigv4.Signature, now time.Time) map[string][]string {
	out := map[string][]string{
		"s3:signatureversion": {"AWS4-HMAC-SHA256"},
		"s3:authType":         {"REST-HEADER"},
	}
	if signature.Presigned {
		out["s3:authType"] = []string{"REST-QUERY-STRING"}
		out["s3:signatureAge"] = []string{strconv.FormatInt(now.Sub(signature.Time).Milliseconds(), 10)}
	}
	if v := r.Header.Get("X-Amz-Content-Sha256"); v != "" {
		out["s3:x-amz-content-sha256"] = []string{v}
	}
	return out
}

// ask is one question for the evaluator.
type ask struct {
	action, resource string
	owner            *account         // of the resource; nil for none
	attached         *policy.Document // to the resource
	conditions       map[string][]string
}

// evaluate evaluates all policies of the caller and the resource.
func (c *call) evaluate(q ask) policy.Result {
	request := policy.Request{Principal: c.caller.arn, Action: q.action, Resource: q.resource, Context: q.conditions}
	policies := policy.Policies{
		Identity: c.caller.identity, Boundary: c.caller.boundary,
		Session: c.caller.sessionPolicy, Resource: q.attached,
	}
	if c.caller.anonymous() {
		request.Principal = "*"
	} else {
		policies.SCP = c.caller.account.scp
	}
	if q.owner != nil {
		request.Account, policies.RCP = q.owner.id, q.owner.rcp
	}
	return policy.Evaluate(request, policies)
}

// denialOrder decides which layer a denial names if several did not allow: the
// caller's organization, then what the caller's own administrator can change,
// then the resource.
var denialOrder = []policy.Layer{policy.RCP, policy.SCP, policy.Identity, policy.Boundary, policy.SessionPolicy, policy.ResourcePolicy}

var denialLayers = map[policy.Layer]policy.DenialLayer{
	policy.Identity: policy.DeniedByIdentity, policy.ResourcePolicy: policy.DeniedByResource,
	policy.SessionPolicy: policy.DeniedBySession, policy.Boundary: policy.DeniedByBoundary,
	policy.SCP: policy.DeniedBySCP, policy.RCP: policy.DeniedByRCP,
}

// denial returns a result as AWS shows it to the caller: outsiders do not
// learn which layer refused.
func (c *call) denial(q ask, result policy.Result) policy.Denial {
	d := policy.Denial{Principal: c.caller.arn, Action: q.action, Resource: q.resource}
	if !c.caller.near(q.owner) {
		return d
	}
	if result.Decision == policy.ExplicitlyDenied {
		d.Explicit = true
		if len(result.DecidedBy) > 0 {
			by := result.DecidedBy[0]
			d.Layer, d.Policy = denialLayers[by.Policy], c.controlPolicy(by, q.owner)
		}
		return d
	}
	for _, l := range denialOrder {
		for _, missing := range result.Missing {
			if missing == l {
				d.Layer = denialLayers[l]
				return d
			}
		}
	}
	return d
}

// controlPolicy returns the ARN of an organization's policy, which AWS adds to
// an explicit denial; it is empty for other policies, and outside of
// organizations. Its id names the place in the config: p-111122223333n0 is the
// first of the account's list. Organizations' management accounts are not
// modelled.
// https://aws.amazon.com/blogs/security/enhanced-access-denied-error-messages-with-policy-arns
func (c *call) controlPolicy(by policy.Ref, owner *account) string {
	var kind string
	var of *account
	index := by.Index
	switch by.Policy {
	case policy.SCP:
		kind, of = "service_control_policy", c.caller.account
	case policy.RCP:
		kind, of = "resource_control_policy", owner
		index-- // RCPFullAWSAccess goes before the account's own
	}
	if of == nil || of.organization == "" {
		return ""
	}
	return fmt.Sprintf("arn:%s:organizations::000000000000:policy/%s/%s/p-%sn%d", of.partition, of.organization, kind, of.id, index)
}

type callKey struct{}

// callOf returns the call of a request's context.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}
