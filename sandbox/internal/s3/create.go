package s3

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// createBucket makes a bucket as new ones are: everything is encrypted, and
// the owner owns all objects.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func createBucket(c *call) error {
	data, err := c.readDocument(maxConfiguration)
	if err != nil {
		return err
	}
	var asked struct {
		Region   string    `xml:"LocationConstraint"`
		Location *struct{} `xml:"Location"` // of directory buckets
		Tags     *struct{} `xml:"Tags"`
	}
	if len(data) > 0 {
		if err := parseXML(data, &asked); err != nil {
			return err
		}
	}
	if asked.Location != nil || asked.Tags != nil {
		return errInvalidRequest("the sandbox makes general purpose buckets without tags")
	}
	made := Bucket{
		Name: c.cfg.Name, Region: asked.Region,
		Ownership: c.header("X-Amz-Object-Ownership"), ObjectLock: strings.EqualFold(c.header("X-Amz-Bucket-Object-Lock-Enabled"), "true"),
	}
	if made.Ownership != "" && !slices.Contains(ownerships, made.Ownership) {
		return errInvalidArgument("Invalid x-amz-object-ownership header", "x-amz-object-ownership", made.Ownership)
	}
	if err := c.checkBucketACL(made); err != nil {
		return err
	}
	cs := conditions{}
	cs.set("s3:LocationConstraint", asked.Region)
	cs.set("s3:x-amz-object-ownership", made.Ownership)
	cs.set("s3:x-amz-acl", c.header("X-Amz-Acl"))
	made, refused := c.directory.Claim(c.r.Context(), made, cs)
	switch {
	case refused == nil:
		c.SetBucket(made)
	case refused.Code != AlreadyOwned || made.Region != "us-east-1":
		return refused
		// In the first region making one's own bucket again succeeds, and
		// changes nothing.
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html#API_CreateBucket_Errors
	}
	c.w.Header().Set("Location", "/"+made.Name)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// AlreadyOwned is the code of the error that a Directory answers to a caller who
// has the bucket already.
const AlreadyOwned = "BucketAlreadyOwnedByYou"

// The canned lists of a new bucket: private is what a bucket has anyway, and
// those for objects are ignored.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
var (
	closedBucketACLs = []string{"", "private", "bucket-owner-read", "bucket-owner-full-control"}
	openBucketACLs   = []string{"public-read", "public-read-write", "authenticated-read", "aws-exec-read", "log-delivery-write"}
)

// checkBucketACL refuses a list that opens a new bucket to others: where the
// owner owns all objects S3 does not take it, and elsewhere the sandbox does
// not.
func (c *call) checkBucketACL(made Bucket) error {
	canned, granted := c.header("X-Amz-Acl"), ""
	for name := range c.r.Header {
		if strings.HasPrefix(name, "X-Amz-Grant-") {
			granted = strings.ToLower(name)
		}
	}
	opens := slices.Contains(openBucketACLs, canned)
	switch {
	case !opens && !slices.Contains(closedBucketACLs, canned):
		return errInvalidArgument("", "x-amz-acl", canned)
	case canned != "" && granted != "":
		return errInvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
	case !opens && granted == "":
		return nil
	case made.Ownership == "" || made.Ownership == ownerEnforced:
		return &Error{
			Status: http.StatusBadRequest, Code: "InvalidBucketAclWithObjectOwnership",
			Message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
		}
	}
	return errHeaderNotImplemented(cmp.Or(granted, "x-amz-acl"))
}

// deleteBucket deletes an empty bucket, with its unfinished multipart uploads.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
func deleteBucket(c *call) error {
	if err := c.allowBucket("s3:DeleteBucket", nil); err != nil {
		return err
	}
	if err := c.store.drop(c.cfg.Name, c.bucket); err != nil {
		return err
	}
	c.directory.Release(c.cfg.Name)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// drop removes an empty bucket; one caller succeeds.
func (st *store) drop(name string, b *bucket) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case st.buckets[name] != b:
		return errNoSuchBucket(name)
	case len(b.keys) > 0:
		return errBucketNotEmpty()
	}
	delete(st.buckets, name)
	for _, u := range b.uploads {
		u.release()
	}
	clear(b.uploads)
	return nil
}

// maxConfiguration bounds the documents that configure a bucket.
const maxConfiguration = 64 << 10

// putBucketEncryption sets the default for new objects.
func putBucketEncryption(c *call) error {
	if err := c.allowBucket("s3:PutEncryptionConfiguration", nil); err != nil {
		return err
	}
	var asked struct {
		Rules []struct {
			Algorithm string `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
			Key       string `xml:"ApplyServerSideEncryptionByDefault>KMSMasterKeyID"`
			BucketKey bool   `xml:"BucketKeyEnabled"`
		} `xml:"Rule"`
	}
	if err := c.readXML(maxConfiguration, &asked); err != nil {
		return err
	}
	if len(asked.Rules) != 1 {
		return errMalformedXML()
	}
	e := Encryption{Type: asked.Rules[0].Algorithm, Key: asked.Rules[0].Key, BucketKey: asked.Rules[0].BucketKey}
	switch {
	case e.Type != "AES256" && e.Type != "aws:kms" && e.Type != "aws:kms:dsse":
		return errMalformedXML()
	case !e.kms() && e.Key != "":
		return errInvalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse", "KMSMasterKeyID", e.Key)
	}
	c.bucket.configure(func(b *Bucket) { b.Encryption = e })
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// deleteBucketEncryption restores the default of new buckets.
func deleteBucketEncryption(c *call) error {
	if err := c.allowBucket("s3:PutEncryptionConfiguration", nil); err != nil {
		return err
	}
	c.bucket.configure(func(b *Bucket) { b.Encryption = Encryption{Type: "AES256"} })
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// configure changes a bucket's configuration.
func (b *bucket) configure(change func(*Bucket)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.cfg)
}
