package s3

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// call is one request on its way through a handler.
type call struct {
	*Service
	w      http.ResponseWriter
	r      *http.Request
	query  url.Values
	bucket *bucket // nil for ListBuckets and CreateBucket
	cfg    Bucket  // the bucket's configuration as the call found it
	key    string
}

// handlers holds the implemented operations, by name.
var handlers = map[string]func(*call) error{
	"AbortMultipartUpload":          abortMultipartUpload,
	"CompleteMultipartUpload":       completeMultipartUpload,
	"CopyObject":                    copyObject,
	"CreateBucket":                  createBucket,
	"CreateMultipartUpload":         createMultipartUpload,
	"DeleteBucket":                  deleteBucket,
	"DeleteBucketEncryption":        deleteBucketEncryption,
	"DeleteBucketOwnershipControls": deleteBucketOwnershipControls,
	"DeleteBucketPolicy":            deleteBucketPolicy,
	"DeleteObject":                  deleteObject,
	"DeleteObjects":                 deleteObjects,
	"DeleteObjectTagging":           deleteObjectTagging,
	"GetBucketAcl":                  getBucketACL,
	"GetBucketEncryption":           getBucketEncryption,
	"GetBucketLocation":             getBucketLocation,
	"GetBucketOwnershipControls":    getBucketOwnershipControls,
	"GetBucketPolicy":               getBucketPolicy,
	"GetBucketPolicyStatus":         getBucketPolicyStatus,
	"GetBucketRequestPayment":       getBucketRequestPayment,
	"GetBucketVersioning":           getBucketVersioning,
	"GetObject":                     getObject,
	"GetObjectAcl":                  getObjectACL,
	"GetObjectAttributes":           getObjectAttributes,
	"GetObjectLegalHold":            getObjectLegalHold,
	"GetObjectLockConfiguration":    getObjectLockConfiguration,
	"GetObjectRetention":            getObjectRetention,
	"GetObjectTagging":              getObjectTagging,
	"HeadBucket":                    headBucket,
	"HeadObject":                    headObject,
	"ListBuckets":                   listBuckets,
	"ListMultipartUploads":          listMultipartUploads,
	"ListObjects":                   listObjects,
	"ListObjectsV2":                 listObjectsV2,
	"ListObjectVersions":            listObjectVersions,
	"ListParts":                     listParts,
	"PutBucketEncryption":           putBucketEncryption,
	"PutBucketOwnershipControls":    putBucketOwnershipControls,
	"PutBucketPolicy":               putBucketPolicy,
	"PutBucketRequestPayment":       putBucketRequestPayment,
	"PutBucketVersioning":           putBucketVersioning,
	"PutObject":                     putObject,
	"PutObjectLegalHold":            putObjectLegalHold,
	"PutObjectLockConfiguration":    putObjectLockConfiguration,
	"PutObjectRetention":            putObjectRetention,
	"PutObjectTagging":              putObjectTagging,
	"RestoreObject":                 restoreObject,
	"UploadPart":                    uploadPart,
	"UploadPartCopy":                uploadPartCopy,
}

// needDirectory lists the operations that change or show what the Directory
// keeps.
var needDirectory = map[string]bool{"CreateBucket": true, "DeleteBucket": true, "DeleteBucketPolicy": true, "GetBucketPolicy": true, "GetBucketPolicyStatus": true, "PutBucketPolicy": true}

func (c *call) header(name string) string { return c.r.Header.Get(name) }

// bucketARN returns the ARN of a bucket.
func bucketARN(b Bucket) string { return "arn:" + b.Partition + ":s3:::" + b.Name }

// objectARN returns the ARN of an object.
func objectARN(b Bucket, key string) string { return bucketARN(b) + "/" + key }

// conditions are the condition keys of a request, by name.
type conditions map[string][]string

func (cs conditions) set(name, value string) {
	if value != "" {
		cs[name] = []string{value}
	}
}

// addTags adds s3:ExistingObjectTag/… or s3:RequestObjectTag/….
func (cs conditions) addTags(name string, tags []tag) {
	for _, t := range tags {
		cs[name+"/"+t.Key] = []string{t.Value}
	}
}

// allow asks for a permission on a bucket, or on an object in it.
func (c *call) allow(action, resource string, b Bucket, extra conditions) error {
	context := conditions{}
	context.set("s3:x-amz-content-sha256", c.header("X-Amz-Content-Sha256"))
	context.set("s3:ResourceAccount", b.Account)
	maps.Copy(context, extra)
	access := Access{Action: action, Resource: resource, Bucket: b.Name, Context: context}
	if err := c.authority.Authorize(c.r.Context(), access); err != nil {
		return err
	}
	return nil
}

// allowBucket asks for a permission on the call's bucket.
func (c *call) allowBucket(action string, extra conditions) error {
	return c.allow(action, bucketARN(c.cfg), c.cfg, extra)
}

// allowObject asks for a permission on the call's object.
func (c *call) allowObject(action string, extra conditions) error {
	return c.allow(action, objectARN(c.cfg, c.key), c.cfg, extra)
}

// checkOwner checks x-amz-expected-bucket-owner, or its counterpart for the
// source of a copy.
func (c *call) checkOwner(header string, b Bucket) error {
	values, given := c.r.Header[http.CanonicalHeaderKey(header)]
	if !given {
		return nil
	}
	switch expected := values[0]; {
	case len(expected) != 12 || strings.Trim(expected, "0123456789") != "":
		return errInvalidOwner()
	case expected == b.Account:
		return nil
	}
	return errAccessDenied()
}

// checkPayer checks that callers other than the owner say that they pay for a
// requester-pays bucket, and that they can be charged.
func (c *call) checkPayer(b Bucket) error {
	caller := c.authority.Caller(c.r.Context())
	if !b.RequesterPays || caller == b.Account {
		return nil
	}
	if caller == "" || c.header("X-Amz-Request-Payer") != "requester" {
		return errAccessDenied()
	}
	c.w.Header().Set("X-Amz-Request-Charged", "requester")
	return nil
}
