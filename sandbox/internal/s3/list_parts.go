package s3

import "encoding/xml"

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
		result.Parts = append(result.Parts, entry{p.number, stamp(p.modified), text(quoted(p.etag)), p.size, u.shown(p).ofPart()})
		result.NextPartNumberMarker = p.number
	}
	return c.writeXML(result)
}
