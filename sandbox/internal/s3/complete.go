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
		if p.PartNumber < 1 || p.PartNumber > maxParts {
			return nil, errInvalidArgument("PartNumber must be >= 1", "PartNumber", strconv.Itoa(p.PartNumber))
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
	// In this request the checksum headers are of the object, not of the body.
	claimed, err := readClaim(c.r.Header)
	if err != nil {
		return err
	}
	u, err := c.upload("s3:PutObject")
	if err != nil {
		return err
	}
	if err := c.useKey("kms:Decrypt", u.settings.encryption, c.cfg, c.key); err != nil {
		return err
	}
	if err := c.checkWritable(); err != nil {
		return err
	}
	// From here on no part of the upload can be added or removed.
	if !c.bucket.take(u) {
		return errNoSuchUpload(u.id)
	}
	o, err := c.complete(u, asked, claimed)
	if err != nil {
		c.bucket.giveBack(u)
		return err
	}
	sum := o.checksum.xml()
	return c.writeXML(struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location text
		Bucket   string
		Key      text
		ETag     text
		checksumXML
	}{
		Location: text(fmt.Sprintf("https://%s.s3.%s.amazonaws.com/%s", c.cfg.Name, c.cfg.Region, urlEncoded(c.key))),
		Bucket:   c.cfg.Name, Key: text(c.key), ETag: text(quoted(o.etag)), checksumXML: sum,
	})
}

// complete makes an object of the listed parts and forgets the others. An
// error leaves the upload as it was.
func (c *call) complete(u *upload, asked []completePart, claimed claim) (*object, error) {
	chosen, err := u.choose(asked)
	if err != nil {
		return nil, err
	}
	o := &object{key: u.key, etag: composeETag(chosen), settings: u.settings}
	var files []blob
	for _, p := range chosen {
		files = append(files, p.body.files...)
		o.size += p.size
		o.parts = append(o.parts, &part{number: p.number, size: p.size, etag: p.etag, checksum: p.checksum, modified: p.modified})
	}
	if want := c.header("X-Amz-Mp-Object-Size"); want != "" && want != strconv.FormatInt(o.size, 10) {
		return nil, errInvalidRequest("The provided 'x-amz-mp-object-size' header value " + want +
			" does not match what was computed: " + strconv.FormatInt(o.size, 10))
	}
	o.body = newBody(files...)
	if o.checksum, err = u.checksum(o.body, chosen); err != nil {
		return nil, err
	}
	if claimed.value != "" && (claimed.algorithm != o.checksum.algorithm || claimed.value != o.checksum.value) {
		return nil, errBadDigest(strings.ToLower(claimed.algorithm))
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
			if sum != "" && (algorithm != u.algorithm || sum != p.checksum) {
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

// checksum returns the checksum of the object that the parts make.
func (u *upload) checksum(whole *body, parts []*part) (checksum, error) {
	if u.kind == composite {
		return compose(u.algorithm, parts), nil
	}
	algorithm := cmp.Or(u.algorithm, defaultChecksum)
	sums := newHash(algorithm)
	if err := whole.copyRange(sums, 0, whole.size()); err != nil {
		return checksum{}, err
	}
	return checksum{algorithm, encodeSum(sums), fullObject}, nil
}

// listParts answers with the parts of an open upload.
func listParts(c *call) error {
	u, err := c.upload("s3:ListMultipartUploadParts")
	if err != nil {
		return err
	}
	limit, err := c.limit("max-parts")
	if err != nil {
		return err
	}
	after, err := number("part-number-marker", c.query.Get("part-number-marker"), 0)
	if err != nil {
		return err
	}
	type entry struct {
		PartNumber   int
		LastModified stamp
		ETag         text
		Size         int64
		checksumXML
	}
	var result struct {
		XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
		Bucket               string
		Key                  text
		UploadID             string `xml:"UploadId"`
		Initiator            string `xml:"Initiator>ID"`
		Owner                string `xml:"Owner>ID"`
		StorageClass         string
		PartNumberMarker     int
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		ChecksumAlgorithm    string  `xml:",omitempty"`
		ChecksumType         string  `xml:",omitempty"`
		Parts                []entry `xml:"Part"`
	}
	result.Bucket, result.Key, result.UploadID = c.cfg.Name, text(u.key), u.id
	result.Initiator, result.Owner, result.StorageClass = u.initiator, u.settings.owner, u.settings.class
	result.PartNumberMarker, result.MaxParts = after, limit
	result.ChecksumAlgorithm, result.ChecksumType = u.algorithm, u.kind
	c.bucket.mu.RLock()
	parts := u.sorted()
	c.bucket.mu.RUnlock()
	for _, p := range parts {
		if p.number <= after {
			continue
		}
		if len(result.Parts) == limit {
			result.IsTruncated = true
			break
		}
		sum := checksum{u.algorithm, p.checksum, ""}.xml()
		result.Parts = append(result.Parts, entry{p.number, stamp(p.modified), text(quoted(p.etag)), p.size, sum})
		result.NextPartNumberMarker = p.number
	}
	return c.writeXML(result)
}
