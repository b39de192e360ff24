package policy

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
)

// Names have the characters of reference_iam-quotas.html.
const (
	ofPartition = `arn:aws(?:-[a-z]+)*:`
	ofAccount   = ofPartition + `(?:iam::[0-9]{12}:(?:root|(?:user|role)/(?:[\x21-\x7e]+/)?[\w+=,.@-]+)` +
		`|sts::[0-9]{12}:(?:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+|federated-user/[\w+=,.@:-]+))`
	ofProvider = ofPartition + `iam::[0-9]{12}:(?:saml|oidc)-provider/[\w+=,.@:/-]+`
)

// principalForm is what can ask: those of an account, and identity providers.
// namedForm is what a policy can name under "AWS", providerForm under "Federated".
// A reader of CloudFront's is in no account.
// AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3-oai.html
var (
	principalForm = regexp.MustCompile(`^(?:` + ofAccount + `|` + ofProvider + `)$`)
	namedForm     = regexp.MustCompile(`^(?:` + ofAccount + `|` + ofPartition + `iam::cloudfront:user/CloudFront Origin Access Identity \w+)$`)
	providerForm  = regexp.MustCompile(`^(?:` + ofProvider + `|[a-z0-9-]+(?:\.[a-z0-9-]+)+)$`)
)

// domainForm is a service, or a provider that is named by its domain;
// canonicalForm S3's id of an account.
var (
	domainForm    = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	canonicalForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func checkPrincipal(text string, faults *rolecall.Errors) {
	switch {
	case text == "*":
	case text == "":
		faults.Add("/principal", "principal is missing", `You: give an ARN, a service's domain, or "*" for an anonymous caller`)
	case len(text) > maxARN:
		faults.Add("/principal", "principal is longer than 2,048 characters", "You: shorten it; AWS has no longer ARNs")
	case strings.ContainsAny(text, "*?"):
		faults.Add("/principal", "principal holds a wildcard", `You: give the one who asks; "*" by itself is an anonymous caller`)
	case !principalForm.MatchString(text) && !domainForm.MatchString(text) && !canonicalForm.MatchString(text):
		faults.Add("/principal", quote(text)+" is not a principal",
			"You: give the ARN of a user, role, role session, federated user or an account's root, or a service like ec2.amazonaws.com")
	}
}

// checkResource leaves stars and question marks alone: S3 takes them in keys,
// and a request's are never wildcards.
func checkResource(text string, faults *rolecall.Errors) {
	arn := cutARN(text)
	switch {
	case text == "*":
	case text == "":
		faults.Add("/resource", "resource is missing", `You: give an ARN, or "*" for actions on no resource`)
	case len(text) > maxARN:
		faults.Add("/resource", "resource is longer than 2,048 characters", "You: shorten it; AWS has no longer ARNs")
	case arn.count < 6 || arn.part[0] != "arn" || arn.part[1] == "" || arn.part[2] == "" || arn.part[5] == "":
		faults.Add("/resource", quote(text)+" is not an ARN", `You: give an ARN like arn:aws:s3:::bucket/key, or "*" for actions on no resource`)
	}
}
