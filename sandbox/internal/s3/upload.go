package s3

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// upload is an open multipart upload. The bucket's lock guards its parts.
type upload struct {
	id, key   string
	initiated time.Time
	initiator string // ARN of the user or role session, which S3 returns as an ID
	algorithm string // of checksums; empty when the client named none
	kind      string // fullObject or composite; empty as well
	settings  settings
	// conditions are those of the request that began it: S3 evaluates the
	// writes of its parts with them.
	conditions conditions
	parts      map[int]*part

	completion sync.Mutex  // held while a request completes the upload
	completed  *completion // nil until then; guarded by the lock
}

// part is one part of an upload, or of the object made of it, where it has no
// body.
type part struct {
	number   int
	size     int64
	etag     string
	checksum checksum // of the upload's algorithm; if it has none, of the one that the part was sent with
	modified time.Time
	body     *body
}

// shown returns the checksum of a part as S3 shows it later: none for an upload
// without an algorithm.
func (u *upload) shown(p *part) checksum {
	if u.algorithm == "" {
		return checksum{}
	}
	return p.checksum
}

// sorted returns the parts by number.
func (u *upload) sorted() []*part {
	parts := make([]*part, 0, len(u.parts))
	for _, p := range u.parts {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b *part) int { return a.number - b.number })
	return parts
}

func (u *upload) release() {
	for _, p := range u.parts {
		p.body.release()
	}
}

func createMultipartUpload(c *call) error {
	s, err := c.readSettings()
	if err != nil {
		return err
	}
	u := &upload{id: newID(32), key: c.key, settings: s, parts: map[int]*part{}}
	if u.algorithm, u.kind, err = readChecksumType(c.r.Header); err != nil {
		return err
	}
	if u.conditions, err = c.allowWrite(s, nil); err != nil {
		return err
	}
	if err := c.useKey("kms:GenerateDataKey", s.encryption, c.cfg, c.key); err != nil {
		return err
	}
	u.initiated, u.initiator = c.clock(), c.authority.CallerARN(c.r.Context())
	c.bucket.mu.Lock()
	c.bucket.uploads[u.id] = u
	c.bucket.mu.Unlock()
	header := c.w.Header()
	s.encryption.write(header)
	if u.algorithm != "" {
		header.Set("X-Amz-Checksum-Algorithm", u.algorithm)
		header.Set("X-Amz-Checksum-Type", u.kind)
	}
	return c.writeXML(struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket   string
		Key      text
		UploadID string `xml:"UploadId"`
	}{Bucket: c.cfg.Name, Key: text(c.key), UploadID: u.id})
}

// readChecksumType reads which checksum an upload will have.
func readChecksumType(h http.Header) (algorithm, kind string, err error) {
	algorithm, kind = strings.ToUpper(h.Get("X-Amz-Checksum-Algorithm")), strings.ToUpper(h.Get("X-Amz-Checksum-Type"))
	switch {
	case algorithm == "" && kind == "":
		return "", "", nil
	case algorithm == "":
		return "", "", errInvalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case !slices.Contains(algorithms, algorithm):
		return "", "", errInvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	case kind == "" && algorithm == "CRC64NVME":
		return algorithm, fullObject, nil
	case kind == "":
		return algorithm, composite, nil
	case kind != fullObject && kind != composite:
		return "", "", errInvalidRequest("Value for x-amz-checksum-type header is invalid.")
	case kind == fullObject && strings.HasPrefix(algorithm, "SHA"), kind == composite && algorithm == "CRC64NVME":
		return "", "", errInvalidRequest("The " + kind + " checksum type cannot be used with the " + strings.ToLower(algorithm) + " checksum algorithm.")
	}
	return algorithm, kind, nil
}

// upload returns the open upload that the query names, if the caller has the
// permission.
func (c *call) upload(action string) (*upload, error) {
	return c.uploadAmong(action, c.bucket.uploads)
}

// uploadAmong returns the upload that the query names from the first map that
// has it, if the caller has the permission.
func (c *call) uploadAmong(action string, where ...map[string]*upload) (*upload, error) {
	id := c.query.Get("uploadId")
	var u *upload
	c.bucket.mu.RLock()
	for _, uploads := range where {
		u = cmp.Or(u, uploads[id])
	}
	c.bucket.mu.RUnlock()
	if u != nil && u.key != c.key {
		u = nil
	}
	var cs conditions
	if u != nil && action == "s3:PutObject" {
		cs = u.conditions
	}
	if err := c.allowObject(action, cs); err != nil {
		return nil, err
	}
	if u == nil {
		return nil, errNoSuchUpload(id)
	}
	return u, nil
}

func parsePartNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxParts {
		return 0, errInvalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", s)
	}
	return n, nil
}

func uploadPart(c *call) error {
	number, err := parsePartNumber(c.query.Get("partNumber"))
	if err != nil {
		return err
	}
	claimed, err := readClaim(c.r.Header)
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
	if err := c.checkLockDigest(u.settings.lock, claimed, "Put Part"); err != nil {
		return err
	}
	if err := u.checkClaim(claimed); err != nil {
		return err
	}
	// S3 reads the encrypted parts again when it completes the upload.
	if err := c.useKey("kms:Decrypt", u.settings.encryption, c.cfg, c.key); err != nil {
		return err
	}
	got, err := c.receive(claimed, cmp.Or(u.algorithm, defaultChecksum))
	if err != nil {
		return err
	}
	p, err := c.addPart(u, number, got)
	if err != nil {
		return err
	}
	header := c.w.Header()
	header.Set("ETag", quoted(p.etag))
	if u.algorithm != "" || claimed.algorithm != "" {
		header.Set(checksumHeader(p.checksum.algorithm), p.checksum.value)
	}
	u.settings.encryption.write(header)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// checkClaim checks that a part has a checksum of the upload's algorithm, or
// none where S3 does not need one. Parts of an upload without an algorithm may
// have any.
func (u *upload) checkClaim(c claim) error {
	if u.algorithm == "" || c.algorithm == u.algorithm || c.algorithm == "" && u.kind == fullObject {
		return nil
	}
	return errInvalidRequest("Checksum Type mismatch occurred, expected checksum Type: " + strings.ToLower(u.algorithm) + ", actual checksum Type: " + cmp.Or(strings.ToLower(c.algorithm), "null"))
}

// addPart adds a received part to the upload and replaces one of the same
// number, unless the upload has ended.
func (c *call) addPart(u *upload, number int, got *received) (*part, error) {
	p := &part{number: number, size: got.size, etag: got.etag, checksum: got.checksum, modified: c.clock(), body: got.body}
	if u.settings.encryption.kms() {
		p.etag = newID(16)
	}
	c.bucket.mu.Lock()
	defer c.bucket.mu.Unlock()
	if c.bucket.uploads[u.id] != u {
		got.body.release()
		return nil, errNoSuchUpload(u.id)
	}
	if old := u.parts[number]; old != nil {
		old.body.release()
	}
	u.parts[number] = p
	return p, nil
}

func abortMultipartUpload(c *call) error {
	u, err := c.upload("s3:AbortMultipartUpload")
	if err != nil {
		return err
	}
	if !c.bucket.take(u) {
		return errNoSuchUpload(u.id)
	}
	u.release()
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// take removes an upload from the bucket; one caller succeeds.
func (b *bucket) take(u *upload) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uploads[u.id] != u {
		return false
	}
	delete(b.uploads, u.id)
	return true
}
