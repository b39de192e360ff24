package s3

import (
	"encoding/xml"
	"slices"
)

// versionXML is a version or a delete marker in a listing; a delete marker has
// no ETag, checksum, size and class.
type versionXML struct {
	XMLName      xml.Name
	Key          text
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified stamp
	ETag         text   `xml:",omitempty"`
	Algorithm    string `xml:"ChecksumAlgorithm,omitempty"`
	ChecksumType string `xml:",omitempty"`
	Size         *int64 `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
	Owner        ownerXML
}

func (o *object) listed(encode func(string) text) versionXML {
	v := versionXML{
		XMLName: xml.Name{Local: "Version"}, Key: encode(o.key), VersionID: o.version,
		LastModified: stamp(o.modified), Owner: ownerXML{o.owner},
	}
	if o.deleted {
		v.XMLName.Local = "DeleteMarker"
		return v
	}
	v.ETag, v.Size, v.StorageClass = text(quoted(o.etag)), &o.size, o.class
	v.Algorithm, v.ChecksumType = o.checksum.algorithm, o.checksum.kind
	return v
}

func listObjectVersions(c *call) error {
	l, err := c.readListing("s3:ListBucketVersions", "max-keys")
	if err != nil {
		return err
	}
	encode, err := c.encoder()
	if err != nil {
		return err
	}
	l.after = c.query.Get("key-marker")
	marker := c.query.Get("version-id-marker")
	if marker != "" && (l.after == "" || !validVersion(marker)) {
		return errInvalidArgument("Invalid version id specified", "version-id-marker", marker)
	}
	result := versionsXML{
		Name: c.cfg.Name, Prefix: encode(l.prefix), KeyMarker: encode(l.after), VersionIDMarker: marker,
		MaxKeys: l.limit, Delimiter: encode(l.delimiter), EncodingType: c.query.Get("encoding-type"),
	}
	c.bucket.listVersions(l, encode, &result)
	return c.writeXML(result)
}

type versionsXML struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix, KeyMarker   text
	VersionIDMarker     string `xml:"VersionIdMarker"`
	NextKeyMarker       text   `xml:",omitempty"`
	NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int
	Delimiter           text   `xml:",omitempty"`
	EncodingType        string `xml:",omitempty"`
	IsTruncated         bool
	Versions            []versionXML
	CommonPrefixes      []commonPrefix
}

// listVersions fills a page with the versions of the keys, the newest of a key
// first. It begins after the version that the page's marker names, of the key
// that the listing is after.
func (b *bucket) listVersions(l listing, encode func(string) text, page *versionsXML) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	// Each key has a version at least, so that a page of names is enough.
	p := l.list(b.keys, func(string) bool { return true })
	names := p.names
	skip := page.VersionIDMarker
	if skip != "" {
		names = slices.Concat([]name{{text: l.after}}, names)
	}
	last := name{}
	lastVersion := ""
	for _, n := range names {
		versions := b.objects[n.text]
		if n.group {
			versions = []*object{nil}
		}
		for i, o := range slices.Backward(versions) {
			if skip != "" {
				if o.version == skip {
					skip = ""
				}
				continue
			}
			if len(page.Versions)+len(page.CommonPrefixes) == l.limit {
				page.IsTruncated = true
				page.NextKeyMarker, page.NextVersionIDMarker = encode(last.text), lastVersion
				return
			}
			last, lastVersion = n, ""
			if n.group {
				page.CommonPrefixes = append(page.CommonPrefixes, commonPrefix{encode(n.text)})
				continue
			}
			lastVersion = o.version
			entry := o.listed(encode)
			entry.IsLatest = i == len(versions)-1
			page.Versions = append(page.Versions, entry)
		}
		skip = "" // it has been deleted
	}
	if p.truncated {
		page.IsTruncated = true
		page.NextKeyMarker, page.NextVersionIDMarker = encode(last.text), lastVersion
	}
}
