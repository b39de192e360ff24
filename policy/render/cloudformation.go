package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

func sub(s string) expression { return expression("!Sub " + quoted(s)) }

func ref(name string) expression { return expression("!Ref " + name) }

// literal keeps a text that goes into !Sub as it is.
func literal(s string) string { return strings.ReplaceAll(s, "${", "${!") }

// cloudFormation is a template that makes, in each account, what belongs
// there.
func (p *plan) cloudFormation() []byte {
	var b strings.Builder
	about := fmt.Sprintf("rolecall: the %s bucket %s", p.Request.Connection.Purpose, p.Request.Connection.Bucket)
	if p.Side == Vendor {
		about = "rolecall: workers may assume customers' roles"
	}
	b.WriteString(comment("", "Make a stack of it in each account named here; it makes there what belongs to the account:"))
	for _, a := range p.accounts() {
		b.WriteString(comment("", a.id+" gets "+strings.Join(a.does, ", and ")))
	}
	template := object{
		{name: "AWSTemplateFormatVersion", value: "2010-09-09"},
		{name: "Description", value: about},
	}
	if p.Side == Vendor {
		template = append(template, p.cfnWorkers()...)
	} else {
		template = append(template, p.cfnCustomer()...)
	}
	writeYAML(&b, "", template)
	return []byte(b.String())
}

func inAccountCondition(id string) expression {
	return expression(`!Equals [!Ref "AWS::AccountId", ` + quoted(id) + "]")
}

func (p *plan) cfnWorkers() []member {
	conditions, resources := object{}, object{}
	for i, w := range p.workers {
		n := strconv.Itoa(i + 1)
		conditions = append(conditions, member{name: "HasWorker" + n, value: inAccountCondition(w.Account)})
		kind := "Role"
		if isUser(w) {
			kind = "User"
		}
		resources = append(resources, resource("Worker"+n, "AWS::IAM::"+kind+"Policy", "HasWorker"+n, object{
			{name: kind + "Name", value: nameOf(w)},
			{name: "PolicyName", value: workerPolicy},
			{name: "PolicyDocument", value: documentOf(p.statements(policy.WorkerDocument))},
		}))
	}
	return []member{{name: "Conditions", value: conditions}, {name: "Resources", value: resources}}
}

func resource(name, kind, condition string, properties object, more ...member) member {
	value := append(object{{name: "Type", value: expression(kind)}, {name: "Condition", value: expression(condition)}}, more...)
	return member{name: name, value: append(value, member{name: "Properties", value: properties})}
}

// kept keep a resource when its stack is deleted.
var kept = []member{{name: "DeletionPolicy", value: expression("Retain")}, {name: "UpdateReplacePolicy", value: expression("Retain")}}

func (p *plan) cfnCustomer() []member {
	out := []member{{name: "Parameters", value: p.cfnParameters()}, {name: "Conditions", value: p.cfnConditions()}}
	var metadata object
	if p.Kit.Bucket != nil {
		metadata = append(metadata, member{
			name: "BucketPolicy", value: documentOf(p.statements(policy.BucketDocument)),
			comment: "For a bucket that is there: add these statements to those that its policy has. A bucket that CreateBucket makes has them.",
		})
	}
	if p.Kit.Key != nil {
		metadata = append(metadata, member{
			name: "KeyPolicy", value: documentOf(p.statements(policy.KeyDocument)),
			comment: "A stack cannot change the policy of a key that is there. Add these statements to those that it has; " +
				"a key that CreateKey makes has them.",
		})
	}
	if metadata != nil {
		out = append([]member{{name: "Metadata", value: metadata}}, out...)
	}
	resources := p.cfnRole()
	resources = append(resources, p.cfnBucket()...)
	outputs := object{{name: "RoleArn", value: object{
		{name: "Condition", value: expression("MakeRole")}, {name: "Value", value: expression("!GetAtt Role.Arn")},
	}}}
	if p.Kit.Key != nil {
		resources = append(resources, p.cfnKey())
		outputs = append(outputs, member{name: "KeyArn", value: object{
			{name: "Description", value: "tell it to the vendor"},
			{name: "Condition", value: expression("MakeKey")},
			{name: "Value", value: expression("!GetAtt Key.Arn")},
		}})
	}
	return append(out, member{name: "Resources", value: resources}, member{name: "Outputs", value: outputs})
}

func (p *plan) cfnParameters() object {
	parameter := func(name, about, value string) member {
		return member{name: name, value: object{
			{name: "Type", value: expression("String")}, {name: "Description", value: about}, {name: "Default", value: value},
		}}
	}
	choice := func(name, about, value string) member {
		m := parameter(name, about, value)
		o, _ := m.value.(object)
		m.value = append(o, member{name: "AllowedValues", value: list{"yes", "no"}})
		return m
	}
	out := object{
		parameter("RoleName", "name of the role; the vendor knows it by its ARN", nameOf(p.role)),
		choice("CreateRole", "no for a role that another connection has already: it gets this connection's permissions besides", "yes"),
	}
	for i, id := range distinct(p.Request.ExternalIDs) {
		out = append(out, parameter(numbered("ExternalId", i), "external id that the vendor gave", id))
	}
	if p.Request.Form != policy.ByAccount {
		for i, arn := range p.principals() {
			out = append(out, parameter(numbered("Principal", i), "ARN of a worker of the vendor's", arn))
		}
	}
	out = append(out,
		parameter("BucketName", "name of the bucket", p.Request.Connection.Bucket),
		choice("CreateBucket", "yes makes the bucket", "no"))
	if p.Kit.Bucket != nil {
		out = append(out, choice("AttachBucketPolicy", "yes replaces the policy of a bucket that is there; else add the statements under Metadata to it. A bucket that CreateBucket makes has it", "no"))
	}
	if p.Kit.Key != nil {
		if p.key.Resource != "" {
			out = append(out, parameter("KeyArn", "ARN of the bucket's KMS key", p.key.String()))
		}
		out = append(out, choice("CreateKey", "yes makes a KMS key for the bucket", "no"))
	}
	return out
}

// numbered names the first of several ExternalId, the next ExternalId2.
func numbered(name string, i int) string {
	if i == 0 {
		return name
	}
	return name + strconv.Itoa(i+1)
}

func (p *plan) cfnConditions() object {
	chosen := func(account, parameter string) expression {
		return expression("!And [!Condition " + account + ", !Equals [!Ref " + parameter + `, "yes"]]`)
	}
	out := object{
		{name: "InRoleAccount", value: inAccountCondition(p.role.Account)},
		{name: "MakeRole", value: chosen("InRoleAccount", "CreateRole")},
		{name: "InBucketAccount", value: inAccountCondition(p.bucketOwner)},
		{name: "MakeBucket", value: chosen("InBucketAccount", "CreateBucket")},
	}
	if p.Kit.Bucket != nil {
		out = append(out, member{name: "HasBucketPolicy", value: expression(`!And [!Condition InBucketAccount, !Or [!Equals [!Ref CreateBucket, "yes"], !Equals [!Ref AttachBucketPolicy, "yes"]]]`)})
	}
	if p.Kit.Key != nil {
		out = append(out,
			member{name: "InKeyAccount", value: inAccountCondition(p.keyOwner)},
			member{name: "MakeKey", value: chosen("InKeyAccount", "CreateKey")})
	}
	return out
}

// cfnBound is a document with the template's parameters in it.
func (p *plan) cfnBound(kind policy.Kind) object {
	ids := func(values []string) any {
		out := list{}
		for i := range values {
			out = append(out, ref(numbered("ExternalId", i)))
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	}
	bucket := "arn:" + p.role.Partition + ":s3:::"
	statements := p.statements(kind)
	for i, s := range statements {
		c, _ := s.(commented)
		statements[i] = commented{c.comment, p.bind(c.value, binding{
			externalIDs: ids,
			principal:   func(n int) any { return ref(numbered("Principal", n)) },
			role:        func(prefix string) any { return sub(literal(prefix) + "${RoleName}") },
			keyARN:      p.cfnKeyARN(),
			inBucket:    func(rest string) any { return sub(bucket + "${BucketName}" + literal(rest)) },
		})}
	}
	return documentOf(statements)
}

func (p *plan) cfnKeyARN() expression { return "!If [MakeKey, !GetAtt Key.Arn, !Ref KeyArn]" }

func (p *plan) cfnRole() object {
	inline := func(name string, kind policy.Kind) object {
		return object{
			{name: "RoleName", value: expression("!If [MakeRole, !Ref Role, !Ref RoleName]")},
			{name: "PolicyName", value: name},
			{name: "PolicyDocument", value: p.cfnBound(kind)},
		}
	}
	out := object{
		resource("Role", "AWS::IAM::Role", "MakeRole", object{
			{name: "RoleName", value: ref("RoleName")},
			{name: "Path", value: pathOf(p.role)},
			{name: "MaxSessionDuration", value: p.duration},
			{name: "AssumeRolePolicyDocument", value: p.cfnBound(policy.TrustDocument)},
		}),
		resource("Permissions", "AWS::IAM::RolePolicy", "InRoleAccount", inline(inlineName(p.Request.Connection), policy.PermissionsDocument)),
	}
	if p.Kit.Revocation != nil {
		out = append(out, resource("Revocation", "AWS::IAM::RolePolicy", "InRoleAccount", inline(revocationPolicy, policy.RevocationDocument)))
	}
	return out
}

func (p *plan) cfnBucket() []member {
	properties := object{
		{name: "BucketName", value: ref("BucketName")},
		{name: "OwnershipControls", value: object{{name: "Rules", value: list{object{{name: "ObjectOwnership", value: p.ownership()}}}}}},
		{name: "PublicAccessBlockConfiguration", value: object{
			{name: "BlockPublicAcls", value: true},
			{name: "BlockPublicPolicy", value: true},
			{name: "IgnorePublicAcls", value: true},
			{name: "RestrictPublicBuckets", value: true},
		}},
	}
	if p.Request.Versioned {
		properties = append(properties, member{name: "VersioningConfiguration", value: object{{name: "Status", value: "Enabled"}}})
	}
	if p.Kit.Key != nil {
		byDefault := object{{name: "SSEAlgorithm", value: "aws:kms"}}
		switch {
		case p.key.Resource != "":
			byDefault = append(byDefault, member{name: "KMSMasterKeyID", value: p.cfnKeyARN()})
		default:
			byDefault = append(byDefault, member{name: "KMSMasterKeyID", value: expression(`!If [MakeKey, !GetAtt Key.Arn, !Ref "AWS::NoValue"]`)})
		}
		properties = append(properties, member{name: "BucketEncryption", value: object{{name: "ServerSideEncryptionConfiguration", value: list{
			object{{name: "ServerSideEncryptionByDefault", value: byDefault}, {name: "BucketKeyEnabled", value: true}},
		}}}})
	}
	out := []member{resource("Bucket", "AWS::S3::Bucket", "MakeBucket", properties, kept...)}
	if p.Kit.Bucket != nil {
		out = append(out, resource("BucketPolicy", "AWS::S3::BucketPolicy", "HasBucketPolicy", object{
			{name: "Bucket", value: expression("!If [MakeBucket, !Ref Bucket, !Ref BucketName]")},
			{name: "PolicyDocument", value: p.cfnBound(policy.BucketDocument)},
		}))
	}
	return out
}

func (p *plan) cfnKey() member {
	bound := p.cfnBound(policy.KeyDocument)
	statements, _ := bound[1].value.(list)
	return resource("Key", "AWS::KMS::Key", "MakeKey", object{
		{name: "Description", value: "objects of the bucket " + p.Request.Connection.Bucket},
		{name: "EnableKeyRotation", value: true},
		{name: "KeyPolicy", value: documentOf(append(list{p.rootStatement()}, statements...))},
	}, kept...)
}
