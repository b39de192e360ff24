package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/awsaction"
	"github.com/rolecall/rolecall/internal/strict"
)

// kindsOfResource are what the last part of an ARN begins with.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var kindsOfResource = map[string][]string{
	"kms": {"key", "alias"},
	"iam": {
		"access-report", "assumed-role", "delegation-request", "federated-user", "group", "instance-profile", "mfa", "oidc-provider", "policy", "role", "root",
		"saml-provider", "server-certificate", "sms-mfa", "user",
	},
}

var (
	regionForm  = regexp.MustCompile(`^[a-z]{2,4}(?:-[a-z]+)+-[0-9]$`)
	serviceForm = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
)

// partsFault says what is wrong with the service, region, account and kind of
// resource of an ARN of ours, and returns the right ARN where it can be known.
func partsFault(arn string) (message, right string) {
	masked := inVariables.ReplaceAllString(arn, "$") // they have colons of their own
	parts := strings.SplitN(masked, ":", 6)
	if len(parts) < 6 {
		return "", ""
	}
	service, region, account := parts[2], parts[3], parts[4]
	with := func(i int, text string) string {
		if masked != arn {
			return ""
		}
		parts[i] = text
		return strings.Join(parts, ":")
	}
	if lower := strings.ToLower(service); serviceForm.MatchString(service) && lower != service {
		return "has its service in capitals, so it matches nothing", with(2, lower)
	}
	placed := service == "kms" || service == "s3" && regional(parts[5])
	switch {
	case !placed && service != "iam" && service != "sts":
		return "", ""
	case !placed && region != "" && strings.Trim(region, "*") != "":
		return "has a region, and the ARNs of " + strings.ToUpper(service) + " have none, so it matches nothing", with(3, "")
	case placed && region == "":
		return "lacks its region, so it matches nothing", ""
	case placed && !isRegion(region):
		return "has " + quote(region) + " in the place of its region, so it matches nothing", ""
	case account == "":
		return "lacks its account, so it matches nothing", ""
	case account != "aws" && !isAccount(account):
		return "has " + quote(account) + " in the place of its account, so it matches nothing", ""
	}
	kind, _, _ := strings.Cut(parts[5], "/")
	if kinds := kindsOfResource[service]; kinds != nil && !slices.ContainsFunc(kinds, func(k string) bool { return glob(kind, k) }) && !strings.Contains(kind, "$") {
		return "does not say what of " + strings.ToUpper(service) + " it names, so it matches nothing", ""
	}
	return "", ""
}

// isRegion reports whether a text can be a region or matches some: those that
// AWS has now are in the facts, and those to come have the form.
func isRegion(text string) bool {
	return strings.ContainsAny(text, "*?$") || regionForm.MatchString(text)
}

// isAccount reports whether a text is an account, matches some, or is a place
// to fill in, which is another rule's.
func isAccount(text string) bool {
	return text == "*" || accountForm.MatchString(text) || strings.ContainsAny(text, "$<{[ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// unknownService says that no service has the prefix, and which was perhaps
// meant; it is empty where one has it.
func unknownService(prefix string) (message, hint string) {
	all := awsaction.Read().Prefixes
	if !serviceForm.MatchString(prefix) || slices.Contains(all, strings.ToLower(prefix)) {
		return "", ""
	}
	hint = "look the service up in AWS's list of services"
	if near := strict.Nearest(prefix, all); near != "" {
		hint = "write " + near + ", if that is meant"
	}
	return "names " + quote(prefix) + ", which is no service that AWS listed by " + catalog().date, hint
}
