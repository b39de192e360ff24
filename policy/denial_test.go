package policy_test

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
)

// denialCase is a line of testdata/denials.jsonl: a sentence in AWS's words,
// the page that shows its form, and what it says.
type denialCase struct {
	Page     string       `json:"page"`
	Message  string       `json:"message"`
	ReadOnly string       `json:"read_only"` // why we read this form but never write it
	Denial   policyDenial `json:"denial"`
}

type policyDenial struct {
	Principal string `json:"principal"`
	Action    string `json:"action"`
	Resource  string `json:"resource"`
	Explicit  bool   `json:"explicit"`
	Layer     string `json:"layer"`
	Policy    string `json:"policy"`
}

func (d policyDenial) denial() policy.Denial {
	return policy.Denial{
		Principal: d.Principal, Action: d.Action, Resource: d.Resource,
		Explicit: d.Explicit, Layer: policy.DenialLayer(d.Layer), Policy: d.Policy,
	}
}

func denialCorpus(t testing.TB) []denialCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "denials.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []denialCase
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var c denialCase
		var faults rolecall.Errors
		if strict.Decode(lines.Bytes(), &c, &faults); len(faults) > 0 {
			t.Fatalf("%s: %v", lines.Bytes(), faults)
		}
		cases = append(cases, c)
	}
	return cases
}

func TestDenialCorpus(t *testing.T) {
	t.Parallel()
	for _, c := range denialCorpus(t) {
		want := c.Denial.denial()
		got, ok := policy.ReadDenial(c.Message)
		if !ok {
			t.Errorf("%s\n(%s) is not read", c.Message, c.Page)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n(%s): -want +got\n%s", c.Message, c.Page, diff)
		}
		if written := want.String(); c.ReadOnly == "" && written != c.Message {
			t.Errorf("written %q\nwant    %q", written, c.Message)
		}
	}
}

func TestReadDenialOfOtherText(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		"", "Access", "The specified key does not exist.", "User: ", "User: a is not authorized to perform: ",
		"User: a b is not authorized to perform: s3:GetObject", "User: a is not authorized to perform: nothing",
		string(make([]byte, 1<<20)),
	} {
		if d, ok := policy.ReadDenial(message); ok {
			t.Errorf("%.60q is read as %+v", message, d)
		}
	}
}

// A key may hold anything, AWS's own words too: the reason that AWS adds is
// the one that counts.
func TestDenialOfMisleadingKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"x because no session policy allows the s3:GetObject action", `x" with an explicit deny in a session policy`,
			` on resource: "y"`, "a  b\n\tc", `"`, "User: x is not authorized to perform: s3:GetObject", "Access Denied",
		})).Draw(t, "key")
		layers := []policy.DenialLayer{
			"", policy.DeniedByIdentity, policy.DeniedByResource, policy.DeniedBySession,
			policy.DeniedByBoundary, policy.DeniedBySCP, policy.DeniedByRCP, policy.DeniedByVPCE,
		}
		want := policy.Denial{
			Principal: "arn:aws:sts::111122223333:assumed-role/media/acme.1",
			Action:    rapid.SampledFrom([]string{"s3:GetObject", "s3:PutObject"}).Draw(t, "action"),
			Resource:  "arn:aws:s3:::b/" + key,
			Explicit:  rapid.Bool().Draw(t, "explicit"),
			Layer:     rapid.SampledFrom(layers).Draw(t, "layer"),
		}
		if want.Explicit && want.Layer != "" && rapid.Bool().Draw(t, "named") {
			want.Policy = "arn:aws:iam::111122223333:policy/p"
		}
		got, ok := policy.ReadDenial(want.String())
		if !ok || got != want {
			t.Fatalf("%s\nread as %+v", want, got)
		}
	})
}

func FuzzReadDenial(f *testing.F) {
	for _, c := range denialCorpus(f) {
		f.Add(c.Message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		d, ok := policy.ReadDenial(message)
		if !ok && d != (policy.Denial{}) {
			t.Errorf("not a denial, yet %+v", d)
		}
		if ok && d.Action == "" && d != (policy.Denial{}) {
			t.Errorf("a bare denial that says %+v", d)
		}
	})
}

func TestDenialNamesAction(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]bool{
		"s3:GetObject": true, "kms:Decrypt": true,
		"": false, "s3:": false, "s3": false, "iam:PassRole": false, "s3:Get Object": false, "s3:Get.Object": false, "s3:\x1b[31m": false,
	} {
		if got := (policy.Denial{Action: action}).NamesAction(); got != want {
			t.Errorf("%q: %v", action, got)
		}
	}
}
