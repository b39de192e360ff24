package s3

import (
	"encoding/xml"
	"net/http"
	"strings"
)

type attributesXML struct {
	XMLName      xml.Name     `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
	ETag         string       `xml:",omitempty"` // without quotes, as nowhere else
	Checksum     *checksumXML `xml:",omitempty"`
	ObjectParts  *partsXML    `xml:",omitempty"`
	StorageClass string       `xml:",omitempty"`
	ObjectSize   *int64       `xml:",omitempty"`
}

// partsXML lists an object's parts. Those without checksums are only counted.
type partsXML struct {
	IsTruncated          bool
	MaxParts             int
	NextPartNumberMarker int
	PartNumberMarker     int
	PartsCount           int
	Parts                []partXML `xml:"Part"`
}

type partXML struct {
	PartNumber int
	Size       int64
	checksumXML
}

// getObjectAttributes needs two permissions. Like HEAD, it also needs the
// object's KMS key if it returns a checksum.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
func getObjectAttributes(c *call) error {
	after, err := number("x-amz-part-number-marker", c.header("X-Amz-Part-Number-Marker"), 0)
	if err != nil {
		return err
	}
	limit, err := number("x-amz-max-parts", c.header("X-Amz-Max-Parts"), maxKeys)
	if err != nil {
		return err
	}
	o, err := c.lookup(c.bucket, c.cfg, c.key, c.query, func(o *object, version string) error {
		if err := c.allowReading("s3:GetObject", c.cfg, c.key, o, version); err != nil {
			return err
		}
		return c.allowReading("s3:GetObjectAttributes", c.cfg, c.key, o, version)
	})
	if err != nil {
		return err
	}
	defer o.release()
	if err := c.checkCustomerKey("X-Amz-"); err != nil {
		return err
	}
	var out attributesXML
	const asked = "X-Amz-Object-Attributes"
	for name := range strings.SplitSeq(strings.Join(c.r.Header.Values(asked), ","), ",") {
		switch name = strings.TrimSpace(name); name {
		case "ETag":
			out.ETag = o.etag
		case "Checksum":
			if err := c.useKey("kms:Decrypt", o.encryption, c.cfg, o.key); err != nil {
				return err
			}
			sum := o.checksum.xml()
			out.Checksum = &sum
		case "ObjectParts":
			out.ObjectParts = o.listParts(after, min(limit, maxKeys))
		case "StorageClass":
			out.StorageClass = o.class
		case "ObjectSize":
			out.ObjectSize = &o.size
		default:
			return errInvalidArgument("Invalid attribute name specified.", strings.ToLower(asked), name)
		}
	}
	c.writeVersion(o)
	c.w.Header().Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	return c.writeXML(out)
}

// listParts returns nil for an object that was not uploaded in parts.
func (o *object) listParts(after, limit int) *partsXML {
	if len(o.parts) == 0 {
		return nil
	}
	out := &partsXML{MaxParts: limit, PartNumberMarker: after, PartsCount: len(o.parts)}
	for _, p := range o.parts {
		if p.number <= after || p.checksum.value == "" {
			continue
		}
		if len(out.Parts) == limit {
			out.IsTruncated = true
			break
		}
		out.Parts = append(out.Parts, partXML{p.number, p.size, p.checksum.ofPart()})
		out.NextPartNumberMarker = p.number
	}
	return out
}
