package check

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
)

// mended corrects what people get wrong when they copy names from the console
// and from other tools. It may still be wrong afterwards.
func mended(c rolecall.Connection) rolecall.Connection {
	c.RoleARN = mendedRole(c.RoleARN)
	c.Region = strings.ToLower(trimmed(c.Region))
	c.BucketOwner = strings.ReplaceAll(trimmed(c.BucketOwner), "-", "")
	c.Bucket = trimmed(c.Bucket)
	for _, before := range []string{"s3://", "arn:aws:s3:::", "arn:aws-cn:s3:::", "arn:aws-us-gov:s3:::", "arn:aws-eusc:s3:::"} {
		if bucket, found := strings.CutPrefix(c.Bucket, before); found {
			bucket, rest, _ := strings.Cut(bucket, "/")
			c.Bucket = bucket
			if c.Prefix == "" {
				c.Prefix = strings.TrimSuffix(rest, "*")
			}
		}
	}
	if prefix := strings.Trim(strings.TrimSuffix(c.Prefix, "*"), "/"); c.Prefix != "" {
		c.Prefix = prefix + "/"
	}
	return c
}

// sessionARN is what a session of a role is called, and instanceProfile what
// goes by the role's name.
var (
	sessionARN      = regexp.MustCompile(`^arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+$`)
	instanceProfile = regexp.MustCompile(`^(arn:aws[a-z-]*:iam::[0-9]{12}):instance-profile/`)
	groupedAccount  = regexp.MustCompile(`:([0-9]{4})-([0-9]{4})-([0-9]{4}):`)
)

func mendedRole(arn string) string {
	arn = strings.TrimSuffix(trimmed(arn), "/")
	arn = groupedAccount.ReplaceAllString(arn, ":$1$2$3:")
	arn = sessionARN.ReplaceAllString(arn, "arn:$1:iam::$2:role/$3")
	return instanceProfile.ReplaceAllString(arn, "$1:role/")
}

// trimmed takes away what copying leaves around a name.
func trimmed(s string) string { return strings.Trim(s, " \t\r\n\"'`,;") }
