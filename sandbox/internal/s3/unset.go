package s3

import (
	"encoding/xml"
	"net/http"
)

// unset is an operation about something that the sandbox's buckets never have,
// and that S3 answers all the same: with an error, or with a document that says
// so.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
type unset struct {
	action        string
	code, message string // of a 404; empty for none
	root, inside  string // of the document: its element, and what is in it
}

var unsetOperations = map[string]unset{
	"GetBucketAbac":                              {action: "s3:GetBucketAbac", root: "AbacStatus", inside: "<Status>Disabled</Status>"},
	"GetBucketAccelerateConfiguration":           {action: "s3:GetAccelerateConfiguration", root: "AccelerateConfiguration"},
	"GetBucketLogging":                           {action: "s3:GetBucketLogging", root: "BucketLoggingStatus"},
	"GetBucketNotificationConfiguration":         {action: "s3:GetBucketNotification", root: "NotificationConfiguration"},
	"ListBucketAnalyticsConfigurations":          {action: "s3:GetAnalyticsConfiguration", root: "ListBucketAnalyticsConfigurationResult", inside: noMore},
	"ListBucketIntelligentTieringConfigurations": {action: "s3:GetIntelligentTieringConfiguration", root: "ListBucketIntelligentTieringConfigurationsOutput", inside: noMore},
	"ListBucketInventoryConfigurations":          {action: "s3:GetInventoryConfiguration", root: "ListInventoryConfigurationsResult", inside: noMore},
	"ListBucketMetricsConfigurations":            {action: "s3:GetMetricsConfiguration", root: "ListMetricsConfigurationsResult", inside: noMore},
	"GetBucketAnalyticsConfiguration":            {action: "s3:GetAnalyticsConfiguration", code: "NoSuchConfiguration", message: noConfiguration},
	"GetBucketIntelligentTieringConfiguration":   {action: "s3:GetIntelligentTieringConfiguration", code: "NoSuchConfiguration", message: noConfiguration},
	"GetBucketInventoryConfiguration":            {action: "s3:GetInventoryConfiguration", code: "NoSuchConfiguration", message: noConfiguration},
	"GetBucketMetricsConfiguration":              {action: "s3:GetMetricsConfiguration", code: "NoSuchConfiguration", message: noConfiguration},
	"GetBucketCors":                              {action: "s3:GetBucketCORS", code: "NoSuchCORSConfiguration", message: "The CORS configuration does not exist"},
	"GetBucketLifecycleConfiguration":            {action: "s3:GetLifecycleConfiguration", code: "NoSuchLifecycleConfiguration", message: "The lifecycle configuration does not exist"},
	"GetBucketReplication":                       {action: "s3:GetReplicationConfiguration", code: "ReplicationConfigurationNotFoundError", message: "The replication configuration was not found"},
	"GetBucketTagging":                           {action: "s3:GetBucketTagging", code: "NoSuchTagSet", message: "The TagSet does not exist"},
	"GetBucketWebsite":                           {action: "s3:GetBucketWebsite", code: "NoSuchWebsiteConfiguration", message: "The specified bucket does not have a website configuration"},
	"GetPublicAccessBlock":                       {action: "s3:GetBucketPublicAccessBlock", code: "NoSuchPublicAccessBlockConfiguration", message: "The public access block configuration was not found"},
}

const (
	noConfiguration = "The specified configuration does not exist."
	noMore          = "<IsTruncated>false</IsTruncated>"
)

// answerUnset answers such an operation.
func (c *call) answerUnset(u unset) error {
	if err := c.allowBucket(u.action, nil); err != nil {
		return err
	}
	if u.code != "" {
		return (&Error{Status: http.StatusNotFound, Code: u.code, Message: u.message}).with("BucketName", c.cfg.Name)
	}
	return c.writeXML(struct {
		XMLName xml.Name
		Inside  string `xml:",innerxml"`
	}{xml.Name{Space: namespace, Local: u.root}, u.inside})
}
