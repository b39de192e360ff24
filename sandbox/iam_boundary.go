package sandbox

import (
	"encoding/xml"
	"fmt"
	"net/http"

	"github.com/rolecall/rolecall/policy"
)

// Managed policies exist to be permissions boundaries: IAM accepts these by
// their ARN only.

// maxManagedPolicy is IAM's limit, without white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxManagedPolicy = 6144

type createPolicyResult struct {
	XMLName  xml.Name `xml:"CreatePolicyResult"`
	Name     string   `xml:"Policy>PolicyName"`
	Arn      string   `xml:"Policy>Arn"`
	Path     string   `xml:"Policy>Path"`
	Version  string   `xml:"Policy>DefaultVersionId"`
	Attached int      `xml:"Policy>AttachmentCount"`
}

func (i *iamCall) createPolicy() (any, *serviceError) {
	for _, name := range []string{"Path", "Tags.member.1.Key"} {
		if i.form.Has(name) {
			return nil, invalidInput("the sandbox does not support the parameter " + name)
		}
	}
	var v constraints
	v.text(i.form, "PolicyDocument", 1, maxDocument, documentChars)
	if fail := v.err(); fail != nil {
		return nil, fail
	}
	doc, fail := readIdentityPolicy(i.form.Get("PolicyDocument"))
	if fail != nil {
		return nil, fail
	}
	if documentSize(doc) > maxManagedPolicy {
		return nil, &serviceError{http.StatusConflict, "LimitExceeded", fmt.Sprintf("Cannot exceed quota for PolicySize: %d", maxManagedPolicy)}
	}
	arn := i.account.iam("policy", "", i.name)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.account.policies[arn] != nil {
		return nil, &serviceError{http.StatusConflict, "EntityAlreadyExists", "A policy called " + i.name + " already exists. Duplicate names are not allowed."}
	}
	i.account.policies[arn] = doc
	return createPolicyResult{Name: i.name, Arn: arn, Path: "/", Version: "v1"}, nil
}

type boundaryXML struct {
	Type string `xml:"PermissionsBoundaryType"`
	Arn  string `xml:"PermissionsBoundaryArn"`
}

// boundary returns the role's boundary, if a call of IAM set it.
func (r *role) boundary() *boundaryXML {
	if r.boundaryARN == "" {
		return nil
	}
	return &boundaryXML{"Policy", r.boundaryARN}
}

func (i *iamCall) putBoundary() (any, *serviceError) {
	var v constraints
	v.text(i.form, "PermissionsBoundary", 20, 2048, nil)
	if fail := v.err(); fail != nil {
		return nil, fail
	}
	arn := i.form.Get("PermissionsBoundary")
	boundary := i.managed(arn)
	if boundary == nil {
		return nil, &serviceError{http.StatusNotFound, "NoSuchEntity", "Policy " + cut(arn) + " does not exist or is not attachable."}
	}
	return nil, i.changeRoleOf(func(r *role, given *Role) { given.Boundary, r.boundaryARN = boundary, arn })
}

// managed returns a managed policy of the account; nil if there is none.
func (i *iamCall) managed(arn string) *policy.Document {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.account.policies[arn]
}

func (i *iamCall) deleteBoundary() (any, *serviceError) {
	return nil, i.changeRoleOf(func(r *role, given *Role) { given.Boundary, r.boundaryARN = nil, "" })
}
