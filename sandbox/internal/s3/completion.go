package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// completion is how an upload ended: the parts that the request listed, and
// the object that they made.
type completion struct {
	asked  []completePart
	object *object
}

// maxCompleted bounds how many completed uploads a bucket remembers.
const maxCompleted = 1000

// beginCompletion takes an upload from those that can be changed. Requests that
// complete it, too, find it all the while, and wait. It reports false if the
// upload was aborted.
func (b *bucket) beginCompletion(u *upload) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uploads[u.id] != u {
		return false
	}
	delete(b.uploads, u.id)
	b.completed[u.id] = u
	return true
}

// giveBack ends a completion that failed.
func (b *bucket) giveBack(u *upload) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.completed, u.id)
	b.uploads[u.id] = u
}

// remember keeps a completed upload, so that the client can ask again if the
// answer was lost, and forgets the oldest one when there are too many. The
// caller holds the upload's completion.
func (b *bucket) remember(u *upload, done *completion) {
	u.completed = done
	b.mu.Lock()
	defer b.mu.Unlock()
	b.completed[u.id], u.parts = u, nil
	b.completedIDs = append(b.completedIDs, u.id)
	if len(b.completedIDs) > maxCompleted {
		delete(b.completed, b.completedIDs[0])
		b.completedIDs = b.completedIDs[1:]
	}
}

// answerAgain answers a request that repeats the one which completed the
// upload: S3 is idempotent there.
// https://github.com/adobe/S3Mock/issues/2586
func (c *call) answerAgain(u *upload, asked []completePart) error {
	if !slices.Equal(asked, u.completed.asked) {
		return errNoSuchUpload(u.id)
	}
	o := u.completed.object
	c.writeNewVersion(o)
	o.encryption.write(c.w.Header())
	return c.writeCompleted(o)
}

// writeCompleted answers with the object that an upload made.
func (c *call) writeCompleted(o *object) error {
	return c.writeXML(struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location text
		Bucket   string
		Key      text
		ETag     text
		checksumXML
	}{
		Location: text(fmt.Sprintf("https://%s.s3.%s.amazonaws.com/%s", c.cfg.Name, c.cfg.Region, urlEncoded(c.key))),
		Bucket:   c.cfg.Name, Key: text(c.key), ETag: text(quoted(o.etag)), checksumXML: o.checksum.xml(),
	})
}

// wholeClaim is what a request that completes an upload claims about the
// object: there the checksum headers are not of the request's own body.
type wholeClaim struct {
	claim
	kind  string // of the checksum, empty when the request has none
	parts string // how many a composite checksum says that it is of, or empty
}

// readWholeClaim reads the checksum headers of such a request. A composite
// checksum comes as S3 shows it, with the number of parts behind it, or without.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
func readWholeClaim(h http.Header) (wholeClaim, error) {
	c := wholeClaim{kind: strings.ToUpper(h.Get("X-Amz-Checksum-Type"))}
	if c.kind != "" && c.kind != fullObject && c.kind != composite {
		return c, errInvalidRequest("Value for x-amz-checksum-type header is invalid.")
	}
	h = h.Clone()
	for _, algorithm := range algorithms {
		name := checksumHeader(algorithm)
		if value, parts, ok := strings.Cut(h.Get(name), "-"); ok {
			h.Set(name, value)
			c.parts = parts
		}
	}
	var err error
	c.claim, err = readClaim(h)
	return c, err
}

// linear returns the claimed algorithm if S3 can compute it of the whole object
// from its parts, or "": an upload that named no algorithm may end with one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
func (c wholeClaim) linear() string {
	if strings.HasPrefix(c.algorithm, "CRC") {
		return c.algorithm
	}
	return ""
}

// covers reports whether the claimed value is the checksum's.
func (c wholeClaim) covers(sum checksum) bool {
	value, parts, _ := strings.Cut(sum.value, "-")
	return c.value == value && (c.parts == "" || c.parts == parts)
}
