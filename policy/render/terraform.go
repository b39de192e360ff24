package render

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/rolecall/rolecall/policy"
)

// terraform is a module of one file, with a provider for each account.
func (p *plan) terraform() []byte {
	var b strings.Builder
	b.WriteString(comment("", "A module for the accounts named here. Give it a provider for each:"))
	for _, a := range p.accounts() {
		b.WriteString(comment("", p.provider(a.id)+" for "+a.id+", which gets "+strings.Join(a.does, ", and ")))
	}
	if p.Side == Customer && len(p.wide()) > 0 {
		b.WriteString(comment("", "Characters that IAM takes only as escapes of JSON are written with "+p.mark()+" for the backslash."))
	}
	aws := object{{name: "source", value: "hashicorp/aws"}, {name: "version", value: ">= 5.0"}}
	if aliases := p.aliases(); len(aliases) > 0 {
		aws = append(aws, member{name: "configuration_aliases", value: aliases})
	}
	hclBlock(&b, "terraform", object{
		{name: "required_version", value: ">= 1.3"},
		{name: "required_providers", value: block{{name: "aws", value: aws}}},
	})
	if p.Side == Vendor {
		p.tfWorkers(&b)
		return []byte(b.String())
	}
	p.tfVariables(&b)
	p.tfLocals(&b)
	p.tfRole(&b)
	p.tfBucket(&b)
	p.tfKey(&b)
	p.tfOutputs(&b)
	return []byte(b.String())
}

// provider names the provider of an account: the role's, or a worker's, is
// the module's own.
func (p *plan) provider(account string) string {
	switch {
	case p.Side == Vendor && account == p.workers[0].Account, p.Side == Customer && account == p.role.Account:
		return "aws"
	case p.Side == Vendor:
		return "aws.account_" + account
	case account == p.bucketOwner:
		return "aws.bucket"
	default:
		return "aws.key"
	}
}

// aliases are the providers other than the module's own.
func (p *plan) aliases() list {
	var out list
	for _, a := range p.accounts() {
		if name := p.provider(a.id); name != "aws" {
			out = append(out, expression(name))
		}
	}
	return out
}

// in are attributes that every resource in the account begins with.
func (p *plan) in(account string, more ...member) object {
	var out object
	if name := p.provider(account); name != "aws" {
		out = object{{name: "provider", value: expression(name)}}
	}
	return append(out, more...)
}

// encode is a document as JSON. The wide characters of its strings have been
// marked; with a backslash for the mark they are JSON's escapes.
func (p *plan) encode(tree any) expression {
	text := "jsonencode(" + hclValue("  ", tree) + ")"
	if len(p.wide()) > 0 {
		text = "replace(" + text + ", " + hclString(p.mark()) + `, "\\")`
	}
	return expression(text)
}

// marked writes the wide characters of a text as a mark and what follows the
// backslash of their escape. Terraform could not keep them as they are: it
// composes letters and accents again.
// https://developer.hashicorp.com/terraform/language/expressions/strings
func (p *plan) marked(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r <= 0xff {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, "%su%04x", p.mark(), unit)
		}
	}
	return b.String()
}

// mark is a character that the documents do not have, or "" when the prefix
// has all of those that could be one.
func (p *plan) mark() string {
	for _, r := range "~^`|¬§¶¦¤" {
		if !strings.ContainsRune(p.Request.Connection.Prefix+p.role.Resource+strings.Join(p.principals(), ""), r) {
			return string(r)
		}
	}
	return ""
}

func (p *plan) tfWorkers(b *strings.Builder) {
	for i, w := range p.workers {
		kind := "role"
		if isUser(w) {
			kind = "user"
		}
		hclBlock(b, `resource "aws_iam_`+kind+`_policy" "`+numbered("worker", i)+`"`, p.in(w.Account,
			member{name: "name", value: workerPolicy},
			member{name: kind, value: nameOf(w)},
			member{name: "policy", value: p.encode(documentOf(p.statements(policy.WorkerDocument)))},
		))
	}
}

func (p *plan) tfVariables(b *strings.Builder) {
	variable := func(name, kind, about string, value any) {
		hclBlock(b, `variable "`+name+`"`, object{
			{name: "type", value: expression(kind)}, {name: "description", value: about}, {name: "default", value: value},
		})
	}
	texts := func(all []string) list {
		out := list{}
		for _, s := range all {
			out = append(out, s)
		}
		return out
	}
	variable("role_name", "string", "name of the role; the vendor knows it by its ARN", nameOf(p.role))
	variable("create_role", "bool", "false for a role that another connection has already: it gets this connection's permissions besides", true)
	variable("external_ids", "list(string)", "external ids that the vendor gave", texts(distinct(p.Request.ExternalIDs)))
	if p.Request.Form != policy.ByAccount {
		variable("principals", "list(string)", "ARNs of the vendor's workers", texts(p.principals()))
	}
	variable("bucket", "string", "name of the bucket", p.Request.Connection.Bucket)
	variable("create_bucket", "bool", "make the bucket", false)
	if p.Kit.Bucket != nil {
		variable("attach_bucket_policy", "bool", "true replaces the policy of the bucket that is there: give its statements in bucket_policy_statements; else add the output bucket_policy to it", false)
		variable("bucket_policy_statements", "any", "statements that the bucket's policy has beside these, which are kept", list{})
	}
	if p.Kit.Key != nil {
		if p.key.Resource != "" {
			variable("kms_key_arn", "string", "ARN of the bucket's KMS key", p.key.String())
		} else {
			variable("kms_key_arn", "string", "ARN of the bucket's KMS key, if the key is to get this policy", "")
		}
		variable("create_key", "bool", "make a KMS key for the bucket", false)
		variable("attach_key_policy", "bool", "true replaces the policy of the key that is there: give its statements in key_policy_statements", false)
		variable("key_policy_statements", "any", "statements that the key's policy has beside these, which are kept", list{})
	}
}

func (p *plan) tfLocals(b *strings.Builder) {
	var body object
	if p.Kit.Key != nil {
		body = append(body, member{name: "kms_key_arn", value: expression("var.create_key ? aws_kms_key.this[0].arn : var.kms_key_arn")})
	}
	if p.Kit.Bucket != nil {
		body = append(body, member{name: "bucket_policy", value: p.tfMerged("var.bucket_policy_statements", p.tfBound(policy.BucketDocument))})
	}
	if p.Kit.Key != nil {
		ours := append(list{p.rootStatement()}, p.tfBound(policy.KeyDocument)...)
		body = append(body, member{name: "key_policy", value: p.tfMerged("var.key_policy_statements", ours)})
	}
	if len(body) > 0 {
		hclBlock(b, "locals", body)
	}
}

// tfMerged is a document of the administrator's statements and ours.
func (p *plan) tfMerged(others string, ours list) expression {
	return p.encode(documentOf(expression("concat(" + others + ", " + hclValue("    ", ours) + ")")))
}

// tfTemplate is a string with an expression in it.
func tfTemplate(before, inside, after string) string {
	open, end := hclString(before), hclString(after)
	return open[:len(open)-1] + "${" + inside + "}" + end[1:]
}

// tfBound are a document's statements with the module's variables in them.
func (p *plan) tfBound(kind policy.Kind) list {
	statements := p.statements(kind)
	for i, s := range statements {
		c, _ := s.(commented)
		narrow := replace(c.value, "", func(_ string, value any) (any, bool) {
			text, ok := value.(string)
			return p.marked(text), ok
		})
		statements[i] = commented{c.comment, p.bind(narrow, binding{
			externalIDs: func([]string) any { return expression("var.external_ids") },
			principal:   p.tfPrincipal,
			role:        func(prefix string) any { return expression(tfTemplate(prefix, "var.role_name", "")) },
			keyARN:      expression("local.kms_key_arn"),
			inBucket: func(rest string) any {
				return expression(tfTemplate("arn:"+p.role.Partition+":s3:::", "var.bucket", rest))
			},
		})}
	}
	return statements
}

// tfPrincipal is the n-th of the workers; where there is one, whatever list an
// administrator makes of it.
func (p *plan) tfPrincipal(n int) any {
	if len(p.principals()) == 1 {
		return expression("var.principals")
	}
	return expression("var.principals[" + strconv.Itoa(n) + "]")
}

func (p *plan) tfRole(b *strings.Builder) {
	hclBlock(b, `resource "aws_iam_role" "this"`, object{
		when("var.create_role"),
		{name: "name", value: expression("var.role_name")},
		{name: "path", value: pathOf(p.role)},
		{name: "max_session_duration", value: p.duration},
		{name: "assume_role_policy", value: p.encode(documentOf(p.tfBound(policy.TrustDocument)))},
	})
	inline := func(resource, name string, kind policy.Kind) {
		hclBlock(b, `resource "aws_iam_role_policy" "`+resource+`"`, object{
			{name: "name", value: name},
			{name: "role", value: expression("var.create_role ? aws_iam_role.this[0].id : var.role_name")},
			{name: "policy", value: p.encode(documentOf(p.tfBound(kind)))},
		})
	}
	inline("permissions", inlineName(p.Request.Connection), policy.PermissionsDocument)
	if p.Kit.Revocation != nil {
		inline("revocation", revocationPolicy, policy.RevocationDocument)
	}
}

// when makes a resource only if the expression is true.
func when(condition string) member {
	return member{name: "count", value: expression(condition + " ? 1 : 0")}
}

func (p *plan) tfBucket(b *strings.Builder) {
	made := when("var.create_bucket")
	bucket := member{name: "bucket", value: expression("aws_s3_bucket.this[0].id")}
	hclBlock(b, `resource "aws_s3_bucket" "this"`, p.in(p.bucketOwner, made, member{name: "bucket", value: expression("var.bucket")}))
	hclBlock(b, `resource "aws_s3_bucket_ownership_controls" "this"`, p.in(p.bucketOwner, made, bucket,
		member{name: "rule", value: block{{name: "object_ownership", value: p.ownership()}}}))
	if p.Request.Versioned {
		hclBlock(b, `resource "aws_s3_bucket_versioning" "this"`, p.in(p.bucketOwner, made, bucket,
			member{name: "versioning_configuration", value: block{{name: "status", value: "Enabled"}}}))
	}
	if p.Kit.Key != nil {
		keyARN := "local.kms_key_arn"
		if p.key.Resource == "" {
			keyARN = `local.kms_key_arn != "" ? local.kms_key_arn : null`
		}
		hclBlock(b, `resource "aws_s3_bucket_server_side_encryption_configuration" "this"`, p.in(p.bucketOwner, made, bucket,
			member{name: "rule", value: block{
				{name: "bucket_key_enabled", value: true},
				{name: "apply_server_side_encryption_by_default", value: block{
					{name: "sse_algorithm", value: "aws:kms"}, {name: "kms_master_key_id", value: expression(keyARN)},
				}},
			}}))
	}
	if p.Kit.Bucket != nil {
		hclBlock(b, `resource "aws_s3_bucket_policy" "this"`, p.in(p.bucketOwner, when("var.attach_bucket_policy || var.create_bucket"),
			member{name: "bucket", value: expression("var.create_bucket ? aws_s3_bucket.this[0].id : var.bucket")},
			member{name: "policy", value: expression("local.bucket_policy")}))
	}
}

func (p *plan) tfKey(b *strings.Builder) {
	if p.Kit.Key == nil {
		return
	}
	hclBlock(b, `resource "aws_kms_key" "this"`, p.in(p.keyOwner, when("var.create_key"),
		member{name: "description", value: "objects of the bucket " + p.Request.Connection.Bucket},
		member{name: "enable_key_rotation", value: true},
		member{name: "policy", value: expression("local.key_policy")}))
	hclBlock(b, `resource "aws_kms_key_policy" "this"`, p.in(p.keyOwner, when("var.attach_key_policy && !var.create_key"),
		member{name: "key_id", value: expression("var.kms_key_arn")},
		member{name: "policy", value: expression("local.key_policy")}))
}

func (p *plan) tfOutputs(b *strings.Builder) {
	output := func(name, about, value string) {
		hclBlock(b, `output "`+name+`"`, object{{name: "description", value: about}, {name: "value", value: expression(value)}})
	}
	output("role_arn", "tell it to the vendor", tfTemplate(strings.TrimSuffix(p.role.String(), nameOf(p.role)), "var.role_name", ""))
	output("bucket", "the bucket's name", "var.bucket")
	if p.Kit.Bucket != nil {
		output("bucket_policy", "what the bucket's policy must say", "local.bucket_policy")
	}
	if p.Kit.Key != nil {
		output("kms_key_arn", "tell it to the vendor", "local.kms_key_arn")
		output("key_policy", "what the key's policy must say", "local.key_policy")
	}
}
