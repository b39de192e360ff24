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
	done, err := c.delete(c.key, version)
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

// deletion is what a delete did: the version that it removed or made, and
// whether that is a delete marker.
type deletion struct {
	version string
	marker  bool
}

// delete removes a version, or the key: in a bucket with versioning by a
// delete marker. What is not there is deleted already.
func (c *call) delete(key, version string) (deletion, error) {
	cs := conditions{}
	action := "s3:DeleteObject"
	if version != "" {
		action = "s3:DeleteObjectVersion"
		cs.set("s3:versionid", version)
	}
	o := c.bucket.find(key, version)
	defer o.release()
	if o != nil {
		cs.addTags("s3:ExistingObjectTag", o.tags)
	}
	if err := c.allow(action, objectARN(c.cfg, key), c.cfg, cs); err != nil {
		return deletion{}, err
	}
	if version != "" && o != nil {
		if err := c.checkLock(o); err != nil {
			return deletion{}, err
		}
	}
	c.bucket.mu.Lock()
	defer c.bucket.mu.Unlock()
	switch {
	case version == "" && c.cfg.Versioning:
		marker := &object{key: key, deleted: true, modified: c.clock()}
		c.bucket.put(marker)
		return deletion{marker.version, true}, nil
	case version == "":
		c.bucket.remove(key, "null")
		c.bucket.prune(key)
		return deletion{}, nil
	}
	gone := c.bucket.remove(key, version)
	c.bucket.prune(key)
	return deletion{version, gone != nil && gone.deleted}, nil
}

// deleteRequest is the document of DeleteObjects.
type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
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
	type deleted struct {
		Key                   text
		VersionID             string `xml:"VersionId,omitempty"`
		DeleteMarker          bool   `xml:",omitempty"`
		DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
	}
	type failed struct {
		Key           text
		VersionID     string `xml:"VersionId,omitempty"`
		Code, Message string
	}
	var result struct {
		XMLName xml.Name  `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Deleted []deleted `xml:"Deleted"`
		Errors  []failed  `xml:"Error"`
	}
	for _, entry := range asked.Objects {
		done, err := c.deleteEntry(entry.Key, entry.VersionID)
		var refused *Error
		switch {
		case errors.As(err, &refused):
			result.Errors = append(result.Errors, failed{text(entry.Key), entry.VersionID, refused.Code, refused.Message})
		case err != nil:
			return err
		case !asked.Quiet:
			d := deleted{Key: text(entry.Key), VersionID: entry.VersionID, DeleteMarker: done.marker}
			if done.marker {
				d.DeleteMarkerVersionID = done.version
			}
			result.Deleted = append(result.Deleted, d)
		}
	}
	return c.writeXML(result)
}

func (c *call) deleteEntry(key, version string) (deletion, error) {
	if err := checkKey(key); err != nil {
		return deletion{}, err
	}
	if version != "" && !validVersion(version) {
		return deletion{}, errNoSuchVersion(key, version)
	}
	return c.delete(key, version)
}
