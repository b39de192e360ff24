package main

import "strings"

// action is an action with its resources and condition keys.
type action struct {
	name        string
	resources   func(account string) []string
	hasPolicy   bool // its resource can have a policy
	needsPolicy bool // its resource must have a policy that allows it
	keys        []key

	forProviders bool // asked for by who comes from an identity provider
}

var actions = []action{
	{name: "s3:GetObject", resources: objects, hasPolicy: true, keys: []key{objectTag}},
	{name: "s3:PutObject", resources: objects, hasPolicy: true, keys: []key{encryption}},
	{name: "s3:ListBucket", resources: buckets, hasPolicy: true, keys: []key{prefix, maxKeys}},
	{name: "kms:Decrypt", resources: kmsKeys, hasPolicy: true, needsPolicy: true, keys: []key{via}},
	{name: "kms:GenerateDataKey", resources: kmsKeys, hasPolicy: true, needsPolicy: true, keys: []key{via}},
	{name: "sts:AssumeRole", resources: roles, hasPolicy: true, needsPolicy: true, keys: []key{externalID}},
	{name: "sts:AssumeRoleWithWebIdentity", resources: roles, hasPolicy: true, needsPolicy: true, keys: []key{subject}, forProviders: true},
	{name: "sts:GetCallerIdentity", resources: none},
	{name: "sts:GetSessionToken", resources: none},
	{name: "s3:ListAllMyBuckets", resources: none},
	{name: "iam:GetRole", resources: roles},
	{name: "iam:PassRole", resources: roles},
}

func objects(string) []string {
	return []string{"arn:aws:s3:::media/in/a.mov", "arn:aws:s3:::media/in/b/c:d.mov", "arn:aws:s3:::media/bob/x", "arn:aws:s3:::media/in/Größe Ω.mov", "arn:aws-cn:s3:::media/in/a.mov"}
}

func none(string) []string { return []string{"*"} }

func buckets(string) []string { return []string{"arn:aws:s3:::media", "arn:aws:s3:::other"} }

func kmsKeys(account string) []string {
	return []string{"arn:aws:kms:eu-west-1:" + account + ":key/1234abcd-12ab-34cd-56ef-1234567890ab"}
}

func roles(account string) []string {
	return []string{"arn:aws:iam::" + account + ":role/media", "arn:aws:iam::" + account + ":role/team/media"}
}

// kind is the type of a condition key's values.
type kind byte

const (
	text kind = iota
	number
	date
	boolean
	address
	arn
	texts // several
)

// key is a condition key with values for requests and policies; only for
// policies if it is derived.
type key struct {
	name    string
	kind    kind
	values  []string
	derived bool
}

var (
	objectTag  = key{name: "s3:ExistingObjectTag/team", kind: text, values: []string{"blue", "red", "Blue"}}
	encryption = key{name: "s3:x-amz-server-side-encryption", kind: text, values: []string{"aws:kms", "AES256"}}
	prefix     = key{name: "s3:prefix", kind: text, values: []string{"in/", "in/b", "bob/", ""}}
	maxKeys    = key{name: "s3:max-keys", kind: number, values: []string{"1", "10", "10.0", "100", "-1", "0.5", "010"}}
	via        = key{name: "kms:ViaService", kind: text, values: []string{"s3.eu-west-1.amazonaws.com", "s3.us-east-1.amazonaws.com"}}
	subject    = key{name: "accounts.google.com:sub", kind: text, values: []string{"media", "Media", "médias", "other"}}
	externalID = key{name: "sts:ExternalId", kind: text, values: []string{"x-42", "X-42", "x-4", "x-421"}}

	globalKeys = []key{
		{name: "aws:PrincipalTag/team", kind: text, values: []string{"blue", "red", "Blue", "b*"}},
		{name: "aws:PrincipalTag/Équipe", kind: text, values: []string{"blue", "Ω", "ω"}},
		{name: "aws:username", kind: text, values: []string{"bob", "eve"}},
		{name: "aws:PrincipalType", kind: text, derived: true, values: []string{"User", "AssumedRole", "Account", "Anonymous"}},
		{name: "aws:PrincipalIsAWSService", kind: boolean, derived: true, values: []string{"true", "false"}},
		{name: "aws:PrincipalOrgID", kind: text, values: []string{"o-abc", "o-xyz"}},
		{name: "aws:MultiFactorAuthAge", kind: number, values: []string{"5", "60", "3600"}},
		{name: "aws:CurrentTime", kind: date, values: []string{"2026-01-01T00:00:00Z", "2026-06-01T12:30:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01", "2026-06-01T12:30:00.5Z"}},
		{name: "aws:SecureTransport", kind: boolean, values: []string{"true", "false"}},
		{name: "aws:SourceIp", kind: address, values: []string{"10.1.2.3", "192.0.2.7", "2001:db8::7"}},
		{name: "aws:SourceArn", kind: arn, values: []string{"arn:aws:s3:::media", "arn:aws:iam::" + home + ":role/team/media"}},
		{name: "aws:PrincipalArn", kind: arn, derived: true, values: []string{
			"arn:aws:iam::" + home + ":role/worker",
			"arn:aws:iam::" + home + ":user/bob", "arn:aws:iam::" + home + ":user/*", "arn:aws:sts::" + home + ":assumed-role/worker/job",
		}},
		{name: "aws:PrincipalAccount", kind: text, derived: true, values: []string{home, away}},
		{name: "aws:ResourceAccount", kind: text, derived: true, values: []string{home, away, "${aws:PrincipalAccount}"}},
		{name: "aws:TagKeys", kind: texts, values: []string{"a", "b", "c"}},
		{name: "aws:CalledVia", kind: texts, values: []string{"athena.amazonaws.com", "cloudformation.amazonaws.com"}},
	}
)

// value returns a random value for a request.
func (k key) value(g *generator) any {
	if k.kind != texts {
		return pick(g, k.values...)
	}
	list := []string{pick(g, k.values...)}
	for g.chance(40) {
		list = append(list, pick(g, k.values...))
	}
	return list
}

var operatorsOf = map[kind][]string{
	text: {"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
	number: {
		"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
		"NumericGreaterThanEquals",
	},
	date:    {"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
	boolean: {"Bool"},
	address: {"IpAddress", "NotIpAddress"},
	arn:     {"ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"},
}

func (g *generator) condition() (op, name string, values any, ok bool) {
	k := pick(g, append(append([]key{}, globalKeys...), g.action.keys...)...)
	name = k.name
	if g.chance(15) {
		name = strings.ToUpper(name)
	}
	if g.chance(8) {
		return "Null", name, pick[any](g, "true", "false", true, false), true
	}
	if k.kind == texts {
		op = pick(g, operatorsOf[text]...)
		if g.chance(85) {
			op = pick(g, "ForAllValues:", "ForAnyValue:") + op
		}
	} else {
		op = pick(g, operatorsOf[k.kind]...)
	}
	if g.chance(25) {
		op += "IfExists"
	}
	if g.chance(4) {
		return op, name, []string{}, true
	}
	return op, name, oneOrMore(g, func() string { return g.policyValue(k) }), true
}

func (g *generator) policyValue(k key) string {
	v := pick(g, k.values...)
	switch k.kind {
	case text, texts:
		switch g.IntN(12) {
		case 0:
			return "*"
		case 1:
			return v + "*"
		case 2:
			return strings.ToUpper(v)
		case 3:
			return "${aws:username}"
		case 4:
			return "${aws:PrincipalTag/team, 'red'}*"
		case 5:
			return strings.Replace(v, "e", "?", 1)
		}
	case address:
		return pick(g, v, "10.0.0.0/8", "10.1.2.0/24", "192.0.2.0/25", "2001:db8::/32", "172.16.0.0/12")
	case arn:
		return pick(g, v, "arn:aws:s3:::*", "arn:aws:iam::*:role/*", "arn:*:iam::1*:role/team/*", "arn:aws:s3:::m?dia", "arn:aws:iam::"+away+":*")
	case number, date, boolean:
	}
	return v
}

func (g *generator) actionPattern() string {
	service, name, _ := strings.Cut(g.action.name, ":")
	return pick(g, "*", service+":*", g.action.name, strings.ToLower(g.action.name), service+":"+name[:3]+"*",
		service+":?"+name[1:], service+":Delete*", "ec2:*", g.action.name)
}

func (g *generator) rcpAction() string {
	service, name, _ := strings.Cut(g.action.name, ":")
	return pick(g, service+":*", g.action.name, service+":"+name[:3]+"*", "sqs:*")
}

func (g *generator) resourcePattern(k policyKind) string {
	r := g.c.Resource
	if r == "*" {
		r = "arn:aws:s3:::media"
	}
	if k == identityPolicy && g.chance(8) {
		return pick(g, "arn:aws", "arn:aws:s3", "arn:aws:kms", "arn:aws:iam", "arn:aws:s3:*")
	}
	head, last := r[:strings.LastIndexByte(r, ':')], r[strings.LastIndexByte(r, ':')+1:]
	kind, name, found := strings.Cut(last, "/")
	if !found { // no wildcard in the type of IAM's
		kind, name = "", last
	} else {
		kind += "/"
	}
	return pick(g, "*", r, r, head+":*", head+":"+kind+name[:1]+"*", r[:len(r)-1]+"?",
		"arn:aws:s3:::*", "arn:*:*:*:*:"+last, r[:len(r)-2]+"*", r+"/*", "arn:aws:s3:::media/${aws:username}/*",
		"arn:aws:s3:::media/${aws:PrincipalTag/team, 'in'}/*", "arn:aws:iam::*:role/*")
}
