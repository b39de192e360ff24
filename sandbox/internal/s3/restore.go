package s3

import (
	"encoding/xml"
	"net/http"
	"time"
)

// vaulted reports whether the object is in a class that is restored to be read.
func (o *object) vaulted() bool { return o.class == "GLACIER" || o.class == "DEEP_ARCHIVE" }

// archived reports whether the object's bytes must be restored to be read now.
func (o *object) archived(now time.Time) bool { return o.vaulted() && !now.Before(o.restored) }

// writeRestored sets the header about the copy of an archived object.
func (o *object) writeRestored(h http.Header) {
	if o.vaulted() && !o.restored.IsZero() {
		h.Set("X-Amz-Restore", `ongoing-request="false", expiry-date="`+o.restored.UTC().Format(http.TimeFormat)+`"`)
	}
}

// restoreObject makes an archived object readable for some days. On AWS that
// takes minutes to hours, here none.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
func restoreObject(c *call) error {
	var asked struct {
		XMLName xml.Name `xml:"RestoreRequest"`
		Days    int
		Type    string // of requests that also read the object
	}
	if err := c.readXML(maxConfiguration, &asked); err != nil {
		return err
	}
	if asked.Type != "" {
		return errNotImplemented("RestoreObject with a type")
	}
	if asked.Days < 1 {
		return errMalformedXML()
	}
	o, err := c.lookup(c.bucket, c.cfg, c.key, c.query, func(*object, string) error { return c.allowObject("s3:RestoreObject", nil) })
	if err != nil {
		return err
	}
	defer o.release()
	if !o.vaulted() {
		return (&Error{Status: http.StatusForbidden, Code: "InvalidObjectState", Message: "Restore is not allowed for the object's current storage class"}).
			with("StorageClass", o.class)
	}
	status := http.StatusOK // only the copy's end is moved
	if o.archived(c.clock()) {
		status = http.StatusAccepted
	}
	// The copy is removed at the midnight after its last day.
	until := c.clock().UTC().AddDate(0, 0, asked.Days+1).Truncate(24 * time.Hour)
	c.bucket.replace(o, func(o *object) { o.restored = until })
	c.writeVersion(o)
	c.w.WriteHeader(status)
	return nil
}
