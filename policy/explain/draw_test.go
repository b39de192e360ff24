package explain_test

import (
	"encoding/json"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
)

// drawWorld draws a request with policies whose parts are near it.
func drawWorld(t *rapid.T) (policy.Request, policy.Policies) {
	action := rapid.SampledFrom([]string{"s3:GetObject", "s3:PutObject", "kms:Decrypt", "sts:AssumeRole"}).Draw(t, "action")
	policies := func(name string, most int) []any {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any {
			statements := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return drawStatement(t, name, action) }), 1, 3).Draw(t, "statements")
			return map[string]any{"Version": "2012-10-17", "Statement": statements}
		}), 0, most).Draw(t, name)
	}
	line := map[string]any{
		"principal": rapid.SampledFrom([]string{"arn:aws:iam::111111111111:user/u", "arn:aws:sts::111111111111:assumed-role/r/s", "*", "logs.amazonaws.com"}).Draw(t, "principal"),
		"action":    action,
		"resource":  rapid.SampledFrom([]string{"arn:aws:s3:::b/k", "arn:aws:s3:::b/u/k"}).Draw(t, "resource"),
		"account":   rapid.SampledFrom([]string{"111111111111", "222222222222"}).Draw(t, "account"),
		"context": rapid.MapOfN(rapid.SampledFrom([]string{"aws:username", "aws:SecureTransport", "sts:ExternalId", "s3:x-amz-acl"}),
			rapid.SampledFrom([]string{"u", "true", "false"}), 0, 3).Draw(t, "context"),
		"identity": policies("identity", 2),
		"boundary": policies("boundary", 1),
		"scp":      [][]any{policies("scp", 1), policies("scp", 2)},
		"rcp":      policies("rcp", 1),
	}
	for _, name := range []string{"resource_policy", "session"} {
		if drawn := policies(name, 1); len(drawn) == 1 {
			line[name] = drawn[0]
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, string(text))
}

// drawStatement draws what AWS stores in a policy of the layer.
func drawStatement(t *rapid.T, layer, action string) any {
	some := func(name string, values ...string) any {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, 2, rapid.ID).Draw(t, name)
	}
	either := func(name string, values ...string) (string, any) {
		return rapid.SampledFrom([]string{"", "", "", "Not"}).Draw(t, "not") + name, some(name, values...)
	}
	effect := rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect")
	s := map[string]any{"Effect": effect}
	if layer == "rcp" {
		s["Effect"], s["Principal"], s["Action"] = "Deny", "*", some("Action", "s3:*", "s3:getobject", "kms:*", "s3:PutObject")
	} else {
		name, values := either("Action", "*", "s3:*", "s3:getobject", "kms:*", "s3:PutObject")
		s[name] = values
	}
	name, values := either("Resource", "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::b/${aws:username}/*")
	if layer != "resource_policy" || action != "sts:AssumeRole" { // a trust policy names none
		s[name] = values
	}
	if layer == "resource_policy" {
		name, values = either("Principal", "111111111111", "222222222222", "arn:aws:iam::111111111111:user/u", "arn:aws:iam::111111111111:role/r")
		if effect == "Allow" || action == "sts:AssumeRole" {
			name = "Principal"
		}
		s[name] = map[string]any{"AWS": values}
	}
	if rapid.Bool().Draw(t, "conditional") {
		operator := rapid.SampledFrom([]string{
			"StringEquals", "StringNotEquals", "StringLikeIfExists", "ForAllValues:StringEquals",
			"ForAnyValue:StringNotLike", "Bool", "Null", "ArnNotEquals",
		}).Draw(t, "operator")
		key := rapid.SampledFrom([]string{"aws:username", "aws:SecureTransport", "sts:ExternalId", "s3:x-amz-acl", "aws:PrincipalArn"}).Draw(t, "key")
		s["Condition"] = map[string]any{operator: map[string]any{key: rapid.SampledFrom([]string{"u", "true", "*", "${aws:username}"}).Draw(t, "value")}}
	}
	return s
}

// line shows a world as JSON.
func line(in policy.Request, p policy.Policies) string {
	text, err := json.Marshal(map[string]any{"request": in, "policies": p})
	if err != nil {
		return err.Error()
	}
	return string(text)
}
