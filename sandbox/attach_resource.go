package sandbox

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/awsaction"
)

// resourceFault returns what AWS says of the text of a policy that names
// principals, a bucket's or a role's trust, or "" if its form is right.
func resourceFault(text []byte) string {
	if !json.Valid(text) {
		return "This policy contains invalid Json"
	}
	var written struct {
		Version   any
		Statement json.RawMessage
	}
	if json.Unmarshal(text, &written) != nil {
		return invalidSyntax
	}
	switch written.Version {
	case nil, "2012-10-17", "2008-10-17":
	default:
		return "The policy must contain a valid version string"
	}
	list, read := readStatements(text)
	switch {
	case written.Statement == nil:
		return "Missing required field Statement"
	case !read:
		return invalidSyntax
	case len(list) == 0:
		return "Could not parse the policy: Statement is empty!"
	}
	for i := range list {
		if message := list[i].resourceGrammar(); message != "" {
			return message
		}
	}
	return ""
}

const invalidSyntax = "Invalid policy syntax."

// resourceGrammar checks the elements that all policies with principals have.
func (s *writtenStatement) resourceGrammar() string {
	switch {
	case s.Effect == nil:
		return "Missing required field Effect"
	case *s.Effect != "Allow" && *s.Effect != "Deny":
		return "Invalid effect: " + cut(*s.Effect)
	case s.Principal == nil && s.NotPrincipal == nil:
		return "Missing required field Principal"
	case s.NotPrincipal != nil && *s.Effect == "Allow":
		return "Allow with NotPrincipal is not allowed."
	case s.Principal.empty() && s.NotPrincipal.empty():
		return "Missing required field Principal cannot be empty!"
	case s.Action == nil && s.NotAction == nil:
		return "Missing required field Action"
	case len(s.Action)+len(s.NotAction) == 0:
		return "Missing required field Action cannot be empty!"
	}
	return ""
}

// empty reports whether nobody is named, or one of the kinds names nobody.
func (p writtenPrincipals) empty() bool {
	for _, names := range p {
		if len(names) == 0 || slices.Contains(names, "") {
			return true
		}
	}
	return len(p) == 0
}

// s3Fault returns S3's message if the statement is not one of the bucket's
// policy for its actions, resources and conditions, or "".
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func (s *writtenStatement) s3Fault() string {
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		if len(s3Actions(action)) == 0 {
			return "Policy has invalid action"
		}
	}
	if s.Resource != nil {
		for _, action := range s.Action {
			if !slices.ContainsFunc(s3Actions(action), s.fits) {
				return "Action does not apply to any resource(s) in statement"
			}
		}
	}
	for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[operator])) {
			if message := s.conditionKeyFault(key); message != "" {
				return message
			}
		}
	}
	if s.wrongAddress() {
		return "Invalid IP address in Conditions"
	}
	return ""
}

// s3Actions returns the actions of S3 that a value of Action names.
func s3Actions(pattern string) []awsaction.Action {
	pattern = strings.ToLower(pattern)
	if pattern == "*" {
		pattern = "s3:*"
	}
	name, ok := strings.CutPrefix(pattern, "s3:")
	var named []awsaction.Action
	for _, a := range awsaction.Read().Actions {
		if a.Service != "s3" || !ok {
			continue
		}
		if matched, err := path.Match(name, strings.ToLower(a.Name)); matched && err == nil {
			named = append(named, a)
		}
	}
	return named
}

// fits reports whether one of the statement's resources can be what the action
// is on.
func (s *writtenStatement) fits(a awsaction.Action) bool {
	return slices.ContainsFunc(s.Resource, a.On)
}

// conditionKeyFault checks a condition key: S3 takes any global one, and of its own
// those that each of the statement's actions has.
func (s *writtenStatement) conditionKeyFault(key string) string {
	if strings.HasPrefix(strings.ToLower(key), "aws:") {
		return ""
	}
	has := func(a awsaction.Action) bool { return keyIn(a.Keys, key) }
	if !strings.HasPrefix(strings.ToLower(key), "s3:") || !keyIn(awsaction.Read().Keys, key) {
		return "Policy has an invalid condition key"
	}
	for _, action := range s.Action {
		if !slices.ContainsFunc(s3Actions(action), func(a awsaction.Action) bool { return has(a) && (s.Resource == nil || s.fits(a)) }) {
			return "Conditions do not apply to combination of actions and resources in statement"
		}
	}
	return ""
}

// keyIn reports whether the key is in the list, where a star at the end stands
// for any part.
func keyIn(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		if begin, ok := strings.CutSuffix(k, "*"); ok {
			return len(key) > len(begin) && strings.EqualFold(key[:len(begin)], begin)
		}
		return strings.EqualFold(k, key)
	})
}
