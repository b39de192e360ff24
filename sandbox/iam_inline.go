package sandbox

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/rolecall/rolecall/policy"
)

// inlinePolicy is a named policy of one user or role.
type inlinePolicy struct {
	name     string
	document *policy.Document
}

// inlineOf names the policies of a config, which have no names.
func inlineOf(list []*policy.Document) []inlinePolicy {
	var out []inlinePolicy
	for n, d := range list {
		out = append(out, inlinePolicy{"policy-" + strconv.Itoa(n+1), d})
	}
	return out
}

func documents(list []inlinePolicy) []*policy.Document {
	var out []*policy.Document
	for _, p := range list {
		out = append(out, p.document)
	}
	return out
}

func byName(name string) func(inlinePolicy) bool {
	return func(p inlinePolicy) bool { return p.name == name }
}

// inline returns the policies of the call's role or user.
func (i *iamCall) inline() ([]inlinePolicy, *serviceError) {
	if r := i.role(i.account, i.name); i.kind == "role" && r != nil {
		return r.inline, nil
	}
	if u := i.user(i.account, i.name); i.kind == "user" && u != nil {
		return u.inline, nil
	}
	return nil, i.noSuch(i.kind, i.name)
}

// changeInline changes the policies of the call's role or user.
func (i *iamCall) changeInline(change func([]inlinePolicy) ([]inlinePolicy, *serviceError)) (any, *serviceError) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var fail *serviceError
	if r := i.account.roles[i.name]; i.kind == "role" && r != nil {
		changed := *r
		if changed.inline, fail = change(slices.Clone(r.inline)); fail == nil {
			i.account.roles[i.name] = &changed
		}
		return nil, fail
	}
	if u := i.account.users[i.name]; i.kind == "user" && u != nil {
		changed := *u
		if changed.inline, fail = change(slices.Clone(u.inline)); fail == nil {
			i.account.users[i.name] = &changed
		}
		return nil, fail
	}
	return nil, i.noSuch(i.kind, i.name)
}

// policyName reads the parameter of that name.
func (i *iamCall) policyName() (string, *serviceError) {
	var v constraints
	v.text(i.form, "PolicyName", 1, 128, nameChars)
	return i.form.Get("PolicyName"), v.err()
}

func (i *iamCall) putInline() (any, *serviceError) {
	name, fail := i.policyName()
	if fail != nil {
		return nil, fail
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
	limit := policy.MaxRolePolicy
	if i.kind == "user" {
		limit = policy.MaxUserPolicy
	}
	return i.changeInline(func(list []inlinePolicy) ([]inlinePolicy, *serviceError) {
		list = append(slices.DeleteFunc(list, byName(name)), inlinePolicy{name, doc})
		total := 0
		for _, p := range list {
			total += documentSize(p.document)
		}
		if total > limit {
			return nil, &serviceError{
				http.StatusConflict, "LimitExceeded",
				fmt.Sprintf("Maximum policy size of %d bytes exceeded for %s %s", limit, i.kind, i.name),
			}
		}
		return list, nil
	})
}

func (i *iamCall) noSuchPolicy(name string) *serviceError {
	return i.noSuch(i.kind+" policy", name)
}

type inlinePolicyResult struct {
	XMLName        xml.Name
	RoleName       string `xml:",omitempty"`
	UserName       string `xml:",omitempty"`
	PolicyName     string
	PolicyDocument string
}

func (i *iamCall) getInline() (any, *serviceError) {
	name, fail := i.policyName()
	if fail != nil {
		return nil, fail
	}
	list, fail := i.inline()
	if fail != nil {
		return nil, fail
	}
	at := slices.IndexFunc(list, byName(name))
	if at < 0 {
		return nil, i.noSuchPolicy(name)
	}
	out := inlinePolicyResult{XMLName: xml.Name{Local: i.operation + "Result"}, PolicyName: name, PolicyDocument: encoded(list[at].document)}
	if out.RoleName = i.name; i.kind == "user" {
		out.RoleName, out.UserName = "", i.name
	}
	return out, nil
}

func (i *iamCall) deleteInline() (any, *serviceError) {
	name, fail := i.policyName()
	if fail != nil {
		return nil, fail
	}
	return i.changeInline(func(list []inlinePolicy) ([]inlinePolicy, *serviceError) {
		if !slices.ContainsFunc(list, byName(name)) {
			return nil, i.noSuchPolicy(name)
		}
		return slices.DeleteFunc(list, byName(name)), nil
	})
}

type inlinePoliciesResult struct {
	XMLName     xml.Name
	PolicyNames []string `xml:"PolicyNames>member"`
	IsTruncated bool
}

func (i *iamCall) listInline() (any, *serviceError) {
	list, fail := i.inline()
	if fail != nil {
		return nil, fail
	}
	out := inlinePoliciesResult{XMLName: xml.Name{Local: i.operation + "Result"}}
	for _, p := range list {
		out.PolicyNames = append(out.PolicyNames, p.name)
	}
	slices.Sort(out.PolicyNames)
	return out, nil
}
