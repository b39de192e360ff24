package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxKeys = 1000 // of one page

// limit reads max-keys and its siblings.
func (c *call) limit(name string) (int, error) {
	n, err := number(name, c.query.Get(name), maxKeys)
	return min(n, maxKeys), err
}

// number reads a parameter that counts.
func number(name, given string, otherwise int) (int, error) {
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(given, 10, 32)
	if err != nil {
		return 0, errInvalidArgument("Provided "+name+" not an integer or within integer range", name, given)
	}
	if n < 0 {
		return 0, errInvalidArgument("Argument "+name+" must be an integer between 0 and 2147483647", name, given)
	}
	return int(n), nil
}

// encoder returns the function that writes names: as they are, or url-encoded.
func (c *call) encoder() (func(string) text, error) {
	switch given := c.query.Get("encoding-type"); given {
	case "":
		return func(s string) text { return text(s) }, nil
	case "url":
		return func(s string) text { return text(urlEncoded(s)) }, nil
	default:
		return nil, errInvalidArgument("Invalid Encoding Method specified in Request", "encoding-type", given)
	}
}

// urlEncoded encodes a name as encoding-type=url does: as a form's value, with
// slashes kept.
func urlEncoded(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/")
}

// readListing reads the parameters of all listings, and asks for the
// permission.
func (c *call) readListing(action, limit string) (listing, error) {
	for name := range c.query {
		if !utf8.ValidString(c.query.Get(name)) {
			return listing{}, errInvalidURI()
		}
	}
	l := listing{prefix: c.query.Get("prefix"), delimiter: c.query.Get("delimiter")}
	cs := conditions{}
	for _, name := range []string{"prefix", "delimiter", limit} {
		// Of these keys, s3:ListBucketMultipartUploads has none.
		// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
		if c.query.Has(name) && action != "s3:ListBucketMultipartUploads" {
			cs["s3:"+name] = []string{c.query.Get(name)}
		}
	}
	if err := c.allowBucket(action, cs); err != nil {
		return l, err
	}
	var err error
	l.limit, err = c.limit(limit)
	return l, err
}

// contents is an object in a listing.
type contents struct {
	Key               text
	LastModified      stamp
	ETag              text
	ChecksumAlgorithm string
	ChecksumType      string
	Size              int64
	Owner             *ownerXML `xml:",omitempty"`
	StorageClass      string
}

type ownerXML struct{ ID string }

type commonPrefix struct{ Prefix text }

// list returns a page of the bucket's current objects.
func (c *call) list(l listing, encode func(string) text) (page, []contents, []commonPrefix) {
	c.bucket.mu.RLock()
	defer c.bucket.mu.RUnlock()
	p := l.list(c.bucket.keys, func(key string) bool { return c.bucket.current(key) != nil })
	var entries []contents
	var prefixes []commonPrefix
	for _, n := range p.names {
		if n.group {
			prefixes = append(prefixes, commonPrefix{encode(n.text)})
			continue
		}
		o := c.bucket.current(n.text)
		entry := contents{
			Key: encode(o.key), LastModified: stamp(o.modified), ETag: text(quoted(o.etag)),
			ChecksumAlgorithm: o.checksum.algorithm, ChecksumType: o.checksum.kind, Size: o.size,
			Owner: &ownerXML{o.owner}, StorageClass: o.class,
		}
		entries = append(entries, entry)
	}
	return p, entries, prefixes
}

func listObjectsV2(c *call) error {
	l, err := c.readListing("s3:ListBucket", "max-keys")
	if err != nil {
		return err
	}
	encode, err := c.encoder()
	if err != nil {
		return err
	}
	token := c.query.Get("continuation-token")
	l.after = c.query.Get("start-after")
	if c.query.Has("continuation-token") {
		if l.after, err = readToken(token); err != nil {
			return err
		}
	}
	p, entries, prefixes := c.list(l, encode)
	if c.query.Get("fetch-owner") != "true" {
		for i := range entries {
			entries[i].Owner = nil
		}
	}
	next := ""
	if p.truncated {
		next = writeToken(p.next())
	}
	return c.writeXML(struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name                  string
		Prefix                text
		StartAfter            text   `xml:",omitempty"`
		ContinuationToken     text   `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		KeyCount, MaxKeys     int
		Delimiter             text   `xml:",omitempty"`
		EncodingType          string `xml:",omitempty"`
		IsTruncated           bool
		Contents              []contents
		CommonPrefixes        []commonPrefix
	}{
		Name: c.cfg.Name, Prefix: encode(l.prefix), StartAfter: encode(c.query.Get("start-after")), ContinuationToken: text(token),
		NextContinuationToken: next, KeyCount: len(entries) + len(prefixes), MaxKeys: l.limit, Delimiter: encode(l.delimiter),
		EncodingType: c.query.Get("encoding-type"), IsTruncated: p.truncated, Contents: entries, CommonPrefixes: prefixes,
	})
}

// A continuation token is the last name of a page, encoded to look as opaque
// as S3's.
func writeToken(name string) string { return base64.URLEncoding.EncodeToString([]byte("1/" + name)) }

func readToken(token string) (string, error) {
	data, err := base64.URLEncoding.DecodeString(token)
	name, ok := strings.CutPrefix(string(data), "1/")
	if err != nil || !ok {
		return "", errInvalidArgument("The continuation token provided is incorrect", "continuation-token", token)
	}
	return name, nil
}

func listObjects(c *call) error {
	l, err := c.readListing("s3:ListBucket", "max-keys")
	if err != nil {
		return err
	}
	encode, err := c.encoder()
	if err != nil {
		return err
	}
	l.after = c.query.Get("marker")
	p, entries, prefixes := c.list(l, encode)
	next := ""
	if p.truncated && l.delimiter != "" { // without one, the last key is the marker
		next = p.next()
	}
	return c.writeXML(struct {
		XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name           string
		Prefix, Marker text
		NextMarker     text `xml:",omitempty"`
		MaxKeys        int
		Delimiter      text   `xml:",omitempty"`
		EncodingType   string `xml:",omitempty"`
		IsTruncated    bool
		Contents       []contents
		CommonPrefixes []commonPrefix
	}{
		Name: c.cfg.Name, Prefix: encode(l.prefix), Marker: encode(l.after), NextMarker: encode(next), MaxKeys: l.limit,
		Delimiter: encode(l.delimiter), EncodingType: c.query.Get("encoding-type"), IsTruncated: p.truncated,
		Contents: entries, CommonPrefixes: prefixes,
	})
}

func listMultipartUploads(c *call) error {
	l, err := c.readListing("s3:ListBucketMultipartUploads", "max-uploads")
	if err != nil {
		return err
	}
	encode, err := c.encoder()
	if err != nil {
		return err
	}
	keyMarker, idMarker := c.query.Get("key-marker"), c.query.Get("upload-id-marker")
	type entry struct {
		Key               text
		UploadID          string `xml:"UploadId"`
		Initiator         string `xml:"Initiator>ID"`
		Owner             string `xml:"Owner>ID"`
		StorageClass      string
		Initiated         stamp
		ChecksumAlgorithm string `xml:",omitempty"`
		ChecksumType      string `xml:",omitempty"`
	}
	var result struct {
		XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket             string
		KeyMarker          text
		UploadIDMarker     string `xml:"UploadIdMarker"`
		NextKeyMarker      text   `xml:",omitempty"`
		NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
		Prefix             text
		Delimiter          text   `xml:",omitempty"`
		EncodingType       string `xml:",omitempty"`
		MaxUploads         int
		IsTruncated        bool
		Upload             []entry
		CommonPrefixes     []commonPrefix
	}
	result.Bucket, result.KeyMarker, result.UploadIDMarker = c.cfg.Name, encode(keyMarker), idMarker
	result.Prefix, result.Delimiter, result.EncodingType = encode(l.prefix), encode(l.delimiter), c.query.Get("encoding-type")
	result.MaxUploads = l.limit
	group := "" // the last one
	for _, u := range c.bucket.openUploads() {
		if !strings.HasPrefix(u.key, l.prefix) || u.key < keyMarker || u.key == keyMarker && (idMarker == "" || u.id <= idMarker) {
			continue
		}
		n := l.roll(u.key)
		if n.group && (n.text == keyMarker || n.text == group) {
			continue
		}
		if len(result.Upload)+len(result.CommonPrefixes) == l.limit {
			result.IsTruncated = l.limit > 0
			break
		}
		result.NextKeyMarker, result.NextUploadIDMarker = encode(n.text), ""
		if n.group {
			group = n.text
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{encode(group)})
			continue
		}
		result.NextUploadIDMarker = u.id
		result.Upload = append(result.Upload, entry{
			encode(u.key), u.id, u.initiator, u.settings.owner, u.settings.class, stamp(u.initiated), u.algorithm, u.kind,
		})
	}
	if !result.IsTruncated {
		result.NextKeyMarker, result.NextUploadIDMarker = "", ""
	}
	return c.writeXML(result)
}

// openUploads returns the open uploads, by key and id.
func (b *bucket) openUploads() []*upload {
	b.mu.RLock()
	defer b.mu.RUnlock()
	uploads := make([]*upload, 0, len(b.uploads))
	for _, u := range b.uploads {
		uploads = append(uploads, u)
	}
	slices.SortFunc(uploads, func(x, y *upload) int { return strings.Compare(x.key+"\x00"+x.id, y.key+"\x00"+y.id) })
	return uploads
}
