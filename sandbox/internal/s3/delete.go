package s3

import (
	"encoding/xml"
	"errors"
	"net/http"
)

func deleteObject(c *call) error {
	version := c.query.Get("versionId")
	if c.query.Has("versionId") && !validVersion(version) {
		return errInvalidArgument("Invalid version id specified", "versionId", version)
	}
	done, err := c.delete(deletion{key: c.key, version: version, etags: c.header("If-Match")})
	if err != nil {
		return err
	}
	header := c.w.Header()
	if done.version != "" {
		header.Set("X-Amz-Version-Id", done.version)
	}
	if done.marker {
		header.Set("X-Amz-Delete-Marker", "true")
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// deletion is what to delete.
type deletion struct {
	key     string
	version string // empty for the key
	etags   string // one of which the current version must have, if not empty
}

// deleted is what a delete did: the version that it removed or made, and
// whether that is a delete marker.
type deleted struct {
	version string
	marker  bool
}

// delete removes a version, or the key: in a bucket with versioning by a
// delete marker. Deleting what does not exist succeeds.
func (c *call) delete(d deletion) (deleted, error) {
	cs := conditions{}
	action := "s3:DeleteObject"
	if d.version != "" {
		action = "s3:DeleteObjectVersion"
		cs.set("s3:versionid", d.version)
	}
	o := c.bucket.find(d.key, d.version)
	defer o.release()
	if o != nil {
		cs.addTags("s3:ExistingObjectTag", o.tags)
	}
	cs.set("s3:if-match", d.etags)
	if err := c.allow(action, objectARN(c.cfg, d.key), c.cfg, cs); err != nil {
		return deleted{}, err
	}
	if d.version != "" && o != nil {
		if err := c.checkLock(o); err != nil {
			return deleted{}, err
		}
	}
	c.bucket.mu.Lock()
	defer c.bucket.mu.Unlock()
	if err := checkMatch(d.etags, d.key, c.bucket.current(d.key)); err != nil {
		return deleted{}, err
	}
	switch {
	case d.version == "" && c.bucket.cfg.Versioning != "":
		marker := &object{key: d.key, deleted: true, modified: c.clock()}
		c.bucket.put(marker)
		return deleted{marker.version, true}, nil
	case d.version == "":
		c.bucket.remove(d.key, "null")
		c.bucket.prune(d.key)
		return deleted{}, nil
	}
	gone := c.bucket.remove(d.key, d.version)
	c.bucket.prune(d.key)
	return deleted{d.version, gone != nil && gone.deleted}, nil
}

// deleteRequest is the document of DeleteObjects.
type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      string
	} `xml:"Object"`
}

const maxDeletes = 1000

func parseDelete(data []byte) (deleteRequest, error) {
	var asked deleteRequest
	if err := parseXML(data, &asked); err != nil {
		return asked, err
	}
	if len(asked.Objects) == 0 || len(asked.Objects) > maxDeletes {
		return asked, errMalformedXML()
	}
	return asked, nil
}

func deleteObjects(c *call) error {
	claimed, err := readClaim(c.r.Header)
	if err != nil {
		return err
	}
	if claimed.md5 == nil && claimed.algorithm == "" {
		return errInvalidRequest("Missing required header for this request: Content-MD5")
	}
	data, err := c.readDocument(4 << 20)
	if err != nil {
		return err
	}
	asked, err := parseDelete(data)
	if err != nil {
		return err
	}
	type success struct {
		Key                   text
		VersionID             string `xml:"VersionId,omitempty"`
		DeleteMarker          bool   `xml:",omitempty"`
		DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
	}
	type failure struct {
		Key           text
		VersionID     string `xml:"VersionId,omitempty"`
		Code, Message string
	}
	var result struct {
		XMLName xml.Name  `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Deleted []success `xml:"Deleted"`
		Errors  []failure `xml:"Error"`
	}
	for _, entry := range asked.Objects {
		done, err := c.deleteEntry(deletion{entry.Key, entry.VersionID, entry.ETag})
		var refused *Error
		switch {
		case errors.As(err, &refused):
			result.Errors = append(result.Errors, failure{text(entry.Key), entry.VersionID, refused.Code, refused.Message})
		case err != nil:
			return err
		case !asked.Quiet:
			d := success{Key: text(entry.Key), VersionID: entry.VersionID, DeleteMarker: done.marker}
			if done.marker {
				d.DeleteMarkerVersionID = done.version
			}
			result.Deleted = append(result.Deleted, d)
		}
	}
	return c.writeXML(result)
}

func (c *call) deleteEntry(d deletion) (deleted, error) {
	if err := checkKey(d.key); err != nil {
		return deleted{}, err
	}
	if d.version != "" && !validVersion(d.version) {
		return deleted{}, errNoSuchVersion(d.key, d.version)
	}
	return c.delete(d)
}
