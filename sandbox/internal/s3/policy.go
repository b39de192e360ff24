package s3

import (
	"net/http"
	"strings"
)

// maxPolicy is the most that S3 stores of a bucket policy.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
const maxPolicy = 20 << 10

// allowPolicy asks for a permission on the bucket's policy. Callers from other
// accounts never have it, whatever the policies say.
func (c *call) allowPolicy(action string) error {
	if err := c.allowBucket(action, nil); err != nil {
		return err
	}
	if c.authority.Caller(c.r.Context()) != c.cfg.Account {
		return errMethodNotAllowed()
	}
	return nil
}

func getBucketPolicy(c *call) error {
	if err := c.allowPolicy("s3:GetBucketPolicy"); err != nil {
		return err
	}
	policy := c.directory.Policy(c.cfg.Name)
	if policy == nil {
		return errNoSuchBucketPolicy(c.cfg.Name)
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(http.StatusOK)
	c.w.Write(policy) //nolint:errcheck // the client is gone
	return nil
}

// getBucketPolicyStatus answers only that there is no policy: the sandbox does
// not judge whether one is public.
func getBucketPolicyStatus(c *call) error {
	if err := c.allowBucket("s3:GetBucketPolicyStatus", nil); err != nil {
		return err
	}
	if c.directory.Policy(c.cfg.Name) != nil {
		return errNotImplemented("GetBucketPolicyStatus of a bucket with a policy")
	}
	return errNoSuchBucketPolicy(c.cfg.Name)
}

func putBucketPolicy(c *call) error {
	if err := c.allowPolicy("s3:PutBucketPolicy"); err != nil {
		return err
	}
	text, err := c.readDocument(maxConfiguration)
	if err != nil {
		return err
	}
	if len(text) > maxPolicy {
		return &Error{Status: http.StatusBadRequest, Code: "PolicyTooLarge", Message: "Policy exceeds the maximum allowed document size."}
	}
	if strings.TrimSpace(string(text)) == "" {
		return &Error{Status: http.StatusBadRequest, Code: "MissingRequestBodyError", Message: "Request Body is empty"}
	}
	if err := c.directory.SetPolicy(c.cfg.Name, text); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func deleteBucketPolicy(c *call) error {
	if err := c.allowPolicy("s3:DeleteBucketPolicy"); err != nil {
		return err
	}
	if err := c.directory.SetPolicy(c.cfg.Name, nil); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
