package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
	"github.com/rolecall/rolecall/policy/render"
)

// declared is what is known of the connection before a step has asked anything.
func (w *work) declared() correct.Setup {
	return correct.Setup{
		Connection: w.Connection, Role: w.arn, Principal: w.Principal.ARN, ExternalID: w.externalID(), Vendor: w.Vendor, Endpoint: w.endpoint(),
		SessionActions: w.along,
	}
}

// alongside returns the work where a denial refused what comes along with
// sts:AssumeRole: the documents of both sides must allow it.
func (w *work) alongside(d policy.Denial) *work {
	actions := d.SessionActions()
	if len(actions) == 0 {
		return w // whose fields other steps write meanwhile
	}
	with := *w
	with.along = actions
	return &with
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

// merge is the patch that puts the statements of a document into the policy
// that the target has, which rolecall has not seen.
func (w *work) merge(kind policy.Kind, target string, d *policy.Document) []rolecall.Patch {
	if d == nil {
		return nil
	}
	p := rolecall.Patch{Document: string(kind), Target: target, Mode: rolecall.PatchMerge, Policy: d.JSON()}
	if at, ok := w.attachment(kind, target); ok {
		p.Commands = at.Merge(d, w.withdrawn(kind, w.Connection))
	}
	return []rolecall.Patch{p}
}

// withdrawn are the Sids of statements that the connection once had and has no use
// for any more, whatever it was granted optionally.
func (w *work) withdrawn(kind policy.Kind, c rolecall.Connection) []string {
	s := w.declared()
	s.Connection = c
	return s.Withdrawn(kind)
}

// attachment is where the target's policy of the kind is, if there is one that
// commands can reach.
func (w *work) attachment(kind policy.Kind, target string) (render.Attachment, bool) {
	arn, err := rolecall.ParseARN(target)
	if err != nil {
		return render.Attachment{}, false
	}
	switch kind {
	case policy.TrustDocument:
		return render.TrustPolicy(arn), true
	case policy.PermissionsDocument, policy.WorkerDocument:
		return render.InlinePolicy(kind, arn, w.Connection), arn.Service == "iam"
	case policy.BoundaryDocument:
		return render.BoundaryPolicy(arn, w.Connection), w.Connection.RoleARN != ""
	case policy.BucketDocument:
		return render.BucketPolicy(w.Connection.Bucket, cmp.Or(w.region, w.Connection.Region), w.owner()), true
	case policy.KeyDocument:
		return render.KeyPolicy(target), true
	}
	return render.Attachment{}, false
}

// targetOf is what the document of a kind belongs to.
func (w *work) targetOf(kind policy.Kind, key string) string {
	switch kind {
	case policy.TrustDocument:
		return w.Connection.RoleARN
	case policy.WorkerDocument:
		return w.Principal.ARN.String()
	case policy.BucketDocument:
		return w.bucketARN()
	case policy.KeyDocument:
		return cmp.Or(key, w.declaredKey(), "the default key of "+w.bucketARN())
	case policy.SCPDocument:
		return w.arn.Account
	case policy.RCPDocument:
		return w.accountOf(key)
	}
	return w.identity()
}

// patch has the statements that the connection needs of the documents of a
// kind; there is none where it needs none.
func (w *work) patch(kind policy.Kind, key string) []rolecall.Patch {
	target := w.targetOf(kind, key)
	switch kind {
	case policy.TrustDocument:
		return w.merge(kind, target, w.sharedTrust())
	case policy.WorkerDocument:
		kit, _ := w.declared().DeclaredKit()
		return w.merge(kind, target, kit.Worker)
	case policy.RCPDocument: // all that may allow in one is attached everywhere
		return nil
	}
	kit, ok := w.setup(key).NeededKit()
	if !ok || target == "" || w.Connection.RoleARN == "" && kind != policy.PermissionsDocument {
		return nil
	}
	switch kind {
	case policy.BucketDocument:
		return w.merge(kind, target, kit.Bucket)
	case policy.KeyDocument:
		return w.merge(kind, target, kit.Key)
	}
	return w.merge(kind, target, kit.Permissions) // a boundary and the organization must allow the same
}

// declaredKey is the KMS key that the connection names; empty: none.
func (w *work) declaredKey() string {
	if w.Connection.Encryption == nil {
		return ""
	}
	return w.Connection.Encryption.Key
}

// sharedTrust is the trust policy for all of the organization's connections
// with this role.
func (w *work) sharedTrust() *policy.Document {
	principals, ids := []string{w.Principal.ARN.String()}, []string{w.externalID()}
	for _, name := range slices.Sorted(maps.Keys(w.Organization.Connections)) {
		c := w.Organization.Connections[name]
		if c.RoleARN != w.Connection.RoleARN || name == w.Connection.Name {
			continue
		}
		if id := w.Organization.ExternalIDFor(c); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
		if p, err := w.Vendor.PrincipalFor("", c.Region); err == nil && !slices.Contains(principals, p.ARN.String()) {
			principals = append(principals, p.ARN.String())
		}
	}
	kit, _ := w.declared().KitOf(principals, ids) // no document where the connection is not well declared
	return kit.Trust
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
	return render.Command(append(words, options...)...)
}

// kms writes a command on a key.
func kms(operation, key string, options ...string) string {
	words := []string{"aws", "kms", operation, "--key-id", key}
	if arn, err := rolecall.ParseARN(key); err == nil {
		words = append(words, "--region", arn.Region)
	}
	return render.Command(slices.Concat(words, options)...)
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
	out := setting(w.bucketARN(), render.Command(append([]string{"aws", "s3api", "create-bucket", "--bucket", w.Connection.Bucket}, options...)...))
	if e := w.Connection.Encryption; e != nil && e.Type != "AES256" {
		out[0].Commands = append(out[0].Commands, w.defaultEncryption(*e))
	}
	if owner := w.owner(); w.Connection.RoleARN != "" && owner != w.arn.Account {
		for _, p := range w.patch(policy.BucketDocument, "") {
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
