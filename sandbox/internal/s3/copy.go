package s3

import (
	"cmp"
	"encoding/xml"
	"io"
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// parseCopySource reads x-amz-copy-source: bucket/key, url-encoded, with an
// optional slash before it and ?versionId= behind it.
func parseCopySource(header string) (bucket, key string, query url.Values, err error) {
	bad := errInvalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", header)
	path, tail, found := strings.Cut(header, "?")
	query = url.Values{}
	if found {
		version, ok := strings.CutPrefix(tail, "versionId=")
		if !ok {
			return "", "", nil, bad
		}
		query.Set("versionId", version)
	}
	if path, err = url.PathUnescape(path); err != nil {
		return "", "", nil, bad
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if bucket == "" || key == "" {
		return "", "", nil, bad
	}
	if err := checkKey(key); err != nil {
		return "", "", nil, err
	}
	return bucket, key, query, nil
}

// copySource is the object that a copy reads. The caller releases it.
type copySource struct {
	*object
	cfg   Bucket
	asked string // the version that the request names
}

// readCopySource finds the source and asks for the permissions to read it.
func (c *call) readCopySource() (copySource, error) {
	name, key, query, err := parseCopySource(c.header("X-Amz-Copy-Source"))
	if err != nil {
		return copySource{}, err
	}
	from := c.store.bucket(name)
	if from == nil {
		return copySource{}, errNoSuchBucket(name)
	}
	src := copySource{cfg: from.config(), asked: query.Get("versionId")}
	if err := c.checkOwner("X-Amz-Source-Expected-Bucket-Owner", src.cfg); err != nil {
		return src, err
	}
	if err := c.checkPayer(src.cfg); err != nil {
		return src, err
	}
	if src.object, err = c.lookup(from, src.cfg, key, query, c.allowRead(src.cfg, key)); err != nil {
		return src, err
	}
	if err := c.checkCopySource(src); err != nil {
		src.release()
		return src, err
	}
	if src.cfg.Versioning != "" {
		c.w.Header().Set("X-Amz-Copy-Source-Version-Id", src.version)
	}
	return src, nil
}

func (c *call) checkCopySource(src copySource) error {
	if src.archived(c.clock()) {
		return errInvalidObjectState(src.class)
	}
	if err := c.checkCustomerKey("X-Amz-Copy-Source-"); err != nil {
		return err
	}
	if err := checkConditions(c.r.Header, "X-Amz-Copy-Source-", src.object); err != nil {
		return err
	}
	return c.useKey("kms:Decrypt", src.encryption, src.cfg, src.key)
}

func copyObject(c *call) error {
	s, err := c.readSettings()
	if err != nil {
		return err
	}
	algorithm, _, err := readChecksumType(c.r.Header)
	if err != nil {
		return err
	}
	src, err := c.readCopySource()
	if err != nil {
		return err
	}
	defer src.release()
	if src.size > maxUpload {
		return errInvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: " + strconv.Itoa(maxUpload))
	}
	if err := c.inherit(&s, src); err != nil {
		return err
	}
	if _, err := c.allowWrite(s, c.copyConditions()); err != nil {
		return err
	}
	if err := c.useKey("kms:GenerateDataKey", s.encryption, c.cfg, c.key); err != nil {
		return err
	}
	if err := c.checkWritable(); err != nil {
		return err
	}
	got, err := c.duplicate(src, 0, src.size, cmp.Or(algorithm, src.checksum.algorithm))
	if err != nil {
		return err
	}
	o := got.object(c.key, s)
	if err := c.commit(o); err != nil {
		o.release()
		return err
	}
	return c.writeXML(struct {
		XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyObjectResult"`
		ETag         text
		LastModified stamp
		checksumXML
	}{ETag: text(quoted(o.etag)), LastModified: stamp(o.modified), checksumXML: o.checksum.xml()})
}

// inherit copies from the source what the directives say.
func (c *call) inherit(s *settings, src copySource) error {
	replace := func(header string) (bool, error) {
		switch given := c.header(header); given {
		case "", "COPY":
			return false, nil
		case "REPLACE":
			return true, nil
		default:
			return false, errInvalidArgument("Unknown "+strings.TrimPrefix(strings.ToLower(header), "x-amz-")+".", strings.ToLower(header), given)
		}
	}
	replaceMetadata, err := replace("X-Amz-Metadata-Directive")
	if err != nil {
		return err
	}
	replaceTags, err := replace("X-Amz-Tagging-Directive")
	if err != nil {
		return err
	}
	if !replaceMetadata {
		// A redirect is not copied.
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
		given := s.header.Get(redirectHeader)
		s.header = maps.Clone(src.header)
		if s.header.Del(redirectHeader); given != "" {
			s.header.Set(redirectHeader, given)
		}
	}
	same := src.cfg.Name == c.cfg.Name && src.key == c.key && c.query.Get("versionId") == ""
	if same && !replaceMetadata && s.class == src.class && c.header(sseHeader) == "" && c.header(redirectHeader) == "" && c.cfg.Versioning == "" {
		return errInvalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if replaceTags || len(src.tags) == 0 {
		return nil
	}
	s.tags = src.tags
	action, cs := "s3:GetObjectTagging", conditions{}
	cs.addTags("s3:ExistingObjectTag", src.tags)
	if src.asked != "" {
		action = "s3:GetObjectVersionTagging"
		cs.set("s3:versionid", src.asked)
	}
	return c.allow(action, objectARN(src.cfg, src.key), src.cfg, cs)
}

// copyConditions returns the condition keys of a copy's write.
func (c *call) copyConditions() conditions {
	cs := conditions{}
	cs.set("s3:x-amz-copy-source", strings.TrimPrefix(c.header("X-Amz-Copy-Source"), "/"))
	cs.set("s3:x-amz-metadata-directive", c.header("X-Amz-Metadata-Directive"))
	return cs
}

// duplicate stores a copy of bytes of the source.
func (c *call) duplicate(src copySource, offset, length int64, algorithm string) (*received, error) {
	sums := newSummer(algorithm)
	stored, err := c.store.write(func(w io.Writer) error { return src.body.copyRange(sums.tee(w), offset, length) })
	if err != nil {
		return nil, err
	}
	return &received{stored, length, sums.etag(), sums.checksum()}, nil
}

func uploadPartCopy(c *call) error {
	number, err := parsePartNumber(c.query.Get("partNumber"))
	if err != nil {
		return err
	}
	u, err := c.upload("s3:PutObject")
	if err != nil {
		return err
	}
	if err := c.checkCustomerKey("X-Amz-"); err != nil {
		return err
	}
	src, err := c.readCopySource()
	if err != nil {
		return err
	}
	defer src.release()
	offset, length := int64(0), src.size
	if asked := c.header("X-Amz-Copy-Source-Range"); asked != "" {
		if offset, length, err = copyRange(asked, src.size); err != nil {
			return err
		}
	}
	if length > maxUpload {
		return errInvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: " + strconv.Itoa(maxUpload))
	}
	if err := c.useKey("kms:Decrypt", u.settings.encryption, c.cfg, c.key); err != nil {
		return err
	}
	got, err := c.duplicate(src, offset, length, cmp.Or(u.algorithm, defaultChecksum))
	if err != nil {
		return err
	}
	p, err := c.addPart(u, number, got)
	if err != nil {
		return err
	}
	u.settings.encryption.write(c.w.Header())
	return c.writeXML(struct {
		XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyPartResult"`
		ETag         text
		LastModified stamp
		checksumXML
	}{ETag: text(quoted(p.etag)), LastModified: stamp(p.modified), checksumXML: u.shown(p).ofPart()})
}

// copyRange reads x-amz-copy-source-range, which unlike Range must be whole
// and lie within the object.
func copyRange(asked string, size int64) (offset, length int64, err error) {
	first, last, ok := parseRange(asked)
	if !ok || first < 0 || last < 0 {
		return 0, 0, errInvalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
			"x-amz-copy-source-range", asked)
	}
	if last >= size {
		return 0, 0, errInvalidArgument("Range specified is not valid for source object of size: "+strconv.FormatInt(size, 10), "x-amz-copy-source-range", asked)
	}
	return first, last - first + 1, nil
}
