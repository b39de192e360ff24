package render_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/render"
)

// stack is a template, as CloudFormation would make a stack of it in an
// account.
type stack struct {
	t          *testing.T
	account    string
	parameters map[string]any
	conditions map[string]*yaml.Node
	resources  map[string]*yaml.Node
	outputs    map[string]*yaml.Node
}

func members(n *yaml.Node) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	if n == nil {
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		out[n.Content[i].Value] = n.Content[i+1]
	}
	return out
}

func parseStack(t *testing.T, text []byte, account string, set map[string]any) *stack {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	top := members(root.Content[0])
	s := &stack{
		t: t, account: account, parameters: map[string]any{},
		conditions: members(top["Conditions"]), resources: members(top["Resources"]), outputs: members(top["Outputs"]),
	}
	for name, parameter := range members(top["Parameters"]) {
		s.parameters[name] = members(parameter)["Default"].Value
		if value, given := set[name]; given {
			s.parameters[name] = value
		}
	}
	for name := range set {
		if _, known := s.parameters[name]; !known {
			t.Fatalf("the template has no parameter %s", name)
		}
	}
	return s
}

func (s *stack) holds(condition string) bool {
	s.t.Helper()
	if s.conditions[condition] == nil {
		s.t.Fatalf("no condition %s", condition)
	}
	return s.resolve(s.conditions[condition]) == true
}

// made returns the resources of the account.
func (s *stack) made() map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	for name, r := range s.resources {
		if c := members(r)["Condition"]; c == nil || s.holds(c.Value) {
			out[name] = r
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

// resolve returns the value of a node, with CloudFormation's functions done.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
func (s *stack) resolve(n *yaml.Node) any {
	s.t.Helper()
	all := func() (out []any) {
		for _, one := range n.Content {
			out = append(out, s.resolve(one))
		}
		return out
	}
	switch n.Tag {
	case "!Ref":
		return s.ref(n.Value)
	case "!Sub":
		return placeholder.ReplaceAllStringFunc(n.Value, func(found string) string {
			part := placeholder.FindStringSubmatch(found)
			if part[1] == "!" {
				return "${" + part[2] + "}"
			}
			return fmt.Sprint(s.ref(part[2]))
		})
	case "!GetAtt":
		name, _, _ := strings.Cut(n.Value, ".")
		if s.made()[name] == nil {
			s.t.Errorf("%s of a resource that is not made", n.Value)
		}
		return "arn:of:" + name
	case "!Equals":
		pair := all()
		return reflect.DeepEqual(pair[0], pair[1])
	case "!And":
		return !slices.Contains(all(), any(false))
	case "!Or":
		return slices.Contains(all(), any(true))
	case "!Condition":
		return s.holds(n.Value)
	case "!If":
		if s.holds(n.Content[0].Value) {
			return s.resolve(n.Content[1])
		}
		return s.resolve(n.Content[2])
	case "!!str":
		return n.Value
	case "!!bool":
		return n.Value == "true"
	case "!!int":
		i, err := strconv.ParseFloat(n.Value, 64)
		if err != nil {
			s.t.Error(err)
		}
		return i
	case "!!map":
		out := map[string]any{}
		for name, value := range members(n) {
			if v := s.resolve(value); v != noValue {
				out[name] = v
			}
		}
		return out
	case "!!seq":
		return all()
	}
	s.t.Errorf("line %d: %s is not known", n.Line, n.Tag)
	return nil
}

// noValue takes a property away.
var noValue any = new(int)

func (s *stack) ref(name string) any {
	s.t.Helper()
	value, parameter := s.parameters[name]
	switch {
	case name == "AWS::AccountId":
		return s.account
	case name == "AWS::NoValue":
		return noValue
	case parameter:
		return value
	case s.made()[name] != nil:
		return "name-of-" + name
	}
	s.t.Errorf("nothing is named %s", name)
	return nil
}

// documents returns the policies that the stack sets up.
func (s *stack) documents() documents {
	s.t.Helper()
	out := documents{}
	put := func(name policy.Kind, d any) {
		if before, again := out[name]; again && !reflect.DeepEqual(before, flattened(d)) {
			s.t.Errorf("two documents %s", name)
		}
		out[name] = flattened(d)
	}
	for name, r := range s.made() {
		m := members(r)
		kind := m["Type"].Value
		properties, _ := s.resolve(m["Properties"]).(map[string]any)
		checkSchema(s.t, kind, properties)
		switch kind {
		case "AWS::IAM::Role":
			put(policy.TrustDocument, properties["AssumeRolePolicyDocument"])
		case "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy":
			if strings.HasPrefix(name, "Worker") {
				name = "worker"
			}
			put(policy.Kind(strings.ToLower(name)), properties["PolicyDocument"])
		case "AWS::S3::BucketPolicy":
			put(policy.BucketDocument, properties["PolicyDocument"])
		case "AWS::KMS::Key":
			put(policy.KeyDocument, withoutAdministration(s.t, flattened(properties["KeyPolicy"])))
		}
	}
	for _, o := range s.outputs {
		if c := members(o)["Condition"]; c == nil || s.holds(c.Value) {
			s.resolve(members(o)["Value"])
		}
	}
	return out
}

// checkSchema compares properties with what is kept of their type's schema.
func checkSchema(t *testing.T, kind string, properties any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "schema", strings.ReplaceAll(kind, "::", "-")+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for _, fault := range schemaFaults(kind, schema, properties) {
		t.Error(fault)
	}
}

// schemaFaults says where a value does not fit a JSON schema. Objects have
// no members but those that the schema names, as in CloudFormation.
func schemaFaults(at string, schema map[string]any, value any) (faults []string) {
	add := func(format string, args ...any) { faults = append(faults, at+": "+fmt.Sprintf(format, args...)) }
	types, several := schema["type"].([]any)
	if !several {
		types = []any{schema["type"]}
	}
	kind := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Float64: "integer", reflect.Map: "object", reflect.Slice: "array"}[reflect.ValueOf(value).Kind()]
	if !slices.Contains(types, any(kind)) {
		add("%v is no %v", value, types)
		return faults
	}
	switch v := value.(type) {
	case map[string]any:
		known, closed := schema["properties"].(map[string]any)
		if !closed {
			return faults // a policy document
		}
		for name, member := range v {
			inner, ok := known[name].(map[string]any)
			if !ok {
				add("%s is unknown", name)
				continue
			}
			faults = append(faults, schemaFaults(at+"."+name, inner, member)...)
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				add("%s is missing", name)
			}
		}
	case []any:
		inner, _ := schema["items"].(map[string]any)
		for i, item := range v {
			faults = append(faults, schemaFaults(at+"."+strconv.Itoa(i), inner, item)...)
		}
	case string:
		if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, value) {
			add("%q is none of %v", v, enum)
		}
		if pattern, ok := schema["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v) {
			add("%q is not like %s", v, pattern)
		}
		if most, ok := schema["maxLength"].(float64); ok && len(v) > int(most) {
			add("%q is too long", v)
		}
	case float64:
		if least, ok := schema["minimum"].(float64); ok && v < least {
			add("%v is too little", v)
		}
		if most, ok := schema["maximum"].(float64); ok && v > most {
			add("%v is too much", v)
		}
	}
	return faults
}

// named are the documents with Sids that do not say of which connection they are:
// a template goes on to say that it is the one that it was made for.
func named(d documents) documents {
	out := documents{}
	for kind, document := range d {
		out[kind] = unsuffixed(document)
	}
	return out
}

func unsuffixed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			if sid, ok := value.(string); ok && name == "Sid" {
				value = digest.ReplaceAllString(sid, "")
			}
			out[name] = unsuffixed(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = unsuffixed(v[i])
		}
		return out
	}
	return v
}

var digest = regexp.MustCompile("[0-9a-f]{8}$")

func accountsOf(s render.Setup) []string {
	out := []string{"111122223333", "222233334444", "333344445555", "444455556666"}
	for _, p := range s.Request.Principals {
		out = append(out, strings.Split(p, ":")[4])
	}
	return out
}

// all returns what the stacks of all accounts set up together.
func all(t *testing.T, s render.Setup, set map[string]any) documents {
	t.Helper()
	out := documents{}
	text := rendered(t, render.CloudFormation, s)
	for _, account := range accountsOf(s) {
		for name, d := range parseStack(t, text, account, set).documents() {
			if before, again := out[name]; again && !reflect.DeepEqual(before, d) {
				t.Errorf("two accounts get a %s", name)
			}
			out[name] = d
		}
	}
	return out
}

// The template says what the kit says, and with other values in its
// parameters what the kit for those says.
func TestCloudFormationSaysWhatTheKitSays(t *testing.T) {
	t.Parallel()
	for name, request := range requests {
		if name == "odd-names" {
			continue // refused
		}
		for _, side := range []render.Side{render.Customer, render.Vendor} {
			t.Run(name+" "+string(side), func(t *testing.T) {
				t.Parallel()
				s := setup(t, request, side)
				attach := func(set map[string]any) map[string]any {
					if s.Kit.Bucket != nil && side == render.Customer {
						set["AttachBucketPolicy"] = "yes"
					}
					return set
				}
				set := attach(map[string]any{})
				want := wanted(t, s.Kit, side)
				delete(want, policy.KeyDocument) // no stack changes a key that is there
				if diff := cmp.Diff(want, all(t, s, set)); diff != "" {
					t.Errorf("-kit +stacks:\n%s", diff)
				}
				if side == render.Vendor {
					return
				}
				other := changed(request, elsewhere)
				set = attach(map[string]any{"RoleName": elsewhere.role, "BucketName": elsewhere.bucket})
				number := func(name string, values []string) {
					for i, v := range values {
						set[name+strings.TrimPrefix(strconv.Itoa(i+1), "1")] = v
					}
				}
				number("ExternalId", other.ExternalIDs)
				if request.Form != policy.ByAccount {
					number("Principal", other.Principals)
				}
				if e := other.Connection.Encryption; e != nil && e.Key != "" {
					set["KeyArn"] = e.Key
				}
				want = wanted(t, setup(t, other, side).Kit, side)
				delete(want, policy.KeyDocument)
				if diff := cmp.Diff(named(want), named(all(t, s, set))); diff != "" {
					t.Errorf("with other values (-kit +stacks):\n%s", diff)
				}
				if s.Kit.Key == nil {
					return
				}
				made := all(t, s, map[string]any{"CreateKey": "yes", "CreateBucket": "yes"})
				if diff := cmp.Diff(wanted(t, s.Kit, side)[policy.KeyDocument], made[policy.KeyDocument]); diff != "" {
					t.Errorf("the key that is made (-kit +stacks):\n%s", diff)
				}
			})
		}
	}
}

// Each account gets what belongs there, and another nothing.
func TestCloudFormationKeepsAccountsApart(t *testing.T) {
	t.Parallel()
	text := rendered(t, render.CloudFormation, setup(t, requests["delivery-cross"], render.Customer))
	shared := parseStack(t, text, "111122223333", map[string]any{"CreateRole": "no"})
	if got := shared.documents(); len(got) != 1 || got[policy.PermissionsDocument] == nil {
		t.Errorf("a role that is there already gets %s", show(t, got))
	}
	if got := parseStack(t, text, "222233334444", nil).made(); len(got) != 0 {
		t.Errorf("a bucket that is there gets %v, unasked", got)
	}
	yes := map[string]any{"CreateKey": "yes", "CreateBucket": "yes"}
	for account, want := range map[string][]string{
		"111122223333": {"Permissions", "Role"}, "222233334444": {"Bucket", "BucketPolicy"}, "333344445555": {"Key"}, "444455556666": nil,
	} {
		var got []string
		for name, r := range parseStack(t, text, account, yes).made() {
			got = append(got, name)
			if kept := members(r)["DeletionPolicy"]; (name == "Bucket" || name == "Key") && (kept == nil || kept.Value != "Retain") {
				t.Errorf("%s goes with the stack", name)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", account, diff)
		}
	}
}
