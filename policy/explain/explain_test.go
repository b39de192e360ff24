package explain_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a value as JSON with a file.
func golden(t *testing.T, name string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func read(t rapid.TB, line string) (policy.Request, policy.Policies) {
	t.Helper()
	in, policies, err := policy.ReadRequest([]byte(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return in, policies
}

// assume is a worker's AssumeRole that lacks the right external id and is
// denied by an organization.
const assume = `{"principal":"arn:aws:sts::111111111111:assumed-role/worker/i-1","action":"sts:AssumeRole",
	"resource":"arn:aws:iam::222222222222:role/cust","account":"222222222222","context":{"sts:ExternalId":"X-42"},
	"identity":[{"Version":"2012-10-17","Statement":{"Sid":"Assume","Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}],
	"resource_policy":{"Version":"2012-10-17","Statement":[
		{"Sid":"Trust","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/worker"},"Action":"sts:AssumeRole",
		 "Condition":{"StringEquals":{"sts:ExternalId":"x-42"}}},
		{"Sid":"Audit","Effect":"Allow","Principal":{"AWS":"333333333333"},"NotAction":["sts:AssumeRole","sts:TagSession"]}]},
	"scp":[[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}],
	       [{"Version":"2012-10-17","Statement":{"Sid":"Regions","Effect":"Deny","Action":"sts:*","Resource":"*"}}]]}`

func TestTree(t *testing.T) {
	t.Parallel()
	golden(t, "tree.json", explain.Tree(read(t, assume)))
	golden(t, "tree-allowed.json", explain.Tree(read(t, `{"principal":"arn:aws:sts::111111111111:assumed-role/media/s","action":"s3:GetObject",
		"resource":"arn:aws:s3:::b/k","account":"111111111111","identity":[`+document(sqs)+`],
		"resource_policy":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/media"},
		"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}}`)))
}

func TestTreeSaysWhatAnAllowIsWorth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ principal, account, named, want string }{
		{"arn:aws:iam::111111111111:user/u", "111111111111", "arn:aws:iam::111111111111:user/u", "to the requester itself"},
		{"arn:aws:sts::111111111111:assumed-role/r/s", "111111111111", "arn:aws:iam::111111111111:role/r", "to the requester's role"},
		{"arn:aws:iam::111111111111:user/u", "111111111111", "111111111111", "to the requester's account"},
		{"arn:aws:iam::111111111111:user/u", "222222222222", "arn:aws:iam::111111111111:user/u", "from another account"},
		{"*", "222222222222", "*", "a statement allows it"},
	} {
		tree := explain.Tree(read(t, `{"principal":"`+c.principal+`","account":"`+c.account+`","action":"s3:GetObject","resource":"arn:aws:s3:::b/k",
			"resource_policy":`+document(`{"Effect":"Allow","Principal":{"AWS":"`+c.named+`"},"Action":"*","Resource":"*"}`)+`}`))
		if b := tree.Layers[0]; b.Outcome != explain.Allows || !strings.Contains(b.Why, c.want) {
			t.Errorf("%+v: %+v", c, b)
		}
	}
}

func TestUnmetSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for want, u := range map[string]explain.Unmet{
		`action is s3:PutObject, wanted s3:GetObject or s3:List*`:         {Element: "Action", Got: []string{"s3:PutObject"}, Wanted: []string{"s3:GetObject", "s3:List*"}},
		`NotAction excepts the action sts:AssumeRole`:                     {Element: "NotAction", Got: []string{"sts:AssumeRole"}, Wanted: []string{"sts:*"}},
		`the statement names no principal`:                                {Element: "Principal", Got: []string{"*"}},
		`sts:ExternalId is "X-42", StringEquals wants "x-42"`:             {Element: "Condition", Key: "sts:ExternalId", Operator: "StringEquals", Got: []string{"X-42"}, Wanted: []string{"x-42"}},
		`s3:prefix is not in the request, StringLike wants "a/*" or "a/"`: {Element: "Condition", Key: "s3:prefix", Operator: "StringLike", Wanted: []string{"a/*", "a/"}},
	} {
		if got := u.String(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// The tree shows what the decision says.
func TestTreeAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, policies := drawWorld(t)
		tree := explain.Tree(in, policies)
		outcomes := map[explain.Outcome][]policy.Layer{}
		for _, b := range tree.Layers {
			outcomes[b.Outcome] = append(outcomes[b.Outcome], b.Policy)
		}
		lacks := append(slices.Clone(tree.Missing), tree.AlsoMissing...)
		for _, layer := range lacks {
			if !slices.Contains(outcomes[explain.Lacks], layer) && !slices.Contains(outcomes[explain.Denies], layer) {
				t.Errorf("%s is missing and not shown: %+v", layer, tree)
			}
		}
		for _, layer := range outcomes[explain.Lacks] {
			if !slices.Contains(lacks, layer) {
				t.Errorf("%s is shown and not missing: %+v", layer, tree)
			}
		}
		if denies := len(outcomes[explain.Denies]) > 0; denies != (tree.Decision == policy.ExplicitlyDenied) {
			t.Errorf("%+v", tree)
		}
	})
}

// What no policy can allow has no tree, but a reason, and no change turns it.
func TestTreeOfWhatNoPolicyAllows(t *testing.T) {
	t.Parallel()
	for _, asked := range []string{
		`"principal":"arn:aws:iam::111111111111:root","action":"sts:AssumeRole","resource":"arn:aws:iam::111111111111:role/r"`,
		`"principal":"arn:aws:sts::111111111111:federated-user/f","action":"iam:GetUser","resource":"arn:aws:iam::111111111111:user/u"`,
		`"principal":"arn:aws:sts::111111111111:assumed-role/r/s","action":"sts:GetSessionToken","resource":"*"`,
	} {
		on := `,"Resource":"*"`
		if strings.Contains(asked, `"sts:`) {
			on = "" // a trust policy names none
		}
		in, policies := read(t, `{`+asked+`,"resource_policy":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*"`+on+`}}}`)
		if tree := explain.Tree(in, policies); tree.Decision != policy.ImplicitlyDenied || tree.Refused == "" || len(tree.Layers) != 0 {
			t.Errorf("%s: %+v", asked, tree)
		}
		if change, ok := explain.Smallest(in, policies); ok {
			t.Errorf("%s: %+v", asked, change)
		}
	}
}

func TestTreeOfWhatAWSAlwaysAllows(t *testing.T) {
	t.Parallel()
	in, policies := read(t, `{"principal":"arn:aws:iam::111111111111:user/u","action":"sts:GetCallerIdentity","resource":"*",
		"identity":[{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}]}`)
	if tree := explain.Tree(in, policies); tree.Decision != policy.Allowed || len(tree.Layers) != 0 {
		t.Errorf("%+v", tree)
	}
}
