package sandbox

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall/policy"
)

// maxDocument is the longest text that IAM reads as a policy.
const maxDocument = 131072

// iamCall is one request to IAM about a role, a user or a policy of the
// caller's account.
type iamCall struct {
	*call
	*directory
	form    url.Values
	account *account
	kind    string // "role", "user" or "policy"
	name    string
}

// iamOperation is one of IAM's operations: what it is about, and what it does
// for an authorized caller.
type iamOperation struct {
	kind string
	do   func(*iamCall) (any, *serviceError)
}

// iamOperations lists the operations that setting up a connection needs.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
var iamOperations = map[string]iamOperation{
	"CreateRole":             {"role", (*iamCall).createRole},
	"GetRole":                {"role", (*iamCall).getRole},
	"DeleteRole":             {"role", (*iamCall).deleteRole},
	"UpdateRole":             {"role", (*iamCall).updateRole},
	"UpdateAssumeRolePolicy": {"role", (*iamCall).updateTrust},
	"PutRolePolicy":          {"role", (*iamCall).putInline},
	"GetRolePolicy":          {"role", (*iamCall).getInline},
	"DeleteRolePolicy":       {"role", (*iamCall).deleteInline},
	"ListRolePolicies":       {"role", (*iamCall).listInline},
	"PutUserPolicy":          {"user", (*iamCall).putInline},
	"GetUserPolicy":          {"user", (*iamCall).getInline},
	"DeleteUserPolicy":       {"user", (*iamCall).deleteInline},
	"ListUserPolicies":       {"user", (*iamCall).listInline},
	"UpdateAccessKey":        {"user", (*iamCall).updateAccessKey},

	"CreatePolicy":                  {"policy", (*iamCall).createPolicy},
	"GetPolicy":                     {"policy", (*iamCall).getPolicy},
	"GetPolicyVersion":              {"policy", (*iamCall).getPolicyVersion},
	"PutRolePermissionsBoundary":    {"role", (*iamCall).putBoundary},
	"DeleteRolePermissionsBoundary": {"role", (*iamCall).deleteBoundary},
}

// documentChars matches the characters of a policy's text; all others must be
// JSON escapes.
var documentChars = regexp.MustCompile(`^[\x09\x0a\x0d\x20-\x{ff}]+$`)

var nameChars = regexp.MustCompile(`^[\w+=,.@-]+$`)

func (s *Server) doIAM(c *call, form url.Values) (any, *serviceError) {
	operation, known := iamOperations[c.operation]
	if !known {
		return nil, unknownOperation(c.operation, form)
	}
	i := &iamCall{call: c, directory: s.directory, form: form, account: c.caller.account, kind: operation.kind}
	parameter := strings.ToUpper(i.kind[:1]) + i.kind[1:] + "Name"
	i.name = form.Get(parameter)
	if arn := form.Get("PolicyArn"); i.kind == "policy" && arn != "" {
		i.name = arn[strings.LastIndexByte(arn, '/')+1:]
		form.Set(parameter, i.name)
	}
	var v constraints
	longest := 64
	if i.kind == "policy" {
		longest = 128
	}
	v.text(form, parameter, 1, longest, nameChars)
	if fail := v.err(); fail != nil {
		return nil, fail
	}
	if fail := i.authorize(); fail != nil {
		return nil, fail
	}
	return operation.do(i)
}

// authorize evaluates the caller's own policies: roles and users have no
// policies that cover these operations.
func (i *iamCall) authorize() *serviceError {
	path := i.form.Get("Path")
	if !pathForm.MatchString(path) {
		path = ""
	}
	arn := i.account.iam(i.kind, path, i.name)
	if r := i.role(i.account, i.name); i.kind == "role" && r != nil {
		arn = r.arn
	}
	if u := i.user(i.account, i.name); i.kind == "user" && u != nil {
		arn = u.arn
	}
	i.event.Resource = arn
	q := ask{action: "iam:" + i.operation, resource: arn, owner: i.account, conditions: i.conditions(i.account)}
	if result := i.evaluate(q); result.Decision != policy.Allowed {
		return &serviceError{http.StatusForbidden, "AccessDenied", i.denial(q, result).String()}
	}
	return nil
}

func (i *iamCall) noSuch(what, name string) *serviceError {
	return &serviceError{http.StatusNotFound, "NoSuchEntity", fmt.Sprintf("The %s with name %s cannot be found.", what, name)}
}

// roleXML is a role as IAM describes it.
type roleXML struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	Boundary                 *boundaryXML `xml:"PermissionsBoundary"`
}

func (r *role) xml() roleXML {
	out := roleXML{
		Path: cmp.Or(r.Path, "/"), RoleName: r.name, RoleID: r.id, Arn: r.arn,
		CreateDate: r.created.UTC().Format(time.RFC3339), Description: r.description,
		MaxSessionDuration: cmp.Or(r.MaxSessionDuration, defaultDuration),
	}
	if r.Trust != nil {
		out.AssumeRolePolicyDocument = encoded(r.Trust)
	}
	out.Boundary = r.boundary()
	return out
}

// encoded returns a document as IAM does, percent-encoded.
func encoded(d *policy.Document) string {
	return strings.ReplaceAll(url.QueryEscape(string(d.JSON())), "+", "%20")
}

type createRoleResult struct {
	XMLName xml.Name `xml:"CreateRoleResult"`
	Role    roleXML
}

type getRoleResult struct {
	XMLName xml.Name `xml:"GetRoleResult"`
	Role    roleXML
}

func (i *iamCall) createRole() (any, *serviceError) {
	for name := range i.form {
		if name == "PermissionsBoundary" || strings.HasPrefix(name, "Tags.") {
			return nil, invalidInput("the sandbox does not support the parameter " + cut(name))
		}
	}
	var v constraints
	v.text(i.form, "AssumeRolePolicyDocument", 1, maxDocument, documentChars)
	if i.form.Has("Path") {
		v.text(i.form, "Path", 1, 512, pathForm)
	}
	given := &Role{Path: i.form.Get("Path"), MaxSessionDuration: i.maxSessionDuration(&v)}
	fail := v.err()
	if fail != nil {
		return nil, fail
	}
	if given.Trust, fail = i.readTrust(i.form.Get("AssumeRolePolicyDocument")); fail != nil {
		return nil, fail
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for name := range i.account.roles {
		if strings.EqualFold(name, i.name) {
			return nil, &serviceError{http.StatusConflict, "EntityAlreadyExists", "Role with name " + i.name + " already exists."}
		}
	}
	i.putRole(i.account, i.name, given)
	made := i.account.roles[i.name]
	made.description = cut(i.form.Get("Description"))
	return createRoleResult{Role: made.xml()}, nil
}

// maxSessionDuration reads MaxSessionDuration; 0 if it is absent.
func (i *iamCall) maxSessionDuration(v *constraints) int {
	text := i.form.Get("MaxSessionDuration")
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < maxChainedDuration || n > maxRoleDuration {
		v.add("MaxSessionDuration", "'"+cut(text)+"'", "have value between 3600 and 43200")
	}
	return n
}

func (i *iamCall) getRole() (any, *serviceError) {
	r := i.role(i.account, i.name)
	if r == nil {
		return nil, i.noSuch("role", i.name)
	}
	return getRoleResult{Role: r.xml()}, nil
}

func (i *iamCall) deleteRole() (any, *serviceError) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch r := i.account.roles[i.name]; {
	case r == nil:
		return nil, i.noSuch("role", i.name)
	case len(r.inline) > 0:
		return nil, &serviceError{http.StatusConflict, "DeleteConflict", "Cannot delete entity, must delete policies first."}
	}
	i.removeRole(i.account, i.name)
	return nil, nil
}

func (i *iamCall) updateTrust() (any, *serviceError) {
	var v constraints
	v.text(i.form, "PolicyDocument", 1, maxDocument, documentChars)
	if fail := v.err(); fail != nil {
		return nil, fail
	}
	trust, fail := i.readTrust(i.form.Get("PolicyDocument"))
	if fail != nil {
		return nil, fail
	}
	return nil, i.changeRoleOf(func(_ *role, given *Role) { given.Trust = trust })
}

type updateRoleResult struct {
	XMLName xml.Name `xml:"UpdateRoleResult"`
}

// updateRole changes what the call names, and leaves the rest.
func (i *iamCall) updateRole() (any, *serviceError) {
	var v constraints
	longest := i.maxSessionDuration(&v)
	if fail := v.err(); fail != nil {
		return nil, fail
	}
	return updateRoleResult{}, i.changeRoleOf(func(r *role, given *Role) {
		given.MaxSessionDuration = cmp.Or(longest, given.MaxSessionDuration)
		r.description = cmp.Or(cut(i.form.Get("Description")), r.description)
	})
}

// changeRoleOf replaces the call's role by a changed copy.
func (i *iamCall) changeRoleOf(change func(*role, *Role)) *serviceError {
	i.mu.Lock()
	defer i.mu.Unlock()
	old := i.account.roles[i.name]
	if old == nil {
		return i.noSuch("role", i.name)
	}
	given, changed := *old.Role, *old
	change(&changed, &given)
	changed.Role = &given
	i.account.roles[i.name] = &changed
	return nil
}

func malformedPolicy(message string) *serviceError {
	return &serviceError{http.StatusBadRequest, "MalformedPolicyDocument", message}
}
