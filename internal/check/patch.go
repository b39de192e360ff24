package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// What an organization has attached where it forbids nothing.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
const (
	fullSCP = `{"Version":"2012-10-17","Statement":[{"Sid":"FullAWSAccess","Effect":"Allow","Action":"*","Resource":"*"}]}`
	fullRCP = `{"Version":"2012-10-17","Statement":[{"Sid":"RCPFullAWSAccess","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
)

// declared is what is known of the connection before a step has asked anything.
func (w *work) declared() correct.Setup {
	s := correct.Setup{
		Connection: w.Connection, Role: w.arn, Principal: w.Principal.ARN, ExternalID: w.externalID(), Vendor: w.Vendor, Endpoint: w.endpoint(),
	}
	for _, name := range slices.Sorted(maps.Keys(w.Organization.Connections)) {
		if c := w.Organization.Connections[name]; name != w.Connection.Name && c.RoleARN != "" {
			s.Others = append(s.Others, c)
		}
	}
	return s
}

// setup is what the steps have found out about the connection, with the KMS key
// that is in use, if one is known to be.
func (w *work) setup(key string) correct.Setup {
	s := w.declared()
	s.SessionName, s.RoleID = w.role().SessionName(), w.proof.verdict.RoleID
	s.Region, s.Owner, s.KMSKey = w.region, w.owner(), key
	s.Object, s.Upload = w.fixedKey(), w.declaredForm().conditions()
	return s
}

// conditions are the condition keys of a request that writes so.
func (f form) conditions() map[string]string {
	encryption, key := f.headers()
	return map[string]string{
		"s3:x-amz-server-side-encryption": string(encryption), "s3:x-amz-server-side-encryption-aws-kms-key-id": aws.ToString(key),
		"s3:x-amz-acl": f.acl, "s3:x-amz-storage-class": f.class,
	}
}

// policyPatch puts a policy in the place of what the target has.
func policyPatch(kind policy.Kind, target string, text json.RawMessage) rolecall.Patch {
	return rolecall.Patch{Document: string(kind), Target: target, Policy: text}
}

// permissionsPatch is the role's own policy, whole.
func (w *work) permissionsPatch(key string) []rolecall.Patch {
	kit, ok := w.setup(key).NeededKit()
	if !ok {
		return nil
	}
	p := policyPatch(policy.PermissionsDocument, w.identity(), kit.Permissions.JSON())
	if w.Connection.RoleARN != "" {
		p.Commands = []string{command("aws", "iam", "put-role-policy", "--role-name", w.arn.RoleName(), "--policy-name", "rolecall-"+w.Connection.Name,
			"--policy-document", string(p.Policy))}
	}
	return []rolecall.Patch{p}
}

// boundaryPatch is a permissions boundary that leaves the role what the
// connection needs.
func (w *work) boundaryPatch(key string) []rolecall.Patch {
	kit, ok := w.setup(key).NeededKit()
	if !ok || w.Connection.RoleARN == "" {
		return nil
	}
	p := policyPatch(policy.BoundaryDocument, w.identity(), kit.Permissions.JSON())
	made := rolecall.ARN{Partition: w.arn.Partition, Service: "iam", Account: w.arn.Account, Resource: "policy/rolecall-boundary-" + w.Connection.Name}
	p.Commands = []string{
		command("aws", "iam", "create-policy", "--policy-name", strings.TrimPrefix(made.Resource, "policy/"), "--policy-document", string(p.Policy)),
		command("aws", "iam", "put-role-permissions-boundary", "--role-name", w.arn.RoleName(), "--permissions-boundary", made.String()),
	}
	return []rolecall.Patch{p}
}

// bucketPatch is the bucket's policy, whole: for all of the organization's
// connections to it.
func (w *work) bucketPatch() []rolecall.Patch {
	setup := w.setup("")
	kit, ok := setup.NeededKit()
	if !ok || w.Connection.RoleARN == "" {
		return nil
	}
	p := policyPatch(policy.BucketDocument, w.bucketARN(), setup.WithOthers(policy.BucketDocument, kit.Bucket, func(c rolecall.Connection) bool {
		return c.Bucket == w.Connection.Bucket
	}))
	p.Commands = []string{w.s3api("put-bucket-policy", "--policy", string(p.Policy))}
	return []rolecall.Patch{p}
}

// keyPatch is the policy of a KMS key, whole, for all of the organization's
// connections that name it; of the connection's key when none is given.
func (w *work) keyPatch(key string) []rolecall.Patch {
	setup := w.setup(key)
	kit, ok := setup.NeededKit()
	if e := w.Connection.Encryption; key == "" && e != nil {
		key = e.Key
	}
	if !ok || w.Connection.RoleARN == "" || kit.Key == nil {
		return nil
	}
	p := policyPatch(policy.KeyDocument, cmp.Or(key, "the default key of "+w.bucketARN()),
		setup.WithOthers(policy.KeyDocument, kit.Key, func(c rolecall.Connection) bool { return key != "" && correct.KMSKeyOf(c) == key }))
	if key != "" {
		p.Commands = []string{kms("put-key-policy", key, "--policy-name", "default", "--policy", string(p.Policy))}
	}
	return []rolecall.Patch{p}
}

// scpPatch and rcpPatch are organization policies that forbid nothing. Named
// is the ARN of the policy that denies, where AWS said it. Who administers an
// organization changes it by hand: the whole of it depends on this.
func (w *work) scpPatch(named string) []rolecall.Patch {
	account := w.arn.Account
	if account == "" && named == "" {
		return nil
	}
	return []rolecall.Patch{policyPatch(policy.SCPDocument, cmp.Or(named, account), json.RawMessage(fullSCP))}
}

func (w *work) rcpPatch(named, account string) []rolecall.Patch {
	if account == "" && named == "" {
		return nil
	}
	return []rolecall.Patch{policyPatch(policy.RCPDocument, cmp.Or(named, account), json.RawMessage(fullRCP))}
}

// changed is the connection as it should be declared, unless it is.
func (w *work) changed(change func(c *rolecall.Connection)) []rolecall.Patch {
	c := w.Connection
	change(&c)
	p := connectionPatch(c)
	if bytes.Equal(p.Connection, connectionPatch(w.Connection).Connection) {
		return nil
	}
	return []rolecall.Patch{p}
}

// setting is what commands alone fix.
func setting(target string, commands ...string) []rolecall.Patch {
	return []rolecall.Patch{{Document: documentSetting, Target: target, Commands: commands}}
}

// s3api writes a command on the bucket.
func (w *work) s3api(operation string, options ...string) string {
	words := []string{"aws", "s3api", operation, "--bucket", w.Connection.Bucket}
	if region := cmp.Or(w.region, w.Connection.Region); region != "" {
		words = append(words, "--region", region)
	}
	return command(append(words, options...)...)
}

// kms writes a command on a key.
func kms(operation, key string, options ...string) string {
	words := []string{"aws", "kms", operation, "--key-id", key}
	if arn, err := rolecall.ParseARN(key); err == nil {
		words = append(words, "--region", arn.Region)
	}
	return command(slices.Concat(words, options)...)
}

// defaultEncryption writes the command that sets the bucket's default.
func (w *work) defaultEncryption(e rolecall.Encryption) string {
	rule := map[string]string{"SSEAlgorithm": e.Type}
	if e.Key != "" {
		rule["KMSMasterKeyID"] = e.Key
	}
	text, _ := json.Marshal(map[string]any{"Rules": []any{map[string]any{"ApplyServerSideEncryptionByDefault": rule}}}) // strings only
	return w.s3api("put-bucket-encryption", "--server-side-encryption-configuration", string(text))
}

// createBucket makes the bucket as the connection needs it.
func (w *work) createBucket() []rolecall.Patch {
	region := cmp.Or(w.Connection.Region, rolecall.HomeRegion(w.Principal.ARN.Partition))
	options := []string{"--region", region}
	if region != "us-east-1" {
		options = append(options, "--create-bucket-configuration", "LocationConstraint="+region)
	}
	out := setting(w.bucketARN(), command(append([]string{"aws", "s3api", "create-bucket", "--bucket", w.Connection.Bucket}, options...)...))
	if e := w.Connection.Encryption; e != nil && e.Type != "AES256" {
		out[0].Commands = append(out[0].Commands, w.defaultEncryption(*e))
	}
	if owner := w.owner(); w.Connection.RoleARN != "" && owner != w.arn.Account {
		for _, p := range w.bucketPatch() {
			out[0].Commands = append(out[0].Commands, p.Commands...)
		}
	}
	return out
}

func (w *work) bucketARN() string {
	s := w.declared()
	s.Region = w.region
	return s.BucketARN()
}
