package correct

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
)

// Declaration corrects what people get wrong in a connection when they copy
// names from the console and from other tools. It may still be wrong afterwards.
func Declaration(c rolecall.Connection) rolecall.Connection {
	c.RoleARN = correctedRole(c)
	c.Region = strings.ToLower(trimName(c.Region))
	c.BucketOwner = strings.ReplaceAll(trimName(c.BucketOwner), "-", "")
	c.Bucket = trimName(c.Bucket)
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

// leaveOut removes what is still wrong where the connection can do without it.
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

// What people give in the place of a role's ARN: the ARN of a session, or of
// the instance profile of the same name; and an account as the console writes it.
var (
	sessionARN      = regexp.MustCompile(`^arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+$`)
	instanceProfile = regexp.MustCompile(`^(arn:aws[a-z-]*:iam::[0-9]{12}):instance-profile/`)
	groupedAccount  = regexp.MustCompile(`:([0-9]{4})-([0-9]{4})-([0-9]{4}):`)
)

func correctedRole(c rolecall.Connection) string {
	arn := strings.TrimSuffix(trimName(c.RoleARN), "/")
	arn = groupedAccount.ReplaceAllString(arn, ":$1$2$3:")
	arn = sessionARN.ReplaceAllString(arn, "arn:$1:iam::$2:role/$3")
	arn = instanceProfile.ReplaceAllString(arn, "$1:role/")
	if account := NamedAccount(c); account != "" && roleName.MatchString(arn) {
		partition := "aws"
		if c.Region != "" {
			partition = rolecall.PartitionOf(c.Region)
		}
		return rolecall.ARN{Partition: partition, Service: "iam", Account: account, Resource: "role/" + arn}.String()
	}
	return arn
}

// roleName is the form of a role's name alone.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
var roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// NamedAccount is a customer's account that the connection names beside the
// role's, empty if it names none.
func NamedAccount(c rolecall.Connection) string {
	if c.BucketOwner != "" {
		return c.BucketOwner
	}
	if c.Encryption != nil {
		key, _ := rolecall.ParseARN(c.Encryption.Key)
		return key.Account
	}
	return ""
}

// trimName removes what copying leaves around a name.
func trimName(s string) string { return strings.Trim(s, " \t\r\n\"'`,;") }
