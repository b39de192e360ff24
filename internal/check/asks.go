package check

import (
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// ask is a request that the connection's tasks make, and the step that tries it.
type ask struct {
	step string
	policy.Request
}

// requests gives those of some kinds of documents, of one step or of all.
func requests(asks []ask, step string, fits func(service string) bool) []policy.Request {
	var out []policy.Request
	for _, a := range asks {
		service, _, _ := strings.Cut(a.Action, ":")
		if (step == "" || a.step == step) && fits(service) {
			out = append(out, a.Request)
		}
	}
	return out
}

// judged are the services whose requests documents of a kind decide.
func judged(kind string) func(service string) bool {
	return func(service string) bool {
		switch kind {
		case documentTrust, documentWorker:
			return service == "sts"
		case documentBucket:
			return service == "s3"
		case documentKey:
			return service == "kms"
		case documentRCP: // which bears on roles, too
			return service == "s3" || service == "kms" || service == "sts"
		default:
			return service == "s3" || service == "kms"
		}
	}
}

// accessAsks are what the connection's sessions ask of the bucket and its key.
func (w *work) accessAsks(key string) []ask {
	c := w.Connection
	session := rolecall.ARN{Partition: w.arn.Partition, Service: "sts", Account: w.arn.Account, Resource: "assumed-role/" + w.arn.RoleName() + "/" + w.role().SessionName()}
	now := time.Now().UTC().Format(time.RFC3339)
	common := map[string]string{
		"aws:PrincipalArn": c.RoleARN, "aws:PrincipalType": "AssumedRole", "aws:TokenIssueTime": now, "aws:CurrentTime": now,
		"aws:RequestedRegion": w.region, "aws:PrincipalIsAWSService": "false",
	}
	if id := w.proof.verdict.RoleID; id != "" {
		common["aws:userid"] = id + ":" + w.role().SessionName()
	}
	asked := func(step, action, resource, account string, more ...string) ask {
		context := map[string][]string{}
		for k, v := range common {
			if v != "" {
				context[k] = []string{v}
			}
		}
		for i := 0; i < len(more); i += 2 {
			if more[i+1] != "" {
				context[more[i]] = []string{more[i+1]}
			}
		}
		return ask{step, policy.Request{Principal: session.String(), Action: action, Resource: resource, Account: account, Context: context}}
	}
	secure := "true"
	if strings.HasPrefix(w.endpoint(), "http://") {
		secure = "false"
	}
	s3 := func(step, action, resource string, more ...string) ask {
		more = append(slices.Clone(more), "s3:ResourceAccount", w.owner(), "aws:SecureTransport", secure)
		return asked(step, action, resource, w.owner(), more...)
	}
	bucket := w.bucketARN()
	object := bucket + "/" + w.fixedKey()
	out := []ask{
		s3(rolecall.StepList, "s3:ListBucket", bucket, "s3:prefix", c.Prefix),
		s3(rolecall.StepList, "s3:ListBucket", bucket, "s3:prefix", w.fixedKey()),
		s3(rolecall.StepRead, "s3:GetObject", object), s3(rolecall.StepRead, "s3:GetObjectVersion", object),
	}
	writes := c.Purpose == rolecall.Delivery
	if writes {
		kind, id := w.declaredForm().headers()
		headers := []string{"s3:x-amz-server-side-encryption", string(kind), "s3:x-amz-acl", c.ACL, "s3:x-amz-storage-class", c.StorageClass}
		if id != nil {
			headers = append(headers, "s3:x-amz-server-side-encryption-aws-kms-key-id", *id)
		}
		out = append(out, s3(rolecall.StepWrite, "s3:PutObject", object, headers...))
		if c.ACL != "" {
			out = append(out, s3(rolecall.StepWrite, "s3:PutObjectAcl", object, headers...))
		}
		out = append(out, s3(rolecall.StepMultipart, "s3:ListMultipartUploadParts", object), s3(rolecall.StepCleanup, "s3:AbortMultipartUpload", object))
	}
	if key == "" {
		return out
	}
	via := "s3." + w.region + "." + policy.DNSSuffix(w.partition())
	for _, about := range []string{object, bucket} { // with a Bucket Key it is the bucket
		more := []string{"kms:ViaService", via, "kms:CallerAccount", w.arn.Account, "kms:EncryptionContext:aws:s3:arn", about}
		out = append(out, asked(rolecall.StepKey, "kms:Decrypt", key, w.accountOf(key), more...))
		if writes {
			out = append(out, asked(rolecall.StepKey, "kms:GenerateDataKey", key, w.accountOf(key), more...))
		}
	}
	return out
}

// assumeAsk asks for the role with an external id, or without one.
func (w *work) assumeAsk(p rolecall.ARN, externalID string) policy.Request {
	in := policy.Request{
		Principal: p.String(), Action: actionAssume, Resource: w.Connection.RoleARN, Account: w.arn.Account,
		Context: map[string][]string{"aws:PrincipalArn": {p.String()}, "aws:PrincipalIsAWSService": {"false"}},
	}
	if name := p.RoleName(); name != "" {
		in.Principal = rolecall.ARN{Partition: p.Partition, Service: "sts", Account: p.Account, Resource: "assumed-role/" + name + "/rolecall"}.String()
	}
	if externalID != "" {
		in.Context["sts:ExternalId"] = []string{externalID}
	}
	return in
}

// wrongAsks ask for the role as the probes do that it must refuse; as the
// connection's principal, with whatever a probe may send.
func (w *work) wrongAsks(by ...rolecall.ARN) []policy.Request {
	id := w.externalID()
	var out []policy.Request
	for _, p := range by {
		out = append(out, w.assumeAsk(p, ""))
		wrong := []string{"4f1d20c7ab4f1d20c7ab4f1d20c7ab4f", strings.ToUpper(id), strings.ToLower(id), id[:len(id)-1], id[1:]}
		for at := 0; at <= len(id); at++ {
			if p != w.Principal.ARN && at > 0 && at < len(id)-1 {
				continue
			}
			wrong = append(wrong, id[:at]+"7e"+id[at:])
			if at < len(id) {
				wrong = append(wrong, id[:at]+another(id[at])+id[at+1:])
			}
		}
		for _, sent := range wrong {
			if sent != "" && sent != id {
				out = append(out, w.assumeAsk(p, sent))
			}
		}
	}
	return out
}

// another gives a character that is not that one.
func another(c byte) string {
	if c == '7' {
		return "e"
	}
	return "7"
}

// maxVendors bounds for how many of the vendor's identities a policy is judged.
const maxVendors = 32

// anyVendors are the vendor's identities, those of them that a trust policy
// names, and one of each of its accounts that is none of these: whom the role
// must not be open to.
func (w *work) anyVendors(trust paper) []rolecall.ARN {
	out := []rolecall.ARN{w.Principal.ARN}
	accounts := slices.Clone(w.Vendor.Accounts)
	for _, p := range w.Vendor.Principals {
		out, accounts = append(out, p.ARN), append(accounts, p.ARN.Account)
	}
	for _, s := range trust.statements {
		for _, named := range words(readObject(s.get("Principal")).get("AWS")) {
			if arn, err := rolecall.ParseARN(named); err == nil && w.Vendor.Owns(arn.Account) && len(out) < maxVendors {
				out = append(out, arn)
			}
		}
	}
	for _, account := range append(accounts, w.Principal.ARN.Account) {
		out = append(out, rolecall.ARN{Partition: w.Principal.ARN.Partition, Service: "iam", Account: account, Resource: "role/rolecall-any"})
	}
	return out
}

// knownKeys tells the condition keys whose values, or absence, is known of the
// requests.
func knownKeys(asked []policy.Request) func(key string) bool {
	known := []string{"aws:principalaccount", "aws:resourceaccount", "sts:externalid", "s3:prefix", "s3:delimiter", "s3:max-keys", "s3:versionid"}
	for _, in := range asked {
		for key := range in.Context {
			known = append(known, strings.ToLower(key))
		}
	}
	return func(key string) bool {
		key = strings.ToLower(key)
		return slices.Contains(known, key) || strings.HasPrefix(key, "s3:x-amz-")
	}
}
