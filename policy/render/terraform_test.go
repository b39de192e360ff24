package render_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/render"
)

// documents are what a form sets up, by the names of the kit's documents; the
// worker's are several.
type documents map[policy.Kind]any

// wanted are the documents of a kit, as a form should set them up.
func wanted(t *testing.T, kit policy.Kit, side render.Side) documents {
	t.Helper()
	out := documents{}
	for name, d := range map[policy.Kind]*policy.Document{
		policy.TrustDocument: kit.Trust, policy.PermissionsDocument: kit.Permissions, policy.BucketDocument: kit.Bucket,
		policy.KeyDocument: kit.Key, policy.WorkerDocument: kit.Worker, policy.RevocationDocument: kit.Revocation,
	} {
		if d != nil && (side == render.Vendor) == (name == policy.WorkerDocument) {
			out[name] = plain(t, d.JSON())
		}
	}
	return out
}

// plain decodes a document, with lists of one element as that element.
func plain(t *testing.T, text []byte) any {
	t.Helper()
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return flattened(out)
}

func flattened(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = flattened(v[name])
		}
	case []any:
		for i := range v {
			v[i] = flattened(v[i])
		}
		if len(v) == 1 {
			return v[0]
		}
	}
	return v
}

// withoutAdministration takes the statement away that keeps a key's account in
// charge.
func withoutAdministration(t *testing.T, document any) any {
	t.Helper()
	d, _ := document.(map[string]any)
	all, _ := d["Statement"].([]any)
	rest := slices.DeleteFunc(slices.Clone(all), func(s any) bool {
		text := show(t, s)
		return strings.Contains(text, `"Action":"kms:*"`) && strings.Contains(text, `:root"`)
	})
	if len(rest) != len(all)-1 {
		t.Errorf("no account administers the key: %s", show(t, document))
	}
	return flattened(map[string]any{"Version": d["Version"], "Statement": rest})
}

func show(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// others are values that an administrator may give to the parameters.
type others struct{ role, bucket, key string }

var elsewhere = others{"another-role", "another-bucket", "arn:aws:kms:eu-central-1:333344445555:key/another"}

// changed is a request as if it had been made with the others.
func changed(r policy.KitRequest, to others) policy.KitRequest {
	arn := r.Connection.RoleARN
	r.Connection.RoleARN = arn[:strings.LastIndexByte(arn, '/')+1] + to.role
	r.Connection.Bucket = to.bucket
	if e := r.Connection.Encryption; e != nil && e.Key != "" {
		owner, err := rolecall.ParseARN(e.Key)
		if err != nil {
			panic(err)
		}
		another := *e
		another.Key = to.keyLike(owner)
		r.Connection.Encryption = &another
	}
	r.ExternalIDs = withSuffix(r.ExternalIDs, "-next")
	if r.Form != policy.ByAccount {
		r.Principals = withSuffix(r.Principals, "-next")
	}
	return r
}

// keyLike is a key in the place of another, which a stack cannot leave.
func (o others) keyLike(a rolecall.ARN) string {
	a.Resource = "key/another"
	return a.String()
}

func withSuffix(all []string, suffix string) []string {
	var out []string
	for _, s := range all {
		out = append(out, s+suffix)
	}
	return out
}

// module is a Terraform module that has been parsed.
type module struct {
	t         *testing.T
	body      *hclsyntax.Body
	variables map[string]cty.Value
	context   *hcl.EvalContext
}

func parseModule(t *testing.T, text []byte, set map[string]cty.Value) *module {
	t.Helper()
	file, faults := hclsyntax.ParseConfig(text, "main.tf", hcl.InitialPos)
	if faults.HasErrors() {
		t.Fatal(faults)
	}
	m := &module{t: t, variables: map[string]cty.Value{}}
	m.body, _ = file.Body.(*hclsyntax.Body)
	m.context = &hcl.EvalContext{Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc, "concat": stdlib.ConcatFunc, "replace": stdlib.ReplaceFunc}}
	for _, b := range m.body.Blocks {
		if b.Type == "variable" {
			m.variables[b.Labels[0]] = m.value(b.Body, "default")
		}
	}
	for name, value := range set {
		if _, known := m.variables[name]; known {
			m.variables[name] = value
		}
	}
	made := func(attributes map[string]cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"this": cty.TupleVal([]cty.Value{cty.ObjectVal(attributes)})})
	}
	arn := cty.StringVal("arn:aws:kms:eu-central-1:111122223333:key/made")
	m.context.Variables = map[string]cty.Value{
		"var":           cty.ObjectVal(m.variables),
		"aws_kms_key":   made(map[string]cty.Value{"arn": arn}),
		"aws_s3_bucket": made(map[string]cty.Value{"id": m.variables["bucket"]}),
		"aws_iam_role":  made(map[string]cty.Value{"id": m.variables["role_name"]}),
		"aws":           cty.ObjectVal(map[string]cty.Value{"bucket": cty.StringVal("bucket"), "key": cty.StringVal("key")}),
	}
	for _, b := range m.body.Blocks {
		if b.Type != "locals" {
			continue
		}
		locals := map[string]cty.Value{"kms_key_arn": cty.NullVal(cty.String)}
		if b.Body.Attributes["kms_key_arn"] != nil {
			locals["kms_key_arn"] = m.value(b.Body, "kms_key_arn")
		}
		m.context.Variables["local"] = cty.ObjectVal(locals)
		for name := range b.Body.Attributes {
			locals[name] = m.value(b.Body, name)
		}
		m.context.Variables["local"] = cty.ObjectVal(locals)
	}
	return m
}

func (m *module) value(body *hclsyntax.Body, name string) cty.Value {
	m.t.Helper()
	attribute := body.Attributes[name]
	if attribute == nil {
		m.t.Fatalf("%s: no attribute %s", body.SrcRange, name)
	}
	value, faults := attribute.Expr.Value(m.context)
	if faults.HasErrors() {
		m.t.Fatal(faults)
	}
	return value
}

// documents evaluates each policy of the module; each attribute of each
// resource and output has a value.
func (m *module) documents() documents {
	m.t.Helper()
	out := documents{}
	for _, b := range m.body.Blocks {
		if b.Type != "resource" && b.Type != "output" {
			continue
		}
		values := map[string]cty.Value{}
		for name := range b.Body.Attributes {
			if name != "provider" {
				values[name] = m.value(b.Body, name)
			}
		}
		if b.Type == "output" {
			continue
		}
		if count, ok := values["count"]; ok && count.AsBigFloat().Sign() == 0 {
			continue
		}
		policyOf := func(attribute string) any {
			text := values[attribute].AsString()
			if strings.ContainsFunc(text, func(r rune) bool { return r > 0xff }) {
				m.t.Errorf("IAM takes no such characters: %s", text)
			}
			return plain(m.t, []byte(text))
		}
		switch b.Labels[0] {
		case "aws_iam_role":
			out[policy.TrustDocument] = policyOf("assume_role_policy")
		case "aws_iam_role_policy", "aws_iam_user_policy":
			name := policy.Kind(b.Labels[1])
			if strings.HasPrefix(b.Labels[1], "worker") {
				name = policy.WorkerDocument
			}
			if before, again := out[name]; again && !reflect.DeepEqual(before, policyOf("policy")) {
				m.t.Errorf("%s differs from the others", b.Labels[1])
			}
			out[name] = policyOf("policy")
		case "aws_s3_bucket_policy":
			out[policy.BucketDocument] = policyOf("policy")
		case "aws_kms_key", "aws_kms_key_policy":
			if _, again := out[policy.KeyDocument]; again {
				m.t.Error("the key gets two policies")
			}
			out[policy.KeyDocument] = withoutAdministration(m.t, policyOf("policy"))
		}
	}
	return out
}

func list(all []string) cty.Value {
	var out []cty.Value
	for _, s := range all {
		out = append(out, cty.StringVal(s))
	}
	return cty.TupleVal(out)
}

// The module says what the kit says, and with other values in its variables
// what the kit for those says.
func TestTerraformSaysWhatTheKitSays(t *testing.T) {
	t.Parallel()
	for name, request := range requests {
		for _, side := range []render.Side{render.Customer, render.Vendor} {
			t.Run(name+" "+string(side), func(t *testing.T) {
				t.Parallel()
				s := setup(t, request, side)
				text := rendered(t, render.Terraform, s)
				if diff := cmp.Diff(string(hclwrite.Format(text)), string(text)); diff != "" {
					t.Errorf("not as terraform fmt writes (-fmt +got):\n%s", diff)
				}
				attach := map[string]cty.Value{"attach_key_policy": cty.True, "attach_bucket_policy": cty.True}
				if diff := cmp.Diff(wanted(t, s.Kit, side), parseModule(t, text, attach).documents()); diff != "" {
					t.Errorf("-kit +module:\n%s", diff)
				}
				if side == render.Vendor {
					return
				}
				other := changed(request, elsewhere)
				set := map[string]cty.Value{
					"role_name": cty.StringVal(elsewhere.role), "bucket": cty.StringVal(elsewhere.bucket),
					"external_ids": list(other.ExternalIDs), "principals": list(other.Principals), "attach_key_policy": cty.True, "attach_bucket_policy": cty.True,
				}
				if e := other.Connection.Encryption; e != nil {
					set["kms_key_arn"] = cty.StringVal(e.Key)
				}
				want := wanted(t, setup(t, other, side).Kit, side)
				if diff := cmp.Diff(named(want), named(parseModule(t, text, set).documents())); diff != "" {
					t.Errorf("with other values (-kit +module):\n%s", diff)
				}
			})
		}
	}
}

// What a bucket's and a key's policy say besides is kept, and nothing of
// others is touched unless it is asked for.
func TestTerraformLeavesTheRest(t *testing.T) {
	t.Parallel()
	text := rendered(t, render.Terraform, setup(t, requests["delivery-cross"], render.Customer))
	byDefault := parseModule(t, text, nil).documents()
	if byDefault[policy.KeyDocument] != nil || byDefault[policy.BucketDocument] != nil {
		t.Error("the policy of the key or bucket that is there is replaced without being asked")
	}
	shared := parseModule(t, text, map[string]cty.Value{"create_role": cty.False}).documents()
	if shared[policy.TrustDocument] != nil || shared[policy.PermissionsDocument] == nil {
		t.Errorf("a role that is there already gets %s", show(t, shared))
	}
	theirs := cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"Sid": cty.StringVal("Theirs"), "Effect": cty.StringVal("Deny")})})
	m := parseModule(t, text, map[string]cty.Value{"bucket_policy_statements": theirs, "key_policy_statements": theirs, "create_key": cty.True, "attach_bucket_policy": cty.True})
	for name, d := range m.documents() {
		if kept := strings.Contains(show(t, d), `"Sid":"Theirs"`); kept != (name == policy.BucketDocument || name == policy.KeyDocument) {
			t.Errorf("%s: %s", name, show(t, d))
		}
	}
	if got := show(t, m.documents()[policy.PermissionsDocument]); !strings.Contains(got, "key/made") {
		t.Errorf("the key that the module makes is not the one allowed: %s", got)
	}
}
