package s3

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// completePart is a part as the client lists it.
type completePart struct {
	PartNumber int
	ETag       string
	checksumXML
}

// completeRequest is the document of CompleteMultipartUpload.
type completeRequest struct {
	XMLName xml.Name       `xml:"CompleteMultipartUpload"`
	Parts   []completePart `xml:"Part"`
}

func parseComplete(data []byte) ([]completePart, error) {
	var asked completeRequest
	if err := parseXML(data, &asked); err != nil {
		return nil, err
	}
	if len(asked.Parts) == 0 || len(asked.Parts) > maxParts {
		return nil, errMalformedXML()
	}
	for i, p := range asked.Parts {
		if p.ETag == "" {
			return nil, errMalformedXML()
		}
		asked.Parts[i].ETag = unquoted(p.ETag) // however it is written, it is the same part
		switch {
		case p.PartNumber < 1:
			return nil, errInvalidArgument("PartNumber must be >= 1", "PartNumber", strconv.Itoa(p.PartNumber))
		case p.PartNumber > maxParts:
			return nil, errInvalidArgument("Part number must be an integer between 1 and 10000, inclusive", "PartNumber", strconv.Itoa(p.PartNumber))
		}
		if i > 0 && p.PartNumber <= asked.Parts[i-1].PartNumber {
			return nil, errInvalidPartOrder()
		}
	}
	return asked.Parts, nil
}

func completeMultipartUpload(c *call) error {
	data, err := io.ReadAll(io.LimitReader(incoming{c.r.Body}, 8<<20))
	if err != nil {
		return err
	}
	asked, err := parseComplete(data)
	if err != nil {
		return err
	}
	claimed, err := readWholeClaim(c.r.Header)
	if err != nil {
		return err
	}
	u, err := c.uploadAmong("s3:PutObject", c.bucket.uploads, c.bucket.completed)
	if err != nil {
		return err
	}
	u.completion.Lock()
	defer u.completion.Unlock()
	if u.completed != nil {
		return c.answerAgain(u, asked)
	}
	if err := c.useKey("kms:Decrypt", u.settings.encryption, c.cfg, c.key); err != nil {
		return err
	}
	if err := c.checkWritable(); err != nil {
		return err
	}
	// From here on no part of the upload can be added or removed.
	if !c.bucket.beginCompletion(u) {
		return errNoSuchUpload(u.id)
	}
	o, err := c.complete(u, asked, claimed)
	if err != nil {
		c.bucket.giveBack(u)
		return err
	}
	c.bucket.remember(u, &completion{asked, o})
	return c.writeCompleted(o)
}

// complete makes an object of the listed parts and forgets the others. An
// error leaves the upload as it was.
func (c *call) complete(u *upload, asked []completePart, claimed wholeClaim) (*object, error) {
	chosen, err := u.choose(asked)
	if err != nil {
		return nil, err
	}
	o := &object{key: u.key, etag: composeETag(chosen), settings: u.settings}
	var files []blob
	for _, p := range chosen {
		files = append(files, p.body.files...)
		o.size += p.size
		o.parts = append(o.parts, &part{number: p.number, size: p.size, etag: p.etag, checksum: u.shown(p), modified: p.modified})
	}
	if want := c.header("X-Amz-Mp-Object-Size"); want != "" && want != strconv.FormatInt(o.size, 10) {
		return nil, errInvalidRequest("The provided 'x-amz-mp-object-size' header value " + want +
			" does not match what was computed: " + strconv.FormatInt(o.size, 10))
	}
	o.body = newBody(files...)
	if o.checksum, err = u.checksum(o.body, chosen, claimed); err != nil {
		return nil, err
	}
	if err := c.commit(o); err != nil {
		return nil, err
	}
	for _, p := range u.parts {
		if !slices.Contains(chosen, p) { // the files of the chosen are the object's now
			p.body.release()
		}
	}
	return o, nil
}

// choose finds the parts that the client lists.
func (u *upload) choose(asked []completePart) ([]*part, error) {
	chosen := make([]*part, 0, len(asked))
	for i, want := range asked {
		p := u.parts[want.PartNumber]
		if p == nil || !matches(want.ETag, p.etag) {
			return nil, errInvalidPart()
		}
		for _, algorithm := range algorithms {
			sum := *want.field(algorithm)
			if sum != "" && (algorithm != p.checksum.algorithm || sum != p.checksum.value) {
				return nil, errInvalidPart()
			}
		}
		if u.kind == composite {
			if *want.field(u.algorithm) == "" {
				return nil, errInvalidRequest(fmt.Sprintf("The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.",
					strings.ToLower(u.algorithm), want.PartNumber))
			}
			if want.PartNumber != i+1 {
				return nil, errInvalidPartOrder()
			}
		}
		if i < len(asked)-1 && p.size < minPart {
			return nil, errEntityTooSmall(p)
		}
		chosen = append(chosen, p)
	}
	return chosen, nil
}

// checksum returns the checksum of the object that the parts make, and holds
// it against the one that the request claims.
func (u *upload) checksum(whole *body, parts []*part, claimed wholeClaim) (checksum, error) {
	kind := cmp.Or(u.kind, fullObject)
	if claimed.kind != "" && claimed.kind != kind {
		return checksum{}, errInvalidRequest("The upload was created using the " + kind + " checksum mode. The complete request must use the same checksum mode.")
	}
	algorithm := cmp.Or(u.algorithm, claimed.linear(), defaultChecksum)
	var sum checksum
	if kind == composite {
		sum = compose(algorithm, parts)
	} else {
		sums := newHash(algorithm)
		if err := whole.copyRange(sums, 0, whole.size()); err != nil {
			return checksum{}, err
		}
		sum = checksum{algorithm, encodeSum(sums), fullObject}
	}
	if claimed.value != "" && (claimed.algorithm != algorithm || !claimed.covers(sum)) {
		return checksum{}, errBadDigest(strings.ToLower(claimed.algorithm))
	}
	return sum, nil
}
