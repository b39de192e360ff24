package check

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
)

// mended corrects what people get wrong when they copy names from the console
// and from other tools. It may still be wrong afterwards.
func mended(c rolecall.Connection) rolecall.Connection {
	c.RoleARN = mendedRole(c)
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
	for _, fault := range rolecall.List(c.Validate()) {
		leaveOut(&c, fault.Pointer)
	}
	return c
}

// leaveOut takes away what is still wrong where the connection does without
// it.
func leaveOut(c *rolecall.Connection, pointer string) {
	switch pointer {
	case "/region":
		c.Region = ""
	case "/bucket_owner":
		c.BucketOwner = ""
	case "/probe_key":
		c.ProbeKey = ""
	case "/encryption/key": // an alias: the bucket's default may be the same
		c.Encryption = &rolecall.Encryption{Type: c.Encryption.Type}
	case "/role_session_duration_seconds":
		c.RoleSessionDurationSeconds = 0
	}
}

// sessionARN is what a session of a role is called, and instanceProfile what
// goes by the role's name.
var (
	sessionARN      = regexp.MustCompile(`^arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+$`)
	instanceProfile = regexp.MustCompile(`^(arn:aws[a-z-]*:iam::[0-9]{12}):instance-profile/`)
	groupedAccount  = regexp.MustCompile(`:([0-9]{4})-([0-9]{4})-([0-9]{4}):`)
)

func mendedRole(c rolecall.Connection) string {
	arn := strings.TrimSuffix(trimmed(c.RoleARN), "/")
	arn = groupedAccount.ReplaceAllString(arn, ":$1$2$3:")
	arn = sessionARN.ReplaceAllString(arn, "arn:$1:iam::$2:role/$3")
	arn = instanceProfile.ReplaceAllString(arn, "$1:role/")
	if account := namedAccount(c); account != "" && roleName.MatchString(arn) {
		partition := "aws"
		if c.Region != "" {
			partition = rolecall.PartitionOf(c.Region)
		}
		return rolecall.ARN{Partition: partition, Service: "iam", Account: account, Resource: "role/" + arn}.String()
	}
	return arn
}

// roleName is the name of a role alone.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
var roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// namedAccount is a customer's account that the connection names beside the
// role's.
func namedAccount(c rolecall.Connection) string {
	if c.BucketOwner != "" {
		return c.BucketOwner
	}
	if c.Encryption != nil {
		key, _ := rolecall.ParseARN(c.Encryption.Key)
		return key.Account
	}
	return ""
}

// trimmed takes away what copying leaves around a name.
func trimmed(s string) string { return strings.Trim(s, " \t\r\n\"'`,;") }
