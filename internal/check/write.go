package check

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/crc64nvme"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// writable begins an upload as tasks do.
func writable(ctx context.Context, w *work) finding {
	if w.Connection.Purpose != rolecall.Delivery {
		return skipped(onlyRead)
	}
	w.writeKey, w.acl = nil, nil
	client, err := w.writer(ctx)
	if err != nil {
		return w.without(ctx, err)
	}
	w.writing = client
	asked := w.declaredForm()
	upload, created, err := w.begin(ctx, asked)
	if a := refusal.Read(err); err != nil && asked.acl != "" && (a.Meaning == awscode.NoACLs || a.Kind == transfer.Denied && !a.OfKey()) {
		asked.acl = ""
		var without error
		if upload, created, without = w.begin(ctx, asked); without == nil || refusal.Read(without).OfKey() {
			w.acl, err = &a, without
		}
	}
	w.upload, w.created = upload, created
	if err != nil {
		return w.unwritable(ctx, asked, refusal.Read(err))
	}
	if w.Deep {
		if q, err := w.store(ctx, asked); err != nil {
			return w.diagnose(ctx, q, err)
		}
		return passed("an object can be written, and an upload begun, %s", w.below())
	}
	return passed("an upload can be begun %s", w.below())
}

// unwritable says why no upload can be begun.
func (w *work) unwritable(ctx context.Context, asked form, a refusal.Answer) finding {
	q := question{verb: "begin an upload " + w.below(), action: "s3:PutObject", opened: w.opened}
	if a.OfKey() {
		return w.keptByKey(&w.writeKey, a)
	}
	if a.Kind != transfer.Denied || !a.Bare() && !(a.Denial.Explicit && a.Denial.Layer == policy.DeniedByResource) {
		return w.diagnose(ctx, q, a.Err)
	}
	// A bucket that lets through what is encrypted otherwise refuses the
	// encryption, or its key; not the writing.
	for _, kind := range []string{"AES256", "aws:kms"} {
		e := rolecall.Encryption{Type: kind}
		if asked.encryption != nil && asked.encryption.Type == kind {
			continue
		}
		if _, _, err := w.begin(ctx, form{&e, asked.acl, asked.class}); err != nil {
			continue
		}
		f := finding{
			result: rolecall.CheckFail, denied: true, candidates: []rolecall.CheckLayer{rolecall.LayerName, rolecall.LayerBucket},
			message: fmt.Sprintf("the bucket refuses what does not ask to be encrypted by %s", kind),
			hint:    "Operator: declare the encryption that the bucket's policy requires. Customer: or require it no more",
		}
		f.patches = append(w.changed(func(c *rolecall.Connection) { c.Encryption = &e }), w.patch(policy.BucketDocument, "")...)
		if asked.encryption != nil && asked.encryption.Type != "AES256" { // it is not declared without a reason
			f.candidates = []rolecall.CheckLayer{rolecall.LayerBucket, rolecall.LayerName, rolecall.LayerKey}
			f.message += "; where S3 does not say why it refuses, the key may, too"
			f.patches = slices.Concat(f.patches[1:], f.patches[:1], w.patch(policy.KeyDocument, ""))
		}
		return f
	}
	if f, wants := w.wantsMore(ctx, asked); wants {
		return f
	}
	return w.mayWantACL(asked, a, w.diagnose(ctx, q, a.Err))
}

// mayWantACL adds, where nothing is said to another account, that the bucket may
// want objects to be given to its owner: whether it does shows only once the role
// may set ACLs.
func (w *work) mayWantACL(asked form, a refusal.Answer, f finding) finding {
	if !a.Bare() || asked.acl != "" || w.Connection.RoleARN == "" || w.owner() == "" || w.owner() == w.arn.Account {
		return f
	}
	c := w.Connection
	c.ACL = fullControl
	f.patches = append(f.patches, w.declaring(c))
	f.hint += ". Operator: if the bucket's policy asks for the ACL " + fullControl + ", declare acl as the last patch shows. Customer: run that patch's commands"
	return f
}

// wantsMore reports whether the bucket lets uploads through that say more: an
// encryption, the key that objects there are under, an ACL, a storage class, or
// several of these.
func (w *work) wantsMore(ctx context.Context, asked form) (finding, bool) {
	now := w.Connection
	now.Encryption, now.ACL, now.StorageClass = asked.encryption, asked.acl, asked.class
	values := map[string][]string{sendsEncryption: {"AES256", "aws:kms"}, sendsACL: {fullControl}, sendsClass: {"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"}}
	if w.kept.Key != "" {
		values[sendsKey] = []string{w.kept.Key}
	}
	for _, c := range saying(now, values) {
		f := form{c.Encryption, c.ACL, c.StorageClass}
		alone := c.ACL == asked.acl && c.StorageClass == asked.class && c.Encryption.Key == "" // which was tried
		if alone || c.Validate() != nil || !w.lets(ctx, f, c.ACL != asked.acl) {
			continue
		}
		return w.wanting(c, asked), true
	}
	return finding{}, false
}

// wanting is found where the bucket wants uploads to say what the connection
// does not declare.
func (w *work) wanting(c rolecall.Connection, asked form) finding {
	var what, members []string
	if e := c.Encryption; e != asked.encryption {
		if e.Key != "" {
			what, members = append(what, "is not encrypted under "+e.Key), append(members, "encryption.key")
		} else {
			what, members = append(what, "is not encrypted by "+e.Type), append(members, "encryption")
		}
	}
	if c.ACL != asked.acl {
		what, members = append(what, "does not come with the ACL "+c.ACL), append(members, "acl")
	}
	if c.StorageClass != asked.class {
		what, members = append(what, "does not come with the storage class "+c.StorageClass), append(members, "storage_class")
	}
	patch := w.declaring(c)
	hint := "Operator: declare " + strings.Join(members, " and ") + " as the patch shows. Customer: "
	if len(patch.Commands) > 0 {
		hint += "run the patch's commands, or "
	}
	return finding{
		result: rolecall.CheckFail, denied: true, candidates: []rolecall.CheckLayer{rolecall.LayerName, rolecall.LayerBucket},
		message: "the bucket refuses what " + strings.Join(what, ", or "),
		hint:    hint + "remove that condition from the bucket's policy",
		patches: append([]rolecall.Patch{patch}, w.patch(policy.BucketDocument, "")...), suspects: []policy.Kind{policy.BucketDocument},
	}
}

// lets reports whether an upload of the form can be begun, or could be, if the
// role might use the key, or set the ACL where that is new.
func (w *work) lets(ctx context.Context, f form, newACL bool) bool {
	if !newACL {
		_, _, err := w.begin(ctx, f)
		return err == nil || f.encryption != nil && f.encryption.Key != "" && refusal.Read(err).OfKey()
	}
	client, err := w.writer(ctx, policy.ACL)
	if err != nil {
		return false
	}
	id, _, err := w.createBy(ctx, client, f)
	if err == nil {
		w.begun = append(w.begun, id)
		return true
	}
	d := refusal.Read(err).Denial
	return d.Action == "s3:PutObjectAcl" && !d.Explicit
}

// begin begins an upload. It outlives a cancellation: one that began at S3
// while its id was lost here could not be aborted.
func (w *work) begin(ctx context.Context, asked form) (string, rolecall.Encryption, error) {
	id, encryption, err := w.create(ctx, asked)
	if err == nil {
		w.begun = append(w.begun, id)
	}
	return id, encryption, err
}

func (w *work) create(ctx context.Context, asked form) (string, rolecall.Encryption, error) {
	return w.createBy(ctx, w.writing, asked)
}

func (w *work) createBy(ctx context.Context, client *s3.Client, asked form) (string, rolecall.Encryption, error) {
	if err := ctx.Err(); err != nil {
		return "", rolecall.Encryption{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	key := w.fixedKey()
	in := &s3.CreateMultipartUploadInput{
		Bucket: &w.Connection.Bucket, Key: &key, StorageClass: types.StorageClass(asked.class), ACL: types.ObjectCannedACL(asked.acl),
		ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer(),
	}
	in.ServerSideEncryption, in.SSEKMSKeyId = asked.headers()
	if !w.plainChecksums() {
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject
	}
	out, err := client.CreateMultipartUpload(ctx, in)
	if err == nil {
		err = bounded(out.UploadId)
	}
	if err == nil && aws.ToString(out.UploadId) == "" { // else requests for the upload would be for the object
		err = &transfer.Error{Kind: transfer.Malformed, Err: errors.New("an upload without an id")}
	}
	if err != nil {
		return "", rolecall.Encryption{}, err
	}
	return aws.ToString(out.UploadId), encryptionOf(out.ServerSideEncryption, out.SSEKMSKeyId), nil
}

// plainChecksums reports whether the server may not know S3's newer checksums.
func (w *work) plainChecksums() bool { return w.Connection.S3EndpointURL != "" }

// content is what a check writes.
var content = []byte("rolecall checks this connection\n")

// checksum goes with what is written: buckets with object lock require one.
func (w *work) checksum() *string {
	if w.plainChecksums() {
		return nil
	}
	return aws.String(base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc64nvme.Checksum(content))))
}

// inParts sends a part and lists the parts.
func inParts(ctx context.Context, w *work) finding {
	if w.Connection.Purpose != rolecall.Delivery {
		return skipped(onlyRead)
	}
	w.partKey = nil
	if w.upload == "" {
		return skipped("not reached: no upload could be begun")
	}
	key := w.fixedKey()
	_, err := w.writing.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &w.Connection.Bucket, Key: &key, UploadId: &w.upload, PartNumber: aws.Int32(1), Body: bytes.NewReader(content),
		ChecksumCRC64NVME: w.checksum(), ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer(),
	})
	if a := refusal.Read(err); err != nil {
		if a.OfKey() {
			return w.keptByKey(&w.partKey, a)
		}
		return w.diagnose(ctx, question{verb: "take a part of an upload", action: "s3:PutObject", opened: true}, err)
	}
	if err := w.listParts(ctx, w.writing, w.upload); err != nil {
		return w.diagnose(ctx, question{verb: "list the parts of an upload", action: "s3:ListMultipartUploadParts", opened: true}, err)
	}
	w.parted = true
	return passed("a part can be sent, and listed")
}

// store writes an object, reads it back, and leaves it to the step cleanup. It
// returns what was asked last.
func (w *work) store(ctx context.Context, asked form) (question, error) {
	q := question{verb: "write an object", action: "s3:PutObject", opened: true}
	if err := ctx.Err(); err != nil {
		return q, err
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	key := w.fixedKey()
	in := &s3.PutObjectInput{
		Bucket: &w.Connection.Bucket, Key: &key, StorageClass: types.StorageClass(asked.class), ACL: types.ObjectCannedACL(asked.acl),
		Body: bytes.NewReader(content), ChecksumCRC64NVME: w.checksum(), ExpectedBucketOwner: w.asOwner(), RequestPayer: w.payer(),
	}
	in.ServerSideEncryption, in.SSEKMSKeyId = asked.headers()
	out, err := w.writing.PutObject(late, in)
	if err == nil {
		err = bounded(out.VersionId)
	}
	if err != nil {
		return q, err
	}
	w.stored = aws.String(aws.ToString(out.VersionId))
	_, err = w.get(ctx, w.writing, key)
	if a := refusal.Read(err); a.Kind == transfer.Archived {
		err = nil
	}
	return question{verb: "read back the object that was written", action: "s3:GetObject", opened: true}, err
}
