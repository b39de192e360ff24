package s3

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

const (
	sseHeader        = "X-Amz-Server-Side-Encryption"
	sseKeyHeader     = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
	sseContextHeader = "X-Amz-Server-Side-Encryption-Context"
	bucketKeyHeader  = "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"
)

// kms reports whether a KMS key is used.
func (e Encryption) kms() bool { return strings.HasPrefix(e.Type, "aws:kms") }

// write sets the headers of an answer.
func (e Encryption) write(h http.Header) {
	h.Set(sseHeader, e.Type)
	if !e.kms() {
		return
	}
	h.Set(sseKeyHeader, e.Key)
	if e.BucketKey {
		h.Set(bucketKeyHeader, "true")
	}
}

// readEncryption returns the encryption of a new object: what the request asks
// for, else the bucket's default.
func (c *call) readEncryption() (Encryption, error) {
	for name := range c.r.Header {
		if strings.HasPrefix(name, sseHeader+"-Customer-") || name == sseContextHeader {
			return Encryption{}, errHeaderNotImplemented(strings.ToLower(name))
		}
	}
	asked := Encryption{Type: c.header(sseHeader), Key: c.header(sseKeyHeader)}
	switch {
	case asked.Type == "" && asked.Key == "":
		asked = c.cfg.Encryption
	case asked.Type != "AES256" && asked.Type != "aws:kms" && asked.Type != "aws:kms:dsse" && asked.Type != "":
		return asked, errInvalidArgument("The encryption method specified is not supported", strings.ToLower(sseHeader), asked.Type)
	case !asked.kms() && asked.Key != "":
		return asked, errInvalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
			strings.ToLower(sseHeader), asked.Type)
	case asked.kms():
		asked.BucketKey = c.cfg.Encryption.BucketKey
	}
	if !asked.kms() {
		return asked, nil
	}
	if given := c.header(bucketKeyHeader); given != "" {
		asked.BucketKey = strings.EqualFold(given, "true")
	}
	asked.Key = keyARN(c.cfg, c.authority.Caller(c.r.Context()), asked.Key)
	return asked, nil
}

// keepEncryption lists the operations on an object that is encrypted already,
// where S3 does not take the headers that ask for encryption. It takes them, to
// no effect, of clients that complete an upload.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
var keepEncryption = map[string]bool{"GetObject": true, "GetObjectAttributes": true, "HeadObject": true, "UploadPart": true}

// checkNoEncryption refuses these headers.
func (c *call) checkNoEncryption() error {
	for _, name := range []string{sseHeader, sseKeyHeader, bucketKeyHeader, sseContextHeader} {
		if value := c.header(name); value != "" {
			name = strings.ToLower(name)
			return errInvalidArgument(name+" header is not supported for this operation.", name, value)
		}
	}
	return nil
}

// checkCustomerKey refuses the key that a client says an object is encrypted
// with: no object is, here.
func (c *call) checkCustomerKey(prefix string) error {
	for name := range c.r.Header {
		if strings.HasPrefix(name, prefix+"Server-Side-Encryption-Customer-") {
			return errInvalidRequest("The encryption parameters are not applicable to this object.")
		}
	}
	return nil
}

// ManagedAlias names the AWS managed key that S3 has in each account.
const ManagedAlias = "alias/aws/s3"

// ManagedKey returns the ARN of an account's AWS managed key for S3 in a region.
// Policies are about the key, never about its alias.
func ManagedKey(partition, region, account string) string {
	id := sha256.Sum256([]byte(ManagedAlias + " " + region + " " + account))
	return fmt.Sprintf("arn:%s:kms:%s:%s:key/%x-%x-%x-%x-%x", partition, region, account, id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
}

// keyARN returns the ARN of a key as a client names it. A bare id or alias is
// of the caller's account; an empty name is the AWS managed key of the
// bucket's account.
func keyARN(b Bucket, caller, key string) string {
	prefix := "arn:" + b.Partition + ":kms:" + b.Region + ":"
	switch {
	case key == "":
		return ManagedKey(b.Partition, b.Region, b.Account)
	case key == ManagedAlias:
		return ManagedKey(b.Partition, b.Region, caller)
	case strings.HasPrefix(key, "arn:"):
		return key
	case strings.HasPrefix(key, "alias/"):
		return prefix + caller + ":" + key
	default:
		return prefix + caller + ":key/" + key
	}
}

// useKey asks for the use of an object's key, if it has one. With a bucket key
// the encryption context is the bucket, for all its objects.
func (c *call) useKey(action string, e Encryption, b Bucket, key string) error {
	if !e.kms() {
		return nil
	}
	arn := objectARN(b, key)
	if e.BucketKey {
		arn = bucketARN(b)
	}
	use := KeyUse{Action: action, Key: e.Key, Region: b.Region, EncryptionContext: map[string]string{"aws:s3:arn": arn}}
	if err := c.authority.UseKey(c.r.Context(), use); err != nil {
		return err
	}
	return nil
}

func getBucketEncryption(c *call) error {
	if err := c.allowBucket("s3:GetEncryptionConfiguration", nil); err != nil {
		return err
	}
	type byDefault struct {
		SSEAlgorithm   string
		KMSMasterKeyID string `xml:",omitempty"`
	}
	e := c.cfg.Encryption
	return c.writeXML(struct {
		XMLName   xml.Name  `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ServerSideEncryptionConfiguration"`
		Default   byDefault `xml:"Rule>ApplyServerSideEncryptionByDefault"`
		BucketKey bool      `xml:"Rule>BucketKeyEnabled"`
	}{Default: byDefault{e.Type, e.Key}, BucketKey: e.BucketKey})
}
