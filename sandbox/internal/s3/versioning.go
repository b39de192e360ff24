package s3

import (
	"encoding/xml"
	"net/http"
)

// The states of a bucket's versioning, but for the one before it was ever
// enabled. Under suspension versions that are there stay, and what is written
// or deleted is the version "null".
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersioningWorkflows.html
const (
	versioningEnabled   = "Enabled"
	versioningSuspended = "Suspended"
)

func getBucketVersioning(c *call) error {
	if err := c.allowBucket("s3:GetBucketVersioning", nil); err != nil {
		return err
	}
	return c.writeXML(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
		Status  string   `xml:",omitempty"`
	}{Status: c.cfg.Versioning})
}

func putBucketVersioning(c *call) error {
	if err := c.allowBucket("s3:PutBucketVersioning", nil); err != nil {
		return err
	}
	var asked struct {
		XMLName   xml.Name `xml:"VersioningConfiguration"`
		Status    string
		MFADelete string `xml:"MfaDelete"`
	}
	if err := c.readXML(maxConfiguration, &asked); err != nil {
		return err
	}
	switch {
	case asked.MFADelete == "Enabled":
		return errNotImplemented("PutBucketVersioning with MFA delete")
	case asked.Status == "":
		return &Error{
			Status: http.StatusBadRequest, Code: "IllegalVersioningConfigurationException",
			Message: "The versioning configuration specified in the request is invalid.",
		}
	case asked.Status != versioningEnabled && asked.Status != versioningSuspended:
		return errMalformedXML()
	}
	if err := c.bucket.setVersioning(asked.Status); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (b *bucket) setVersioning(status string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cfg.ObjectLock && status != versioningEnabled {
		return errInvalidBucketState("An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
	}
	b.cfg.Versioning = status
	return nil
}

// writeNewVersion sets the header with the version that a write made: none
// under suspension.
func (c *call) writeNewVersion(o *object) {
	if o.version != "null" {
		c.w.Header().Set("X-Amz-Version-Id", o.version)
	}
}
