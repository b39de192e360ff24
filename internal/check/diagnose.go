package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// answer is what S3 said to a request that it did not fulfil. Its texts are
// read, and never shown: a tenant may have chosen the server.
type answer struct {
	err  error
	kind transfer.Kind
	awscode.Answer
	denial policy.Denial
	learnt string // the key that it must be about, where the answer does not say
}

func answerOf(err error) answer {
	a := answer{err: err, kind: transfer.KindOf(err)}
	a.Answer, _ = awscode.Read(err)
	if a.kind == transfer.Denied {
		a.denial, _ = policy.ReadDenial(a.Text)
	}
	return a
}

// bare tells whether the answer is a denial that says no more. S3 names what
// refuses only to callers of the bucket's own account or organization.
func (a answer) bare() bool { return a.kind == transfer.Denied && a.denial.Action == "" }

// ofKey tells whether it is the KMS key that the answer is about, not the bucket.
func (a answer) ofKey() bool {
	return strings.HasPrefix(a.denial.Action, "kms:") || strings.HasPrefix(a.Code, "KMS.")
}

// key is the key that the answer is about, if that is known.
func (a answer) key() string {
	named := rolecall.Encryption{Type: "aws:kms", Key: a.denial.Resource}
	if named.Key == "" || named.Validate() != nil {
		return a.learnt
	}
	return named.Key
}

// first adds a candidate that is likelier than all others, which may crowd out
// the least likely.
func (f *finding) first(layer rolecall.CheckLayer, patches []rolecall.Patch) {
	if f.layer != "" {
		f.candidates, f.layer = []rolecall.CheckLayer{f.layer}, ""
	}
	f.candidates = append([]rolecall.CheckLayer{layer}, f.candidates[:min(2, len(f.candidates))]...)
	f.patches = append(patches, f.patches...)
}

// question is what S3 was asked.
type question struct {
	verb   string // after "S3 refuses to"
	action string // that S3 needs for it
	// opened says that S3 let another question on the same bucket pass, so that
	// not everything is refused.
	opened bool
}

// diagnose says what is wrong where S3 did not do what it was asked.
func (w *work) diagnose(ctx context.Context, q question, err error) finding {
	a := answerOf(err)
	if a.Meaning == awscode.Closed {
		return failed(rolecall.LayerBucket, "AWS has closed the bucket, or its account", "its owner asks AWS why; no policy is at fault")
	}
	switch a.kind {
	case transfer.Denied:
		f := w.denied(q, a)
		f.denied = true
		return f
	case transfer.NoCredentials, transfer.Canceled:
		return w.without(ctx, err)
	case transfer.BadCredentials, transfer.Expired:
		return w.unaccepted(a)
	case transfer.NoBucket:
		return w.noBucket()
	case transfer.WrongRegion:
		return failed(rolecall.LayerName, fmt.Sprintf("the bucket %q is not in the region %q", w.Connection.Bucket, w.region), "correct the connection's region, or leave it out")
	case transfer.Unavailable:
		return failed(rolecall.LayerNetwork, "S3 is overloaded, or failing: it was asked to "+q.verb, "try again later")
	case transfer.Unreachable, transfer.Malformed:
		return w.unreachable(ctx, a)
	}
	if a.Meaning == awscode.NoStorageClass {
		f := failed(rolecall.LayerName, fmt.Sprintf("S3 knows no storage class %q", w.Connection.StorageClass), "correct the connection's storage_class, or leave it out")
		f.patches = w.changed(func(c *rolecall.Connection) { c.StorageClass = "" })
		return f
	}
	message := "S3 refuses to " + q.verb
	if code := awscode.Shown(a.Code); code != "" {
		message += ", with " + code
	}
	return failed(rolecall.LayerName, message, "compare encryption, storage class and acl of the connection with what the bucket's owner requires")
}

// without says why there are no credentials.
func (w *work) without(ctx context.Context, err error) finding {
	if w.Connection.HTTPCredentialSource != nil {
		return w.dispenserFault(ctx, err)
	}
	return w.fault(ctx, err)
}

// denied says whose policy refuses, or whose may.
func (w *work) denied(q question, a answer) finding {
	d := a.denial
	if d.Action == "" {
		return w.bare(q)
	}
	action := q.action
	if d.NamesAction() {
		action = d.Action
	}
	f := finding{result: rolecall.CheckFail, denial: d}
	how := " does not allow "
	if d.Explicit {
		how = " denies "
	}
	key, named := a.key(), ""
	if _, err := rolecall.ParseARN(d.Policy); err == nil && len(d.Policy) <= 1024 && strings.Trim(d.Policy, plain) == "" {
		named = d.Policy
	}
	by := ""
	switch d.Layer {
	case policy.DeniedByIdentity:
		f.layer, by, f.patches = rolecall.LayerRole, "the permissions policy of "+w.identity(), w.permissionsPatch(key)
		f.hint = "replace the role's policies by this one, and keep what they say for other connections"
		if w.Connection.RoleARN == "" {
			f.hint = "put this policy on " + w.identity() + ", and keep what its policies say for others"
		}
		if d.Explicit {
			f.hint = fmt.Sprintf("take the Deny away, in whichever policy of %s it is: to add another does not help. "+
				"The document is what the connection needs; keep what the policies say for others", w.identity())
		}
	case policy.DeniedByBoundary:
		f.layer, by, f.patches = rolecall.LayerRole, "the permissions boundary of "+w.identity(), w.boundaryPatch(key)
		f.hint = "let the boundary allow at least this, beside what it allows to others"
	case policy.DeniedBySession:
		f.layer, by = rolecall.LayerSession, "the session policy that rolecall made"
		f.hint = "the connection asks for less than S3 needs here; report it to the operator"
	case policy.DeniedBySCP:
		f.layer, by, f.patches = rolecall.LayerOrganization, "a service control policy of the role's organization", w.scpPatch(named)
		f.hint = exceptRole(w, "service control policy")
	case policy.DeniedByRCP:
		f.layer, by, f.patches = rolecall.LayerOrganization, "a resource control policy of the organization", w.rcpPatch(named, w.accountOf(key))
		f.hint = exceptRole(w, "resource control policy")
	case policy.DeniedByVPCE:
		f.layer, by = rolecall.LayerNetwork, "the policy of the VPC endpoint to S3 that the worker comes through"
		f.hint = "the endpoint's policy is the operator's to change"
	case policy.DeniedByResource:
		if strings.HasPrefix(action, "kms:") {
			return w.keyDenied(action, a)
		}
		f.layer, by, f.patches = rolecall.LayerBucket, fmt.Sprintf("the policy of the bucket %q", w.Connection.Bucket), w.bucketPatch()
		f.hint = "let the role in, by the statements of this document"
		if d.Explicit {
			f.hint = w.denyHint()
			if w.plainHTTP() {
				f.layer, f.candidates = "", []rolecall.CheckLayer{rolecall.LayerNetwork, rolecall.LayerBucket}
			}
		}
	default:
		return w.bare(question{verb: q.verb, action: action, opened: q.opened})
	}
	if named != "" {
		by += " (" + named + ")"
	}
	what := "S3 refuses to " + q.verb
	if strings.HasPrefix(action, "kms:") {
		what = "the KMS key cannot be used"
	}
	f.message = what + ": " + by + how + action
	return f
}

// bare is found where S3 only says no: to outsiders it says no more.
func (w *work) bare(q question) finding {
	role, bucket, organization := w.permissionsPatch(""), w.bucketPatch(), slices.Concat(w.scpPatch(""), w.rcpPatch("", w.owner()))
	f := finding{
		result: rolecall.CheckFail, denial: policy.Denial{Action: q.action}, message: fmt.Sprintf("S3 refuses to %s, and does not say why", q.verb),
		candidates: []rolecall.CheckLayer{rolecall.LayerRole, rolecall.LayerBucket, rolecall.LayerOrganization},
		hint: fmt.Sprintf("any of these may refuse %s: the policies of %s, or its permissions boundary; the policy of the bucket %q; "+
			"a service control or resource control policy", q.action, w.identity(), w.Connection.Bucket),
		patches: slices.Concat(role, bucket, organization, w.boundaryPatch("")),
	}
	if !q.opened { // what refuses everything is likelier to be the bucket's
		f.candidates[0], f.candidates[1] = f.candidates[1], f.candidates[0]
		f.patches = slices.Concat(bucket, role, organization, w.boundaryPatch(""))
		f.hint += ". If the bucket is not where or whose the connection says, look at its name and bucket_owner. " + w.denyHint()
	}
	return f
}

// keyDenied is found where KMS refuses. To callers of another account it does
// not say whether the key's policy does, or their own.
func (w *work) keyDenied(action string, a answer) finding {
	key := a.key()
	a.denial.Action = action
	f := finding{result: rolecall.CheckFail, denied: true, denial: a.denial, layer: rolecall.LayerKey, patches: w.keyPatch(key)}
	if a.denial.Layer == policy.DeniedByResource && (a.denial.Explicit || a.denial.Resource != "") {
		how := "does not allow"
		if a.denial.Explicit {
			how = "denies"
		}
		f.message = fmt.Sprintf("the policy of the KMS key %s %s", how, action)
		f.hint = "let the role use the key, by the statements of this document"
		if a.denial.Explicit {
			f.hint = "take the Deny away, or except the role from it"
		}
		return f
	}
	f.layer = ""
	f.candidates = []rolecall.CheckLayer{rolecall.LayerKey, rolecall.LayerRole, rolecall.LayerOrganization}
	f.message = "the KMS key refuses " + action + ", and AWS does not say why"
	f.hint = fmt.Sprintf("any of these may be it: the policy of the key; the policies of %s, or its permissions boundary; an organization's policies. "+
		"Across accounts, both the role and the key must allow it", w.identity())
	if key == "" && w.owner() != w.arn.Account {
		f.caution = "If the bucket's default is AWS's own key aws/s3, no other account can use it: its owner gives the bucket a key of its own"
	}
	f.patches = slices.Concat(f.patches, w.permissionsPatch(key), w.scpPatch(""), w.rcpPatch("", w.accountOf(key)), w.boundaryPatch(key))
	return f
}

// denyHint says what a Deny of a bucket's may be about. None of it can be seen
// from here.
func (w *work) denyHint() string {
	hint := "If the bucket's policy has a Deny, except this role from it: by aws:SourceIp, aws:SourceVpc or aws:SourceVpce it refuses who comes from elsewhere"
	if w.plainHTTP() {
		hint = "If the bucket's policy has a Deny by aws:SecureTransport, which refuses this endpoint, as it is without TLS, leave it there: " + w.needsTLS() +
			". Of another Deny except this role: by aws:SourceIp, aws:SourceVpc or aws:SourceVpce it refuses who comes from elsewhere"
	}
	return hint
}

func exceptRole(w *work, kind string) string {
	return fmt.Sprintf("the administrators of the organization let this pass, by a Condition ArnNotEquals aws:PrincipalArn %s in the statement of the %s that denies, "+
		"or by an Allow; the document is the whole of one that forbids nothing", w.identity(), kind)
}

// accountOf is whose the key is, or the bucket when there is none.
func (w *work) accountOf(key string) string {
	if arn, err := rolecall.ParseARN(key); err == nil {
		return arn.Account
	}
	if e := w.Connection.Encryption; e != nil && key == "" {
		if arn, err := rolecall.ParseARN(e.Key); err == nil {
			return arn.Account
		}
	}
	return w.owner()
}
