package correct

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/known"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Question is what a step of a check asked and was refused.
type Question struct {
	Step   string        // of rolecall.CheckSteps
	Denial policy.Denial // what AWS said
	// LayerKnown says that it is known whose documents refused it.
	LayerKnown bool
}

// Assumes reports whether the role itself was asked for.
func (q Question) Assumes() bool {
	switch q.Step {
	case rolecall.StepAssume, rolecall.StepExternalIDAbsent, rolecall.StepExternalIDRandom, rolecall.StepExternalIDNear:
		return true
	}
	return false
}

// request is one that the connection's tasks make, and the step that tries it.
type request struct {
	step string
	policy.Request
}

// requests returns all that the connection asks, as far as the question is
// about it: for the role, or for the bucket and its key.
func (s Setup) requests(q Question) []request {
	if q.Assumes() {
		out := []request{{q.Step, s.assumeRequest(s.Principal, s.ExternalID)}}
		for _, action := range s.SessionActions {
			along := s.assumeRequest(s.Principal, s.ExternalID)
			along.Action = action
			out = append(out, request{q.Step, along})
		}
		return out
	}
	return s.accessRequests()
}

// decidedBy returns the requests that documents of the kind decide, of one
// step or, where the step is empty, of all.
func decidedBy(kind policy.Kind, all []request, step string) []policy.Request {
	var out []policy.Request
	for _, r := range all {
		service, _, _ := strings.Cut(r.Action, ":")
		if (step == "" || r.step == step) && kind.Decides(service) {
			out = append(out, r.Request)
		}
	}
	return out
}

// asked returns the requests that documents of the kind are judged by: those
// of the action that AWS refused, which a step may try in addition to its own; else
// the step's. There are none where a step does what no request here stands for.
func (q Question) asked(kind policy.Kind, all []request) []policy.Request {
	step := q.Step
	if step == rolecall.StepOwner { // which lists the bucket
		step = rolecall.StepList
	}
	if q.Denial.Action == "" || q.Assumes() {
		return decidedBy(kind, all, step)
	}
	other := func(in policy.Request) bool { return in.Action != q.Denial.Action }
	if own := slices.DeleteFunc(decidedBy(kind, all, step), other); len(own) > 0 {
		return own
	}
	return slices.DeleteFunc(decidedBy(kind, all, ""), other)
}

// accessRequests are what the connection's sessions ask of the bucket and its
// key.
func (s Setup) accessRequests() []request {
	session := rolecall.ARN{Partition: s.Role.Partition, Service: "sts", Account: s.Role.Account, Resource: "assumed-role/" + s.Role.RoleName() + "/" + s.SessionName}
	at := time.Now().UTC()
	now := at.Format(time.RFC3339)
	common := map[string]string{
		"aws:PrincipalArn": s.Connection.RoleARN, "aws:PrincipalType": "AssumedRole", "aws:TokenIssueTime": now, "aws:CurrentTime": now, "aws:EpochTime": strconv.FormatInt(at.Unix(), 10),
		"aws:RequestedRegion": s.Region, "aws:PrincipalIsAWSService": "false",
	}
	if s.RoleID != "" {
		common["aws:userid"] = s.RoleID + ":" + s.SessionName
	}
	asked := func(step, action, resource, account string, more map[string]string) request {
		context := map[string][]string{}
		for _, values := range []map[string]string{common, more} {
			for key, value := range values {
				if value != "" {
					context[key] = []string{value}
				}
			}
		}
		return request{step, policy.Request{Principal: session.String(), Action: action, Resource: resource, Account: account, Context: context}}
	}
	secure := "true"
	if s.plainHTTP() {
		secure = "false"
	}
	s3 := func(step, action, resource string, more map[string]string) request {
		r := asked(step, action, resource, s.Owner, more)
		r.Context["aws:SecureTransport"] = []string{secure}
		if s.Owner != "" {
			r.Context["s3:ResourceAccount"] = []string{s.Owner}
		}
		return r
	}
	bucket := s.BucketARN()
	object := bucket + "/" + s.Object
	out := []request{
		s3(rolecall.StepList, "s3:ListBucket", bucket, map[string]string{"s3:prefix": s.Connection.Prefix}),
		s3(rolecall.StepList, "s3:ListBucket", bucket, map[string]string{"s3:prefix": s.Object}),
		s3(rolecall.StepRead, "s3:GetObject", object, nil),
	}
	writes := s.Connection.Purpose == rolecall.Delivery
	if writes {
		out = append(out, s3(rolecall.StepWrite, "s3:PutObject", object, s.Upload))
		if s.Connection.ACL != "" {
			out = append(out, s3(rolecall.StepWrite, "s3:PutObjectAcl", object, s.Upload))
		}
		out = append(out, s3(rolecall.StepMultipart, "s3:ListMultipartUploadParts", object, nil), s3(rolecall.StepCleanup, "s3:AbortMultipartUpload", object, nil))
	}
	kmsKey, owner := s.KMSKey, s.Owner
	if key, err := rolecall.ParseARN(kmsKey); err == nil {
		owner = key.Account
	} else if e := s.Connection.Encryption; e != nil && e.Type != "AES256" { // it is one of the bucket's account
		kmsKey = rolecall.ARN{Partition: s.Partition(), Service: "kms", Region: s.Region, Account: s.Owner, Resource: "key/any"}.String()
	}
	if kmsKey == "" {
		return out
	}
	via := "s3." + s.Region + "." + policy.DNSSuffix(s.Partition())
	for _, about := range []string{object, bucket} { // with a Bucket Key it is the bucket
		more := map[string]string{"kms:ViaService": via, "kms:CallerAccount": s.Role.Account, "kms:EncryptionContext:aws:s3:arn": about}
		out = append(out, asked(rolecall.StepKey, "kms:Decrypt", kmsKey, owner, more))
		if writes {
			out = append(out, asked(rolecall.StepKey, "kms:GenerateDataKey", kmsKey, owner, more))
		}
	}
	return out
}

// plainHTTP reports whether S3 is asked without TLS.
func (s Setup) plainHTTP() bool { return strings.HasPrefix(s.Endpoint, "http://") }

const actionAssume = "sts:AssumeRole"

// assumeRequest asks for the role with an external id, or without one.
func (s Setup) assumeRequest(p rolecall.ARN, externalID string) policy.Request {
	now := time.Now().UTC()
	in := policy.Request{
		Principal: p.String(), Action: actionAssume, Resource: s.Connection.RoleARN, Account: s.Role.Account,
		Context: map[string][]string{
			"aws:PrincipalArn": {p.String()}, "aws:PrincipalIsAWSService": {"false"},
			"aws:CurrentTime": {now.Format(time.RFC3339)}, "aws:EpochTime": {strconv.FormatInt(now.Unix(), 10)},
		},
	}
	if name := p.RoleName(); name != "" {
		in.Principal = rolecall.ARN{Partition: p.Partition, Service: "sts", Account: p.Account, Resource: "assumed-role/" + name + "/rolecall"}.String()
	}
	if externalID != "" {
		in.Context["sts:ExternalId"] = []string{externalID}
	}
	return in
}

// wrongRequests ask for the role as the probes do that it must refuse: by each
// of the callers, and by the connection's principal with whatever a probe may
// send.
func (s Setup) wrongRequests(by ...rolecall.ARN) []policy.Request {
	id := s.ExternalID
	var out []policy.Request
	for _, p := range by {
		out = append(out, s.assumeRequest(p, ""))
		wrong := []string{"4f1d20c7ab4f1d20c7ab4f1d20c7ab4f", strings.ToUpper(id), strings.ToLower(id), id[:len(id)-1], id[1:]}
		for at := 0; at <= len(id); at++ {
			if p != s.Principal && at > 0 && at < len(id)-1 {
				continue
			}
			wrong = append(wrong, id[:at]+"7e"+id[at:])
			if at < len(id) {
				wrong = append(wrong, id[:at]+otherThan(id[at])+id[at+1:])
			}
		}
		for _, sent := range wrong {
			if sent != "" && sent != id {
				out = append(out, s.assumeRequest(p, sent))
			}
		}
	}
	return out
}

// otherThan returns another character.
func otherThan(c byte) string {
	if c == '7' {
		return "e"
	}
	return "7"
}

// maxVendors bounds for how many of the vendor's identities a policy is judged.
const maxVendors = 32

// vendors are whom of the vendor the role must not be open to: its identities,
// those of them that the trust policy names, and one of each of its accounts
// that is none of these.
func (s Setup) vendors(trust *tree.Node) []rolecall.ARN {
	out := []rolecall.ARN{s.Principal}
	accounts := slices.Clone(s.Vendor.Accounts)
	for _, p := range s.Vendor.Principals {
		out, accounts = append(out, p.ARN), append(accounts, p.ARN.Account)
	}
	for _, statement := range statements(trust) {
		for _, named := range statement.Get("Principal").Get("AWS").Strings() {
			if arn, err := rolecall.ParseARN(named); err == nil && s.Vendor.Owns(arn.Account) && len(out) < maxVendors {
				out = append(out, arn)
			}
		}
	}
	for _, account := range append(accounts, s.Principal.Account) {
		out = append(out, rolecall.ARN{Partition: s.Principal.Partition, Service: "iam", Account: account, Resource: "role/rolecall-any"})
	}
	return out
}

// knownKeys reports of a condition key whether its values, or its absence, are
// known of the requests.
func knownKeys(requests []policy.Request) func(key string) bool {
	return func(key string) bool {
		return !slices.ContainsFunc(requests, func(in policy.Request) bool {
			if len(in.Values(key)) > 0 {
				return false
			}
			state, _ := known.Of(key, in.Action, in.Principal)
			return state != known.Absent // a value that it is not decided with counts as unknown
		})
	}
}
