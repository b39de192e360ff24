package s3

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	ownerEnforced  = "BucketOwnerEnforced"
	ownerPreferred = "BucketOwnerPreferred"
)

// kept lists the headers that S3 returns as they were stored.
var kept = []string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires", redirectHeader,
}

const redirectHeader = "X-Amz-Website-Redirect-Location"

var redirectForm = regexp.MustCompile(`^(/|https?://)`)

// metadataPrefix is the prefix of the headers of user metadata.
const metadataPrefix = "X-Amz-Meta-"

var storageClasses = []string{
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
}

var cannedACLs = []string{
	"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control",
}

// readSettings reads a write's settings of the new object.
func (c *call) readSettings() (settings, error) {
	var s settings
	var err error
	if s.header, err = readMetadata(c.r.Header); err != nil {
		return s, err
	}
	if s.tags, err = parseTagging(c.header("X-Amz-Tagging")); err != nil {
		return s, err
	}
	if s.class = cmp.Or(c.header("X-Amz-Storage-Class"), "STANDARD"); !slices.Contains(storageClasses, s.class) {
		return s, errInvalidStorageClass()
	}
	if s.encryption, err = c.readEncryption(); err != nil {
		return s, err
	}
	if to := c.header(redirectHeader); to != "" && !redirectForm.MatchString(to) {
		return s, &Error{Status: http.StatusBadRequest, Code: "InvalidRedirectLocation", Message: "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."}
	}
	if s.acl = c.header("X-Amz-Acl"); s.acl != "" && !slices.Contains(cannedACLs, s.acl) {
		return s, errInvalidArgument("", "x-amz-acl", s.acl)
	}
	if s.lock, err = c.readLock(); err != nil {
		return s, err
	}
	s.owner = c.newOwner(s.acl)
	return s, nil
}

// newOwner returns the account that will own what the caller writes.
func (c *call) newOwner(acl string) string {
	if c.cfg.Ownership == ownerEnforced || c.cfg.Ownership == ownerPreferred && acl == "bucket-owner-full-control" {
		return c.cfg.Account
	}
	return c.authority.Caller(c.r.Context())
}

// readMetadata returns the headers that are stored with an object.
func readMetadata(h http.Header) (http.Header, error) {
	out := http.Header{}
	for _, name := range kept {
		if value := h.Get(name); value != "" {
			out.Set(name, value)
		}
	}
	// aws-chunked is the framing of the request, not the object's encoding.
	if coding := out.Get("Content-Encoding"); strings.Contains(strings.ToLower(coding), "aws-chunked") {
		var rest []string
		for word := range strings.SplitSeq(coding, ",") {
			if word = strings.TrimSpace(word); !strings.EqualFold(word, "aws-chunked") {
				rest = append(rest, word)
			}
		}
		if out.Set("Content-Encoding", strings.Join(rest, ",")); len(rest) == 0 {
			out.Del("Content-Encoding")
		}
	}
	size := 0
	for name, values := range h {
		short, ok := strings.CutPrefix(name, metadataPrefix)
		if !ok {
			continue
		}
		value := strings.Join(values, ",")
		size += len(short) + len(value)
		out.Set(name, value)
	}
	if size > 2048 {
		return nil, &Error{Status: http.StatusBadRequest, Code: "MetadataTooLarge", Message: "Your metadata headers exceed the maximum allowed metadata size"}
	}
	if out.Get("Content-Type") == "" {
		out.Set("Content-Type", "binary/octet-stream")
	}
	return out, nil
}

// allowWrite asks for all permissions that a write with these settings needs,
// and returns the conditions of its s3:PutObject.
func (c *call) allowWrite(s settings, extra conditions) (conditions, error) {
	cs := conditions{}
	for name, values := range extra {
		cs[name] = values
	}
	for _, name := range []string{
		"x-amz-acl", "x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-website-redirect-location",
		"x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write-acp",
	} {
		cs.set("s3:"+name, c.header(name))
	}
	if c.header(sseKeyHeader) != "" {
		cs.set("s3:"+strings.ToLower(sseKeyHeader), s.encryption.Key)
	}
	cs.set("s3:if-none-match", c.header("If-None-Match"))
	cs.set("s3:if-match", c.header("If-Match"))
	tagged := conditions{}
	tagged.addTags("s3:RequestObjectTag", s.tags)
	for _, t := range s.tags {
		tagged["s3:RequestObjectTagKeys"] = append(tagged["s3:RequestObjectTagKeys"], t.Key)
	}
	for name, values := range tagged {
		cs[name] = values
	}
	locked := conditions{}
	locked.set("s3:object-lock-mode", s.lock.mode)
	if !s.lock.until.IsZero() {
		locked.set("s3:object-lock-retain-until-date", s.lock.until.UTC().Format(time.RFC3339))
	}
	locked.set("s3:object-lock-legal-hold", s.lock.hold)
	for name, values := range locked {
		cs[name] = values
	}
	if err := c.allowObject("s3:PutObject", cs); err != nil {
		return nil, err
	}
	for _, also := range []struct {
		action string
		when   bool
	}{
		{"s3:PutObjectTagging", len(s.tags) > 0},
		{"s3:PutObjectAcl", c.asksACL()},
		{"s3:PutObjectRetention", s.lock.mode != ""},
		{"s3:PutObjectLegalHold", s.lock.hold != ""},
	} {
		if also.when {
			if err := c.allowObject(also.action, cs); err != nil {
				return nil, err
			}
		}
	}
	return cs, c.checkACL(s.acl)
}

// asksACL reports whether the request sets an access control list.
func (c *call) asksACL() bool {
	for name := range c.r.Header {
		if name == "X-Amz-Acl" || strings.HasPrefix(name, "X-Amz-Grant-") {
			return true
		}
	}
	return false
}

// checkACL refuses lists in a bucket whose owner owns all objects.
func (c *call) checkACL(canned string) error {
	if c.cfg.Ownership != ownerEnforced || !c.asksACL() || canned == "bucket-owner-full-control" {
		return nil
	}
	return &Error{Status: http.StatusBadRequest, Code: "AccessControlListNotSupported", Message: "The bucket does not allow ACLs"}
}

// checkReadable refuses an object that another account than the bucket's owns
// and has not shared: neither the bucket's policy nor the policies of its
// owner's identities apply to it.
func (c *call) checkReadable(b Bucket, o *object) error {
	caller := c.authority.Caller(c.r.Context())
	switch {
	case b.Ownership == ownerEnforced, o.owner == b.Account, o.owner == caller:
		return nil
	case o.acl == "public-read" || o.acl == "public-read-write":
		return nil
	case o.acl == "authenticated-read" && caller != "":
		return nil
	case (o.acl == "bucket-owner-read" || o.acl == "bucket-owner-full-control") && caller == b.Account:
		return nil
	}
	return errAccessDenied()
}
