package s3

import "net/http"

const (
	maxUpload = 5 << 30 // of one PutObject, UploadPart or CopyObject
	minPart   = 5 << 20 // of all parts but the last
	maxParts  = 10_000
)

func putObject(c *call) error {
	for _, name := range []string{"Content-Range", "X-Amz-Write-Offset-Bytes"} {
		if c.header(name) != "" {
			return errHeaderNotImplemented(name)
		}
	}
	s, err := c.readSettings()
	if err != nil {
		return err
	}
	claimed, err := readClaim(c.r.Header)
	if err != nil {
		return err
	}
	if _, err := c.allowWrite(s, nil); err != nil {
		return err
	}
	if err := c.checkLockDigest(s.lock, claimed, "Put Object"); err != nil {
		return err
	}
	if err := c.useKey("kms:GenerateDataKey", s.encryption, c.cfg, c.key); err != nil {
		return err
	}
	if err := c.checkWritable(); err != nil {
		return err
	}
	got, err := c.receive(claimed, defaultChecksum)
	if err != nil {
		return err
	}
	o := got.object(c.key, s)
	if err := c.commit(o); err != nil {
		o.release()
		return err
	}
	header := c.w.Header()
	header.Set("ETag", quoted(o.etag))
	o.checksum.write(header)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// object makes a version of what was received. Under a KMS key the ETag is not
// a digest of the bytes.
func (got *received) object(key string, s settings) *object {
	etag := got.etag
	if s.encryption.kms() {
		etag = newID(16)
	}
	return &object{key: key, etag: etag, size: got.size, body: got.body, checksum: got.checksum, settings: s}
}

// checkWritable checks If-Match and If-None-Match of a write before its body
// comes; commit checks them again.
func (c *call) checkWritable() error {
	c.bucket.mu.RLock()
	defer c.bucket.mu.RUnlock()
	return c.checkWriteConditions(c.bucket.current(c.key))
}

func (c *call) checkWriteConditions(current *object) error {
	if none := c.header("If-None-Match"); none != "" {
		if none != "*" {
			return errHeaderNotImplemented("If-None-Match")
		}
		if current != nil {
			return errPreconditionFailed("If-None-Match")
		}
	}
	return checkMatch(c.header("If-Match"), c.key, current)
}

// checkMatch checks that the current version of a key has one of the ETags, if
// there are any.
func checkMatch(etags, key string, current *object) error {
	switch {
	case etags == "":
		return nil
	case current == nil:
		return errNoSuchKey(key)
	case !matches(etags, current.etag):
		return errPreconditionFailed("If-Match")
	}
	return nil
}

// commit makes o the current version of its key if the request's conditions
// are still true, and sets the headers of every write's answer.
func (c *call) commit(o *object) error {
	c.bucket.mu.Lock()
	defer c.bucket.mu.Unlock()
	if err := c.checkWriteConditions(c.bucket.current(o.key)); err != nil {
		return err
	}
	o.modified = c.clock()
	o.lock = o.lock.withDefault(c.bucket.cfg, o.modified)
	c.bucket.put(o)
	c.writeNewVersion(o)
	o.encryption.write(c.w.Header())
	return nil
}
