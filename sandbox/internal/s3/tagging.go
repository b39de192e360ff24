package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// tag is one tag of an object.
type tag struct{ Key, Value string }

type tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	Tags    []tag    `xml:"TagSet>Tag"`
}

const maxTags = 10

// parseTagging reads x-amz-tagging: tags as a query string, in order.
func parseTagging(header string) ([]tag, error) {
	var tags []tag
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(header, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		key, keyErr := url.QueryUnescape(name)
		val, valErr := url.QueryUnescape(value)
		if keyErr != nil || valErr != nil || seen[key] {
			return nil, errTaggingHeader(header)
		}
		seen[key] = true
		tags = append(tags, tag{key, val})
	}
	return tags, checkTags(tags)
}

func errTaggingHeader(value string) *Error {
	return errInvalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.", "x-amz-tagging", value)
}

func checkTags(tags []tag) error {
	if len(tags) > maxTags {
		return &Error{Status: http.StatusBadRequest, Code: "BadRequest", Message: "Object tags cannot be greater than 10"}
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case seen[t.Key]:
			return errInvalidTag("Cannot provide multiple Tags with the same key")
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128 || !validTag(t.Key):
			return errInvalidTag("The TagKey you have provided is invalid")
		case utf8.RuneCountInString(t.Value) > 256 || !validTag(t.Value):
			return errInvalidTag("The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return errInvalidTag("System tags cannot be added/updated by requester")
		}
		seen[t.Key] = true
	}
	return nil
}

// validTag allows what S3 allows in tags: letters, digits and spaces of any
// script, and + - = . _ : / @.
func validTag(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || r < 0x80 && !strings.ContainsRune(" +-=._:/@", r) &&
			(r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return true
}

// tagged finds the object whose tags a request is about, if the caller has the
// permission. The object must be released.
func (c *call) tagged(action string, extra conditions) (*object, error) {
	o, err := c.lookup(c.bucket, c.cfg, c.key, c.query, func(o *object, version string) error {
		cs := conditions{}
		for name, values := range extra {
			cs[name] = values
		}
		if o != nil {
			cs.addTags("s3:ExistingObjectTag", o.tags)
		}
		if version != "" {
			cs.set("s3:versionid", version)
			action = strings.Replace(action, "ObjectTagging", "ObjectVersionTagging", 1)
		}
		return c.allowObject(action, cs)
	})
	if err != nil {
		return nil, err
	}
	c.writeVersion(o)
	return o, nil
}

func getObjectTagging(c *call) error {
	o, err := c.tagged("s3:GetObjectTagging", nil)
	if err != nil {
		return err
	}
	defer o.release()
	return c.writeXML(struct {
		XMLName xml.Name            `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
		Tags    struct{ Tag []tag } `xml:"TagSet"`
	}{Tags: struct{ Tag []tag }{o.tags}})
}

func putObjectTagging(c *call) error {
	var asked tagging
	if err := c.readXML(64<<10, &asked); err != nil {
		return err
	}
	if err := checkTags(asked.Tags); err != nil {
		return err
	}
	cs := conditions{}
	cs.addTags("s3:RequestObjectTag", asked.Tags)
	for _, t := range asked.Tags {
		cs["s3:RequestObjectTagKeys"] = append(cs["s3:RequestObjectTagKeys"], t.Key)
	}
	o, err := c.tagged("s3:PutObjectTagging", cs)
	if err != nil {
		return err
	}
	defer o.release()
	c.bucket.replace(o, func(o *object) { o.tags = asked.Tags })
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func deleteObjectTagging(c *call) error {
	o, err := c.tagged("s3:DeleteObjectTagging", nil)
	if err != nil {
		return err
	}
	defer o.release()
	c.bucket.replace(o, func(o *object) { o.tags = nil })
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
