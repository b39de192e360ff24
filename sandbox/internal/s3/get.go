package s3

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// lookup finds the version of a key that a query names, the current one when
// it names none. The permission comes before any answer, and only callers who
// may list the bucket learn that a key is missing. The caller releases the
// object.
func (c *call) lookup(from *bucket, b Bucket, key string, query url.Values, allow func(o *object, version string) error) (*object, error) {
	version := query.Get("versionId")
	if query.Has("versionId") && !validVersion(version) {
		return nil, errInvalidArgument("Invalid version id specified", "versionId", version)
	}
	o := from.find(key, version)
	err := allow(o, version)
	if err == nil {
		err = c.checkPresent(o, b, key, version)
	}
	if err == nil {
		err = c.checkReadable(b, o)
	}
	if err != nil {
		o.release()
		return nil, err
	}
	return o, nil
}

func (c *call) checkPresent(o *object, b Bucket, key, version string) error {
	if o != nil && !o.deleted {
		return nil
	}
	header := http.Header{}
	if o != nil {
		header.Set("X-Amz-Delete-Marker", "true")
		header.Set("X-Amz-Version-Id", o.version)
	}
	if o != nil && version != "" {
		gone := errMethodNotAllowed()
		header.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
		header.Set("Allow", "DELETE")
		gone.Header = header
		return gone
	}
	action, missing := "s3:ListBucket", errNoSuchKey(key)
	if version != "" {
		action, missing = "s3:ListBucketVersions", errNoSuchVersion(key, version)
	}
	if err := c.allow(action, bucketARN(b), b, nil); err != nil {
		return err
	}
	missing.Header = header
	return missing
}

// validVersion reports whether S3 could have given the version id.
func validVersion(id string) bool {
	return id == "null" || len(id) == 32 && strings.Trim(id, "0123456789abcdef") == ""
}

// allowRead asks for the permission to read an object.
func (c *call) allowRead(b Bucket, key string) func(*object, string) error {
	return func(o *object, version string) error { return c.allowReading("s3:GetObject", b, key, o, version) }
}

// allowReading asks for one of the s3:GetObject… actions, or for its
// counterpart s3:GetObjectVersion… if the request names a version.
func (c *call) allowReading(action string, b Bucket, key string, o *object, version string) error {
	cs := conditions{}
	if o != nil {
		cs.addTags("s3:ExistingObjectTag", o.tags)
	}
	if version != "" {
		action = strings.Replace(action, "s3:GetObject", "s3:GetObjectVersion", 1)
		cs.set("s3:versionid", version)
	}
	return c.allow(action, objectARN(b, key), b, cs)
}

func getObject(c *call) error { return c.serveObject(c.useObjectKey) }

func headObject(c *call) error {
	return c.serveObject(func(o *object) error {
		if c.checksumMode() {
			return c.useKey("kms:Decrypt", o.encryption, c.cfg, o.key)
		}
		return nil
	})
}

// useObjectKey checks what reading an object's bytes needs in addition to the
// permission to read it.
func (c *call) useObjectKey(o *object) error {
	if o.archived(c.clock()) {
		return errInvalidObjectState(o.class)
	}
	return c.useKey("kms:Decrypt", o.encryption, c.cfg, o.key)
}

func (c *call) checksumMode() bool {
	return strings.EqualFold(c.header("X-Amz-Checksum-Mode"), "ENABLED")
}

// overrides are the query parameters that replace headers of an answer.
var overrides = map[string]string{
	"response-cache-control":       "Cache-Control",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
	"response-content-language":    "Content-Language",
	"response-content-type":        "Content-Type",
	"response-expires":             "Expires",
}

// serveObject answers GET and HEAD of an object.
func (c *call) serveObject(open func(*object) error) error {
	replaced := http.Header{}
	for name, header := range overrides {
		if c.query.Has(name) {
			replaced.Set(header, c.query.Get(name))
		}
	}
	if len(replaced) > 0 && c.authority.Caller(c.r.Context()) == "" {
		return errInvalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
	}
	if c.query.Has("partNumber") {
		if _, err := parsePartNumber(c.query.Get("partNumber")); err != nil {
			return err
		}
	}
	o, err := c.lookup(c.bucket, c.cfg, c.key, c.query, c.allowRead(c.cfg, c.key))
	if err != nil {
		return err
	}
	defer o.release()
	if err := c.checkCustomerKey("X-Amz-"); err != nil {
		return err
	}
	if err := open(o); err != nil {
		return err
	}
	header := c.w.Header()
	if err := checkConditions(c.r.Header, "", o); err != nil {
		if err.Status == http.StatusNotModified {
			c.writeVersion(o)
			header.Set("ETag", quoted(o.etag))
			header.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
		}
		return err
	}
	span, err := c.span(o)
	if err != nil {
		return err
	}
	c.writeObjectHeaders(o)
	maps.Copy(header, replaced)
	header.Set("Accept-Ranges", "bytes")
	header.Set("Content-Length", strconv.FormatInt(span.length, 10))
	if c.checksumMode() {
		span.checksum.write(header)
	}
	status := http.StatusOK
	if span.partial {
		status = http.StatusPartialContent
		header.Set("Content-Range", span.contentRange(o.size))
	}
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if err := o.body.copyRange(c.w, span.offset, span.length); err != nil {
		// The status is already sent: the client sees that bytes are missing.
		c.log.DebugContext(c.r.Context(), "answer cut", "error", err)
	}
	return nil
}

// writeVersion sets the header with the answer's version.
func (c *call) writeVersion(o *object) {
	if c.cfg.Versioning != "" {
		c.w.Header().Set("X-Amz-Version-Id", o.version)
	}
}

// writeObjectHeaders sets the headers of an object in answers to GET and HEAD.
func (c *call) writeObjectHeaders(o *object) {
	header := c.w.Header()
	for name, values := range o.header {
		// Clients make metadata's names of what the headers' names hold, so
		// these come in lower case, past http.Header's form.
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
		if strings.HasPrefix(name, metadataPrefix) {
			name = strings.ToLower(name)
		}
		header[name] = values
	}
	c.writeVersion(o)
	header.Set("ETag", quoted(o.etag))
	header.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	o.encryption.write(header)
	o.lock.write(header)
	o.writeRestored(header)
	if o.class != "STANDARD" {
		header.Set("X-Amz-Storage-Class", o.class)
	}
	tagged := conditions{}
	tagged.addTags("s3:ExistingObjectTag", o.tags)
	if len(o.tags) > 0 && c.allowObject("s3:GetObjectTagging", tagged) == nil {
		header.Set("X-Amz-Tagging-Count", strconv.Itoa(len(o.tags)))
	}
}

func quoted(etag string) string { return `"` + etag + `"` }
