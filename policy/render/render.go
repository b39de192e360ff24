package render

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// Format is a form that a kit can be written in.
type Format string

// The formats.
const (
	JSON           Format = "json"           // the documents and their reasons, for either side
	CloudFormation Format = "cloudformation" // a template, in YAML
	Terraform      Format = "terraform"      // a module, in one file
	CLI            Format = "cli"            // a shell script of aws commands
)

// Formats are all of them.
func Formats() []Format { return []Format{JSON, CloudFormation, Terraform, CLI} }

// Side is who sets up: the customer's documents are for the customer's
// accounts, the worker policy is for the vendor's.
type Side string

// The sides.
const (
	Customer Side = "customer"
	Vendor   Side = "vendor"
)

// Setup is what is to be set up.
type Setup struct {
	Request policy.KitRequest
	Kit     policy.Kit // of the Request, by policy.Generate
	Side    Side       // empty: Customer
}

// Render writes the setup in a format.
func Render(f Format, s Setup) ([]byte, error) {
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	switch f {
	case JSON:
		return p.json()
	case CloudFormation:
		if p.Side == Customer && len(p.wide()) > 0 {
			return nil, p.cannotCarry("a template", "terraform or cli")
		}
		out := p.cloudFormation()
		// CloudFormation puts a parameter's or a secret's value in the place of a
		// dynamic reference, wherever it stands.
		// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
		if bytes.Contains(out, []byte("{{resolve:")) {
			return nil, &rolecall.Error{
				Code: rolecall.Invalid, Message: `a template cannot carry "{{resolve:", as in the prefix or a path here: CloudFormation puts another value in its place`,
				Hint: "You: use the format terraform or cli",
			}
		}
		return out, nil
	case Terraform:
		if p.Side == Customer && len(p.wide()) > 0 && p.mark() == "" {
			return nil, p.cannotCarry("a module", "cli")
		}
		return p.terraform(), nil
	case CLI:
		return p.script(), nil
	}
	known := Formats()
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	return nil, &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("unknown format %.40q", string(f)), Hint: "You: name one of " + strings.Join(names, ", ")}
}

// plan is a setup with what follows from it.
type plan struct {
	Setup
	role        rolecall.ARN
	bucketOwner string
	key         rolecall.ARN // zero: none, or the connection does not say which
	keyOwner    string       // empty: no key
	region      string       // of the bucket; may be empty
	duration    int          // seconds that the role's sessions must be able to last
	workers     []rolecall.ARN
}

func (s Setup) plan() (*plan, error) {
	c := s.Request.Connection
	p := &plan{Setup: s, region: c.Region, duration: max(minRoleDuration, c.RoleSessionDurationSeconds)}
	var err error
	if p.role, err = rolecall.ParseRoleARN(c.RoleARN); err != nil {
		return nil, err
	}
	if s.Kit.Trust == nil || s.Kit.Permissions == nil || s.Kit.Worker == nil {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "the kit is not complete", Hint: "You: make it with policy.Generate"}
	}
	p.bucketOwner = cmp.Or(c.BucketOwner, p.role.Account)
	if s.Kit.Key != nil {
		p.keyOwner = p.bucketOwner
		if e := c.Encryption; e != nil && e.Key != "" {
			if p.key, err = rolecall.ParseARN(e.Key); err != nil {
				return nil, err
			}
			p.keyOwner, p.region = p.key.Account, p.key.Region
		}
	}
	for _, principal := range s.Request.Principals {
		a, err := rolecall.ParseARN(principal)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(p.workers, a) {
			p.workers = append(p.workers, a)
		}
	}
	switch s.Side {
	case "":
		p.Side = Customer
	case Customer, Vendor:
	default:
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("unknown side %.40q", string(s.Side)), Hint: "You: name customer or vendor"}
	}
	return p, nil
}

// minRoleDuration is the least that a role's MaxSessionDuration can be.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
const minRoleDuration = 3600

func (p *plan) cannotCarry(what, instead string) error {
	return &rolecall.Error{
		Code: rolecall.Invalid, Message: fmt.Sprintf("%s cannot carry the prefix %q: IAM takes its characters only escaped", what, p.Request.Connection.Prefix),
		Hint: "You: use the format " + instead,
	}
}

// wide are the characters of the documents that IAM and KMS take only as
// JSON's escapes: those above U+00FF. They can be in a prefix.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
func (p *plan) wide() []rune {
	var out []rune
	for _, r := range p.Request.Connection.Prefix {
		if r > 0xff && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// workerPolicy and revocationPolicy are the names of inline policies of which
// a worker or role has one, whatever the number of connections.
const (
	workerPolicy     = "rolecall"
	revocationPolicy = "rolecall-revocation"
)

// inlineName is of the role's policy for this connection: a role may serve
// several.
func inlineName(c rolecall.Connection) string {
	return "rolecall-" + strings.Map(func(r rune) rune {
		if strings.ContainsRune("+=,.@_-", r) || alphanumeric(r) {
			return r
		}
		return '-'
	}, cmp.Or(c.Name, c.Bucket))
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

// json is the kit for people and programs to read.
func (p *plan) json() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(p.Kit); err != nil {
		return nil, fmt.Errorf("render the kit: %w", err)
	}
	return out.Bytes(), nil
}

// nameOf and pathOf are the parts of a role or user that IAM's calls take
// apart; a path is "/" at least.
func nameOf(a rolecall.ARN) string { return a.Resource[strings.LastIndexByte(a.Resource, '/')+1:] }

func pathOf(a rolecall.ARN) string {
	return a.Resource[strings.IndexByte(a.Resource, '/') : strings.LastIndexByte(a.Resource, '/')+1]
}

// isUser reports whether a worker is a user, not a role.
func isUser(a rolecall.ARN) bool { return strings.HasPrefix(a.Resource, "user/") }

// reason returns the reason of a statement.
func (p *plan) reason(kind policy.Kind, sid string) string {
	for _, r := range p.Kit.Reasons {
		if r.Document == kind && r.Sid == sid {
			// How to attach the worker policy is for those who do it by hand.
			text, _, _ := strings.Cut(r.Text, "; attach it with")
			return text
		}
	}
	return ""
}

// account is one account that something is to be set up in.
type account struct {
	id   string
	does []string
}

// accounts are those of the side, with what each gets.
func (p *plan) accounts() []account {
	var out []account
	add := func(id, what string) {
		i := slices.IndexFunc(out, func(a account) bool { return a.id == id })
		if i < 0 {
			i, out = len(out), append(out, account{id: id})
		}
		out[i].does = append(out[i].does, what)
	}
	if p.Side == Vendor {
		for _, w := range p.workers {
			add(w.Account, "the policy of the worker "+w.String())
		}
		return out
	}
	add(p.role.Account, "the role "+p.role.String())
	if p.Kit.Bucket != nil {
		add(p.bucketOwner, "the policy of the bucket "+p.Request.Connection.Bucket)
	}
	if p.keyOwner != "" {
		add(p.keyOwner, "the policy of the bucket's KMS key")
	}
	return out
}
