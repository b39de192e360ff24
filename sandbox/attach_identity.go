package sandbox

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

const (
	syntaxErrors  = "Syntax errors in policy."
	legacyParsing = "The policy failed legacy parsing"
)

// readIdentityPolicy reads a policy for a user or a role. It refuses in IAM's
// words, in IAM's order, one that IAM would not store.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_policies.html
func readIdentityPolicy(text string) (*policy.Document, *serviceError) {
	if !json.Valid([]byte(text)) {
		return nil, malformedPolicy(syntaxErrors)
	}
	list, read := readStatements([]byte(text))
	if !read || len(list) == 0 {
		return nil, malformedPolicy(syntaxErrors)
	}
	if _, message := identityFault(list); message != "" {
		return nil, malformedPolicy(message)
	}
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		return nil, malformedPolicy(syntaxErrors)
	}
	return doc, nil
}

// identityFault returns a pointer to the statement that IAM refuses first, and
// IAM's message about it, or two empty strings.
func identityFault(list []writtenStatement) (at, message string) {
	seen := map[string]bool{}
	uniqueSid := func(s *writtenStatement) string {
		if s.repeatsSid(seen) {
			return "Statement IDs (SID) in a single policy must be unique."
		}
		return ""
	}
	for _, check := range []func(*writtenStatement) string{
		(*writtenStatement).identityPrincipal, (*writtenStatement).alphanumericSid, uniqueSid,
		(*writtenStatement).hasActions, (*writtenStatement).hasResources,
		(*writtenStatement).resourceForm, (*writtenStatement).actionForm, (*writtenStatement).conditionForm, (*writtenStatement).addressForm,
	} {
		for i := range list {
			if message := check(&list[i]); message != "" {
				return list[i].at, message
			}
		}
	}
	return "", ""
}

// repeatsSid reports whether a statement that was seen has the same Sid, which
// IAM does not store, and sees this one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
func (s *writtenStatement) repeatsSid(seen map[string]bool) bool {
	if s.Sid == nil || *s.Sid == "" {
		return false
	}
	repeated := seen[*s.Sid]
	seen[*s.Sid] = true
	return repeated
}

func (s *writtenStatement) identityPrincipal() string {
	if s.Principal != nil || s.NotPrincipal != nil {
		return "Policy document should not specify a principal."
	}
	return ""
}

var alphanumeric = regexp.MustCompile(`^[0-9A-Za-z]*$`)

func (s *writtenStatement) alphanumericSid() string {
	if s.Sid != nil && !alphanumeric.MatchString(*s.Sid) {
		return "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
	}
	return ""
}

func (s *writtenStatement) hasActions() string {
	if len(s.Action) == 0 && len(s.NotAction) == 0 {
		return "Policy statement must contain actions."
	}
	return ""
}

func (s *writtenStatement) hasResources() string {
	if len(s.Resource) == 0 && len(s.NotResource) == 0 {
		return "Policy statement must contain resources."
	}
	return ""
}

var vendorForm = regexp.MustCompile(`^[A-Za-z0-9.-]+$`)

const noVendor = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."

// actionForm checks that actions have the form service:name.
func (s *writtenStatement) actionForm() string {
	for _, element := range []oneOrMore{s.Action, s.NotAction} {
		for _, action := range element {
			vendor, name, found := strings.Cut(action, ":")
			switch {
			case action == "*":
			case !found:
				return noVendor
			case strings.Contains(name, ":"):
				return "Actions/Condition can contain only one colon."
			case !vendorForm.MatchString(vendor):
				return "Vendor " + cut(vendor) + " is not valid"
			}
		}
	}
	return ""
}

// conditionForm checks that keys of conditions begin with a service. Which keys
// the service has is not checked: IAM stores any. Colons in their names are part
// of what they name, such as kms:EncryptionContext:aws:s3:arn.
func (s *writtenStatement) conditionForm() string {
	for _, keys := range s.Condition {
		for key := range keys {
			if vendor, _, found := strings.Cut(key, ":"); !found || vendor == "" {
				return noVendor
			}
		}
	}
	return ""
}

// resourceForm checks that resources are ARNs.
func (s *writtenStatement) resourceForm() string {
	for _, element := range []oneOrMore{s.Resource, s.NotResource} {
		for _, resource := range element {
			if resource != "*" && !strings.Contains(resource, ":") {
				return "Resource " + cut(resource) + ` must be in ARN format or "*".`
			}
		}
	}
	return ""
}

// addressForm checks what conditions compare addresses with.
func (s *writtenStatement) addressForm() string {
	if s.wrongAddress() {
		return legacyParsing
	}
	return ""
}

// wrongAddress reports whether a condition compares an address with what is
// neither an address nor a block of them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IPAddress
func (s *writtenStatement) wrongAddress() bool {
	for operator, keys := range s.Condition {
		if base := baseOperator(operator); base != "ipaddress" && base != "notipaddress" {
			continue
		}
		for _, values := range keys {
			for _, value := range values {
				if _, err := netip.ParseAddr(value); err == nil {
					continue
				}
				if _, err := netip.ParsePrefix(value); err != nil {
					return true
				}
			}
		}
	}
	return false
}

// baseOperator returns a condition operator without what may stand before and
// behind its name, in lower case.
func baseOperator(operator string) string {
	operator = strings.ToLower(operator)
	if _, base, ok := strings.Cut(operator, ":"); ok {
		operator = base
	}
	return strings.TrimSuffix(operator, "ifexists")
}
