package s3

import (
	"encoding/xml"
	"net/http"
)

func headBucket(c *call) error {
	// The region is in the answer even for those who may not see the bucket.
	c.w.Header().Set("X-Amz-Bucket-Region", c.cfg.Region)
	if err := c.allowBucket("s3:ListBucket", nil); err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func getBucketLocation(c *call) error {
	if err := c.allowBucket("s3:GetBucketLocation", nil); err != nil {
		return err
	}
	region := c.cfg.Region
	if region == "us-east-1" {
		region = "" // the first region has no constraint
	}
	return c.writeXML(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region})
}
