package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// The documents of patches that are about the bucket and who may use it.
const (
	documentPermissions = "permissions"
	documentBoundary    = "boundary"
	documentBucket      = "bucket"
	documentKey         = "key"
	documentSCP         = "scp"
	documentRCP         = "rcp"
)

// What an organization has attached where it forbids nothing.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
const (
	fullSCP = `{"Version":"2012-10-17","Statement":[{"Sid":"FullAWSAccess","Effect":"Allow","Action":"*","Resource":"*"}]}`
	fullRCP = `{"Version":"2012-10-17","Statement":[{"Sid":"RCPFullAWSAccess","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
)

// needs are the documents that the connection needs, each such that it can
// replace what is there. A key that was found in use is put in the place of
// the declared one. The connection may be one that no documents can be made
// for.
func (w *work) needs(key string) (policy.Kit, bool) {
	request := w.kitRequest(key)
	if request.Connection.RoleARN == "" {
		return policy.Kit{}, false // whose key it is, is not known
	}
	request.Whole = true
	kit, err := policy.Generate(request)
	return kit, err == nil
}

// kitRequest asks for the documents of the connection. It has no role where
// none can be made.
func (w *work) kitRequest(key string) policy.KitRequest {
	c := w.Connection
	c.Region = cmp.Or(w.region, c.Region)
	if key != "" {
		c.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: key}
	}
	principal, externalID := w.Principal.ARN.String(), w.externalID()
	if c.RoleARN == "" { // the permissions of a user, or of a dispenser's role, are the same
		role := rolecall.ARN{Partition: rolecall.PartitionOf(c.Region), Service: "iam", Account: cmp.Or(w.owner(), "000000000000"), Resource: "role/any"}
		c.RoleARN, c.Secret, c.HTTPCredentialSource, c.ExternalID = role.String(), "", nil, nil
		if w.owner() == "" && c.Encryption != nil && c.Encryption.Type != "AES256" && c.Encryption.Key == "" {
			c.RoleARN = ""
		}
		externalID = cmp.Or(externalID, "any")
	}
	return policy.KitRequest{
		Connection: c, Principals: []string{principal}, ExternalIDs: []string{externalID}, VendorAccounts: w.Vendor.Accounts,
		// Without versions there is nothing more to read by this, and not every
		// step knows whether there are.
		Versioned: true,
	}
}

// permissionsPatch is the role's own policy, whole.
func (w *work) permissionsPatch(key string) []rolecall.Patch {
	kit, ok := w.needs(key)
	if !ok {
		return nil
	}
	p := rolecall.Patch{Document: documentPermissions, Target: w.identity(), Policy: kit.Permissions.JSON()}
	if w.Connection.RoleARN != "" {
		p.Commands = []string{command("aws", "iam", "put-role-policy", "--role-name", w.arn.RoleName(), "--policy-name", "rolecall-"+w.Connection.Name,
			"--policy-document", string(p.Policy))}
	}
	return []rolecall.Patch{p}
}

// boundaryPatch is a permissions boundary that leaves the role what the
// connection needs.
func (w *work) boundaryPatch(key string) []rolecall.Patch {
	kit, ok := w.needs(key)
	if !ok || w.Connection.RoleARN == "" {
		return nil
	}
	p := rolecall.Patch{Document: documentBoundary, Target: w.identity(), Policy: kit.Permissions.JSON()}
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
	kit, ok := w.needs("")
	if !ok || w.Connection.RoleARN == "" {
		return nil
	}
	p := rolecall.Patch{Document: documentBucket, Target: w.bucketARN(), Policy: w.besides(documentBucket, kit.Bucket, func(c rolecall.Connection) bool {
		return c.Bucket == w.Connection.Bucket
	})}
	p.Commands = []string{w.s3api("put-bucket-policy", "--policy", string(p.Policy))}
	return []rolecall.Patch{p}
}

// keyPatch is the policy of a KMS key, whole, for all of the organization's
// connections that name it; of the connection's key when none is given.
func (w *work) keyPatch(key string) []rolecall.Patch {
	kit, ok := w.needs(key)
	if e := w.Connection.Encryption; key == "" && e != nil {
		key = e.Key
	}
	if !ok || w.Connection.RoleARN == "" || kit.Key == nil {
		return nil
	}
	p := rolecall.Patch{Document: documentKey, Target: cmp.Or(key, "the default key of "+w.bucketARN())}
	p.Policy = w.besides(documentKey, kit.Key, func(c rolecall.Connection) bool { return key != "" && keyOf(c) == key })
	if key != "" {
		p.Commands = []string{kms("put-key-policy", key, "--policy-name", "default", "--policy", string(p.Policy))}
	}
	return []rolecall.Patch{p}
}

// scpPatch and rcpPatch are organization policies that forbid nothing. Named
// is the ARN of the policy that denies, where AWS told it. Who administers an
// organization changes it by hand: the whole of it depends on this.
func (w *work) scpPatch(named string) []rolecall.Patch {
	account := w.arn.Account
	if account == "" && named == "" {
		return nil
	}
	return []rolecall.Patch{{Document: documentSCP, Target: cmp.Or(named, account), Policy: json.RawMessage(fullSCP)}}
}

func (w *work) rcpPatch(named, account string) []rolecall.Patch {
	if account == "" && named == "" {
		return nil
	}
	return []rolecall.Patch{{Document: documentRCP, Target: cmp.Or(named, account), Policy: json.RawMessage(fullRCP)}}
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

// setting is what commands alone put right.
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

// identity names who acts on the bucket.
func (w *work) identity() string {
	switch c := w.Connection; {
	case c.RoleARN != "":
		return c.RoleARN
	case c.Secret != "":
		return "the user of the secret " + c.Secret
	default:
		return "the role of the dispenser"
	}
}

func (w *work) bucketARN() string {
	return "arn:" + w.partition() + ":s3:::" + w.Connection.Bucket
}

func (w *work) partition() string {
	if w.arn.Partition != "" {
		return w.arn.Partition
	}
	return rolecall.PartitionOf(cmp.Or(w.region, w.Connection.Region))
}
