package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// readTrust reads a role's trust policy.
func (i *iamCall) readTrust(text string) (*policy.Document, *serviceError) {
	written, _ := readStatements([]byte(text))
	if slices.ContainsFunc(written, func(s writtenStatement) bool { return s.Resource != nil || s.NotResource != nil }) {
		return nil, malformedPolicy("Has prohibited field Resource")
	}
	if message := resourceFault([]byte(text)); message != "" {
		return nil, malformedPolicy(message)
	}
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		if name := malformedPrincipal([]byte(text), err); name != "" {
			return nil, malformedPolicy("Invalid principal in policy: " + name)
		}
		return nil, malformedPolicy(syntaxErrors)
	}
	list := statements(doc)
	for _, s := range list {
		switch {
		case s.NotPrincipal != nil:
			return nil, malformedPolicy("AssumeRole policy must not contain NotPrincipal field.")
		case s.NotAction != nil || !s.Action.all(func(a string) bool { return strings.HasPrefix(strings.ToLower(a), "sts:") }):
			return nil, malformedPolicy("AssumeRole policy may only specify STS AssumeRole actions.")
		}
	}
	if slices.ContainsFunc(list, func(s writtenStatement) bool { return s.wrongAddress() }) {
		return nil, malformedPolicy(legacyParsing)
	}
	seen := map[string]bool{}
	if slices.ContainsFunc(list, func(s writtenStatement) bool { return s.repeatsSid(seen) }) {
		return nil, malformedPolicy("The Statement Ids in the policy are not unique")
	}
	if missing := i.missingPrincipal(doc); missing != "" {
		return nil, malformedPolicy("Invalid principal in policy: " + missing)
	}
	if documentSize(doc) > policy.MaxTrustPolicy {
		return nil, &serviceError{http.StatusConflict, "LimitExceeded", fmt.Sprintf("Cannot exceed quota for ACLSizePerRole: %d", policy.MaxTrustPolicy)}
	}
	return doc, nil
}
