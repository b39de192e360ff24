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

type getPolicyResult struct {
	XMLName xml.Name `xml:"GetPolicyResult"`
	Name    string   `xml:"Policy>PolicyName"`
	Arn     string   `xml:"Policy>Arn"`
	Version string   `xml:"Policy>DefaultVersionId"`
}

func (i *iamCall) getPolicy() (any, *serviceError) {
	arn := i.form.Get("PolicyArn")
	if i.managed(arn) == nil {
		return nil, noSuchPolicy(arn)
	}
	return getPolicyResult{Name: i.name, Arn: arn, Version: "v1"}, nil
}

type getPolicyVersionResult struct {
	XMLName  xml.Name `xml:"GetPolicyVersionResult"`
	Document string   `xml:"PolicyVersion>Document"`
	Version  string   `xml:"PolicyVersion>VersionId"`
	Default  bool     `xml:"PolicyVersion>IsDefaultVersion"`
}

// getPolicyVersion returns the only version that a policy has here.
func (i *iamCall) getPolicyVersion() (any, *serviceError) {
	arn := i.form.Get("PolicyArn")
	d := i.managed(arn)
	if d == nil || i.form.Get("VersionId") != "v1" {
		return nil, noSuchPolicy(arn)
	}
	return getPolicyVersionResult{Document: encoded(d), Version: "v1", Default: true}, nil
}

func noSuchPolicy(arn string) *serviceError {
	return &serviceError{http.StatusNotFound, "NoSuchEntity", "Policy " + cut(arn) + " was not found."}
}

type boundaryXML struct {
	Type string `xml:"PermissionsBoundaryType"`
	Arn  string `xml:"PermissionsBoundaryArn"`
}

// boundary returns the role's boundary, if it has one.
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
