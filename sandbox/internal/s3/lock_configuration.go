package s3

import (
	"encoding/xml"
	"net/http"
)

// lockXML is a bucket's object lock: whether it is enabled, and what is
// retained by default.
type lockXML struct {
	XMLName xml.Name
	Enabled string        `xml:"ObjectLockEnabled"`
	Default *retentionXML `xml:"Rule>DefaultRetention"`
}

type retentionXML struct {
	Mode  string
	Days  *int
	Years *int
}

func getObjectLockConfiguration(c *call) error {
	if err := c.allowBucket("s3:GetBucketObjectLockConfiguration", nil); err != nil {
		return err
	}
	if !c.cfg.ObjectLock {
		return &Error{Status: http.StatusNotFound, Code: "ObjectLockConfigurationNotFoundError", Message: "Object Lock configuration does not exist for this bucket"}
	}
	out := lockXML{XMLName: xml.Name{Space: namespace, Local: "ObjectLockConfiguration"}, Enabled: "Enabled"}
	if r := c.cfg.Retention; r.Mode != "" {
		out.Default = &retentionXML{Mode: r.Mode, Days: &r.Days}
		if r.Years != 0 {
			out.Default.Days, out.Default.Years = nil, &r.Years
		}
	}
	return c.writeXML(out)
}

// putObjectLockConfiguration enables object lock, if the bucket has versions,
// and sets or removes what is retained by default.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html
func putObjectLockConfiguration(c *call) error {
	if err := c.allowBucket("s3:PutBucketObjectLockConfiguration", nil); err != nil {
		return err
	}
	var asked lockXML
	if err := c.readXML(maxConfiguration, &asked); err != nil {
		return err
	}
	if asked.XMLName.Local != "ObjectLockConfiguration" || asked.Enabled != "Enabled" {
		return errMalformedXML()
	}
	byDefault, err := asked.Default.retention()
	if err != nil {
		return err
	}
	c.bucket.mu.Lock()
	defer c.bucket.mu.Unlock()
	if c.bucket.cfg.Versioning != versioningEnabled {
		return errInvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
	}
	c.bucket.cfg.ObjectLock, c.bucket.cfg.Retention = true, byDefault
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// retention returns the retention as it was asked for; zero for none.
func (r *retentionXML) retention() (Retention, error) {
	if r == nil {
		return Retention{}, nil
	}
	if r.Mode != governance && r.Mode != compliance || (r.Days == nil) == (r.Years == nil) {
		return Retention{}, errMalformedXML()
	}
	out := Retention{Mode: r.Mode}
	count, most, into := r.Days, 36500, &out.Days
	if r.Years != nil {
		count, most, into = r.Years, 100, &out.Years
	}
	switch *into = *count; {
	case *count < 1:
		return Retention{}, errInvalidArgument("Default retention period must be a positive integer value", "", "")
	case *count > most:
		return Retention{}, errInvalidArgument("Default retention period too large", "", "")
	}
	return out, nil
}
