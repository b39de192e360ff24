package lint

import (
	"encoding/base64"
	"regexp"
	"strings"
)

// form is what the values of some keys look like.
type form struct {
	keys  []string
	right *regexp.Regexp
	fault string
	hint  string
}

// forms are those of AWS's own names. A value with a wildcard is not judged.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
var forms = []form{
	{[]string{"aws:sourcevpc", "aws:ec2instancesourcevpc"}, regexp.MustCompile(`^vpc-(?:[0-9a-z]{8}|[0-9a-z]{17})$`), "is no VPC", "vpc-11223344556677889"},
	{[]string{"aws:sourcevpce"}, regexp.MustCompile(`^vpce-(?:[0-9a-z]{8}|[0-9a-z]{17})$`), "is no VPC endpoint", "vpce-11223344556677889"},
	{
		[]string{"s3:x-amz-server-side-encryption-aws-kms-key-id"},
		regexp.MustCompile(`^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$`),
		"is not the ARN of a KMS key, which S3 compares with", "arn:aws:kms:eu-central-1:111122223333:key/ID",
	},
	{
		[]string{"kms:viaservice"},
		regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9-]+\.` + domain + `$`),
		"is not how KMS names a service", "s3.eu-central-1.amazonaws.com",
	},
	{
		[]string{"iam:passedtoservice", "iam:awsservicename", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:principalservicename", "aws:principalservicenameslist"},
		serviceName, "is no service", "s3.amazonaws.com",
	},
	{[]string{"aws:principaltype"}, regexp.MustCompile(`^(?:Account|User|FederatedUser|AssumedRole|Anonymous)$`), "is no type of principal", "AssumedRole, User, FederatedUser or Account"},
	{[]string{"aws:requestedregion"}, regionForm, "is no region", "eu-central-1"},
	{[]string{"aws:principalorgid", "aws:resourceorgid", "aws:sourceorgid", "aws:vpceorgid"}, regexp.MustCompile(`^o-[a-z0-9]{10,32}$`), "is no organization", "o-a1b2c3d4e5"},
}

// formFault says why no request has a value of a key, and how to write it.
func formFault(c condition, key, value string) (message, hint string) {
	if c.base() == "BinaryEquals" {
		if _, err := base64.StdEncoding.DecodeString(value); err != nil {
			return "is not Base64, which BinaryEquals compares", "write the value in Base64"
		}
	}
	if !textOperator(c.base()) && !strings.HasPrefix(c.base(), "Arn") || strings.ContainsAny(value, "*?") {
		return "", ""
	}
	for _, f := range forms {
		for _, name := range f.keys {
			if name == key && !f.right.MatchString(value) && !placeholderForm.MatchString(value) {
				return f.fault, "write it as " + f.hint
			}
		}
	}
	return "", ""
}
