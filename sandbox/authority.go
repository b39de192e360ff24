package sandbox

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox/internal/s3"
)

// authority is the s3.Authority and s3.Directory of the server.
type authority struct{ *Server }

var _ s3.Authority = authority{}

// Caller returns the caller's account.
func (authority) Caller(ctx context.Context) string {
	if a := callOf(ctx).caller.account; a != nil {
		return a.id
	}
	return ""
}

// CallerARN returns the caller's ARN.
func (authority) CallerARN(ctx context.Context) string { return callOf(ctx).caller.arn }

// Authorize evaluates one S3 action.
func (a authority) Authorize(ctx context.Context, access s3.Access) *s3.Error {
	c := callOf(ctx)
	if c.event.Resource == "" {
		c.event.Resource = access.Resource
	}
	q := ask{action: access.Action, resource: access.Resource, owner: c.caller.account}
	if access.Bucket != "" {
		b := a.directory.bucket(access.Bucket)
		if b == nil {
			return accessDenied(policy.Denial{}.String())
		}
		q.owner, q.attached = b.account, b.Policy
	}
	q.conditions = c.conditions(q.owner)
	maps.Copy(q.conditions, c.signing)
	if c.secure {
		q.conditions["s3:TlsVersion"] = []string{"1.3"}
	}
	if q.owner != nil {
		q.conditions["s3:ResourceAccount"] = []string{q.owner.id}
	}
	maps.Copy(q.conditions, access.Context)
	result := c.evaluate(q)
	if result.Decision == policy.Allowed {
		return nil
	}
	c.event.ErrorCode = "AccessDenied"
	if c.caller.near(q.owner) {
		return accessDenied(c.denial(q, result).String())
	}
	return accessDenied(policy.Denial{}.String())
}

func accessDenied(message string) *s3.Error {
	return &s3.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: message}
}

// UseKey evaluates the use of a KMS key that S3 makes on behalf of the caller.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (a authority) UseKey(ctx context.Context, use s3.KeyUse) *s3.Error {
	c := callOf(ctx)
	if c.caller.anonymous() {
		return accessDenied(policy.Denial{}.String())
	}
	arn, err := rolecall.ParseARN(use.Key)
	if err != nil || arn.Service != "kms" {
		return &s3.Error{Status: http.StatusBadRequest, Code: "KMS.NotFoundException", Message: "Invalid keyId " + use.Key}
	}
	if arn.Region != use.Region {
		return &s3.Error{Status: http.StatusBadRequest, Code: "KMS.NotFoundException", Message: "Invalid arn " + arn.Region}
	}
	k := a.directory.key(arn)
	if k == nil && arn.Account == a.Caller(ctx) {
		return &s3.Error{Status: http.StatusBadRequest, Code: "KMS.NotFoundException", Message: "Key '" + use.Key + "' does not exist"}
	}
	q := a.keyQuestion(c, k, use.Action, arn)
	delete(q.conditions, "aws:SourceIp") // S3 does not pass it on to KMS
	q.conditions["aws:ViaAWSService"] = []string{"true"}
	q.conditions["aws:SecureTransport"] = []string{"true"}
	q.conditions["kms:ViaService"] = []string{"s3." + use.Region + "." + policy.DNSSuffix(arn.Partition)}
	for name, value := range use.EncryptionContext {
		q.conditions["kms:EncryptionContext:"+name] = []string{value}
	}
	q.conditions["kms:EncryptionContextKeys"] = slices.Sorted(maps.Keys(use.EncryptionContext))
	if d := c.judgeKey(q); d != nil {
		c.event.ErrorCode = "AccessDenied"
		return accessDenied(d.String())
	}
	if fail := k.unusable(); fail != nil {
		return &s3.Error{Status: fail.status, Code: "KMS." + fail.code, Message: fail.message}
	}
	return nil
}

// keyQuestion returns the question for an action on a key; k is nil if there
// is no such key.
func (s *Server) keyQuestion(c *call, k *key, action string, arn rolecall.ARN) ask {
	q := ask{action: action, resource: arn.String(), owner: s.directory.account(arn.Account)}
	if k != nil {
		q.attached, q.resource = k.policy, k.arn.String()
	}
	q.conditions = c.conditions(q.owner)
	q.conditions["kms:CallerAccount"] = []string{c.caller.account.id}
	return q
}

// judgeKey returns the denial, or nil. To callers from another account it says
// neither the layer nor whether the key exists.
func (c *call) judgeKey(q ask) *policy.Denial {
	result := c.evaluate(q)
	if result.Decision == policy.Allowed && q.attached != nil {
		return nil
	}
	d := c.denial(q, result)
	if !c.caller.near(q.owner) {
		d.Resource, d.Layer = "", policy.DeniedByResource
	}
	return &d
}

// key is a KMS key with its policy in force.
type key struct {
	arn     rolecall.ARN
	policy  *policy.Document
	state   string
	managed bool // by AWS
}

// key finds a key by its ARN, or the account's aws/s3 key by its alias too. It
// returns nil if there is none.
func (d *directory) key(arn rolecall.ARN) *key {
	a := d.account(arn.Account)
	if a == nil || a.partition != arn.Partition {
		return nil
	}
	if own := s3.ManagedKey(a.partition, arn.Region, a.id); arn.Resource == s3.ManagedAlias || arn.String() == own {
		arn.Resource = own[strings.LastIndexByte(own, ':')+1:]
		return &key{arn, a.managedKeyPolicy(arn.Region), stateEnabled, true}
	}
	name, ok := strings.CutPrefix(arn.Resource, "key/")
	d.mu.RLock()
	defer d.mu.RUnlock()
	if k := a.keys[name]; ok && k != nil && k.Region == arn.Region {
		return &key{arn, a.keyPolicy(k), cmp.Or(k.State, stateEnabled), false}
	}
	return nil
}

// keyPolicy returns the key's own policy, or AWS's default: the account's
// policies decide.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func (a *account) keyPolicy(k *Key) *policy.Document {
	if k.Policy != nil {
		return k.Policy
	}
	return builtin(`{"Version":"2012-10-17","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow",
		"Principal":{"AWS":"arn:` + a.partition + `:iam::` + a.id + `:root"},"Action":"kms:*","Resource":"*"}]}`)
}

// managedKeyPolicy returns the policy of the AWS managed key aws/s3: everyone
// in the account may use it through S3, and whoever may see keys may see it.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
func (a *account) managedKeyPolicy(region string) *policy.Document {
	return builtin(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"*"},"Resource":"*",
		"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:CreateGrant","kms:DescribeKey"],
		"Condition":{"StringEquals":{"kms:CallerAccount":"` + a.id + `","kms:ViaService":"s3.` + region + `.` + policy.DNSSuffix(a.partition) + `"}}},
		{"Effect":"Allow","Principal":{"AWS":"arn:` + a.partition + `:iam::` + a.id + `:root"},"Resource":"*",
		"Action":["kms:Describe*","kms:Get*","kms:List*","kms:RevokeGrant"]}]}`)
}

// builtin parses a policy of the sandbox's own. If it were wrong, the result
// would be nil, which allows nothing.
func builtin(text string) *policy.Document {
	d, err := policy.Parse([]byte(text))
	if err != nil {
		return nil
	}
	return d
}
