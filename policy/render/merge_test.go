package render_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/render"
)

const (
	mergedRole = "arn:aws:iam::111122223333:role/media"
	ourWorker  = "arn:aws:iam::873682911326:role/Worker"
)

// kitOf returns a connection's document as it is merged.
func kitOf(t *testing.T, kind policy.Kind, worker, role, name, prefix string) *policy.Document {
	t.Helper()
	c := rolecall.Connection{
		Name: name, Purpose: rolecall.Source, Bucket: "acme", Prefix: prefix, Region: "eu-central-1", RoleARN: role, BucketOwner: "222233334444",
		Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:222233334444:key/k"},
	}
	kit, err := policy.Generate(policy.KitRequest{Connection: c, Principals: []string{worker}, ExternalIDs: []string{"acme-42"}})
	if err != nil {
		t.Fatal(err)
	}
	return kit.Document(kind)
}

// mergeInto runs the commands that merge a document, but for those that ask
// AWS, and returns the statements that would be there.
func mergeInto(t *testing.T, there string, d *policy.Document, withdrawn ...string) []map[string]any {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rolecall-bucket-there.json"), []byte(there), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", render.BucketPolicy("acme", "", "").Merge(d, withdrawn)[1])
	cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "rolecall-bucket-merged.json"))
	if err != nil {
		t.Fatal(err)
	}
	return statementsIn(t, text)
}

func statementsIn(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var document struct{ Statement json.RawMessage }
	var all []map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	if json.Unmarshal(document.Statement, &all) != nil {
		all = make([]map[string]any, 1)
		if err := json.Unmarshal(document.Statement, &all[0]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

var mergedKinds = []policy.Kind{policy.TrustDocument, policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument}

// TestMergesKeepEachOther merges connections of the same name into one policy,
// twice: each keeps its statements, whoever has the others.
func TestMergesKeepEachOther(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		worker, role, connection string
		kinds                    []policy.Kind
	}{
		"another vendor":            {"arn:aws:iam::379899276840:role/Worker", mergedRole, "eu-out", mergedKinds},
		"another organization":      {ourWorker, "arn:aws:iam::111122223333:role/other", "eu-out", []policy.Kind{policy.BucketDocument, policy.KeyDocument}},
		"a name that is alike":      {ourWorker, mergedRole, "EuOut", []policy.Kind{policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument}},
		"another vendor's, alike":   {"arn:aws:iam::379899276840:role/Worker", mergedRole, "eu_out", mergedKinds},
		"another principal":         {"arn:aws:iam::873682911326:role/EU", mergedRole, "eu-out", []policy.Kind{policy.TrustDocument}},
		"another vendor's own role": {"arn:aws:iam::379899276840:user/worker", "arn:aws:iam::111122223333:role/other", "eu-out", mergedKinds},
	} {
		for _, kind := range of.kinds {
			ours, theirs := kitOf(t, kind, ourWorker, mergedRole, "eu-out", "in/"), kitOf(t, kind, of.worker, of.role, of.connection, "out/")
			want := append(statementsIn(t, theirs.JSON()), statementsIn(t, ours.JSON())...)
			there := string(theirs.JSON())
			for range 2 {
				got := mergeInto(t, there, ours)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s, %s (-want +got):\n%s", name, kind, diff)
				}
				there = document(t, got)
			}
		}
	}
}

// TestMergesKeepWhatIsNotOurs merges into policies in which somebody else's
// statements have the names that ours have, or once had.
func TestMergesKeepWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	const other = `"Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Resource":"arn:aws:s3:::acme/globex/*"`
	ours := kitOf(t, policy.BucketDocument, ourWorker, mergedRole, "eu-out", "in/")
	sid := statementsIn(t, ours.JSON())[0]["Sid"].(string)
	for _, theirs := range []string{
		`{"Sid":"` + sid[:len(sid)-8] + `","Effect":"Allow","Action":"s3:GetObject",` + other + `}`,
		`{"Sid":"` + sid[:len(sid)-8] + `","Effect":"Deny","Action":"s3:*","Principal":"*","Resource":"arn:aws:s3:::acme/secret/*"}`,
		`{"Sid":"` + sid + `","Effect":"Deny","Action":"s3:*","Principal":"*","Resource":"arn:aws:s3:::acme/secret/*"}`,
		`{"Effect":"Allow","Action":"s3:GetObject",` + other + `}`,
	} {
		there := `{"Statement":` + theirs + `}`
		want := append(statementsIn(t, []byte(there)), statementsIn(t, ours.JSON())...)
		if want[0]["Sid"] == sid {
			want[1]["Sid"] = sid + "2"
		}
		if diff := cmp.Diff(want, mergeInto(t, document(t, mergeInto(t, there, ours)), ours)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", theirs, diff)
		}
	}
}

// edited returns a document with each of its statements changed.
func edited(t *testing.T, d *policy.Document, change func(s map[string]any)) string {
	t.Helper()
	all := statementsIn(t, d.JSON())
	for _, s := range all {
		change(s)
	}
	return document(t, all)
}

// document is a policy of statements.
func document(t *testing.T, all []map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": all})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMergesReplaceOurOwn merges a connection into a policy that has its
// statements as they were: once, and with the conditions that somebody added.
func TestMergesReplaceOurOwn(t *testing.T) {
	t.Parallel()
	condition := func(s map[string]any) map[string]any {
		if s["Condition"] == nil {
			s["Condition"] = map[string]any{}
		}
		return s["Condition"].(map[string]any)
	}
	onceNamed := func(s map[string]any) { s["Sid"] = s["Sid"].(string)[:len(s["Sid"].(string))-8] }
	limited := func(s map[string]any) {
		condition(s)["IpAddress"] = map[string]any{"aws:SourceIp": "192.0.2.0/24"}
		condition(s)["Bool"] = map[string]any{"aws:SecureTransport": "true"}
	}
	loosened := func(s map[string]any) {
		condition(s)["StringEqualsIfExists"] = map[string]any{"sts:ExternalId": "*", "KMS:viaservice": "*", "s3:prefix": "*"}
		condition(s)["ArnLike"] = map[string]any{"aws:PrincipalArn": "*"}
	}
	for _, kind := range mergedKinds {
		ours, wider := kitOf(t, kind, ourWorker, mergedRole, "eu-out", "in/"), kitOf(t, kind, ourWorker, mergedRole, "eu-out", "")
		as, asLimited := statementsIn(t, ours.JSON()), statementsIn(t, []byte(edited(t, ours, limited)))
		for name, of := range map[string]struct {
			there string
			want  []map[string]any
		}{
			"as it is":                {string(ours.JSON()), as},
			"as once named":           {edited(t, ours, onceNamed), as},
			"of the whole account":    {strings.ReplaceAll(edited(t, ours, onceNamed), ourWorker, "arn:aws:iam::873682911326:root"), as},
			"of another prefix":       {string(wider.JSON()), as},
			"loosened":                {edited(t, ours, loosened), as},
			"limited":                 {edited(t, ours, limited), asLimited},
			"limited, as once named":  {edited(t, ours, func(s map[string]any) { onceNamed(s); limited(s) }), asLimited},
			"limited, and loosened":   {edited(t, ours, func(s map[string]any) { loosened(s); limited(s) }), asLimited},
			"limited, another prefix": {edited(t, wider, limited), asLimited},
		} {
			if diff := cmp.Diff(of.want, mergeInto(t, of.there, ours)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, kind, diff)
			}
		}
	}
}

// TestMergesKeepWhatWasAdded merges into a policy in which somebody added to a
// statement of ours: that stays, others keep what they may, and ours is as it
// must be.
func TestMergesKeepWhatWasAdded(t *testing.T) {
	t.Parallel()
	const v2, root = "arn:aws:iam::999988887777:role/v2", "arn:aws:iam::999988887777:root"
	type statement = map[string]any
	in := func(s statement, name string) statement {
		if s[name] == nil {
			s[name] = statement{}
		}
		return s[name].(statement)
	}
	names := func(of ...any) func(s statement) { return func(s statement) { s["Principal"] = statement{"AWS": of} } }
	name := func(of any) func(s statement) { return func(s statement) { s["Principal"] = statement{"AWS": of} } }
	both := func(first, second func(s statement)) func(s statement) {
		return func(s statement) { first(s); second(s) }
	}
	arns := func(operator string, of any) func(s statement) {
		return func(s statement) {
			delete(in(s, "Condition"), "ArnEquals")
			in(in(s, "Condition"), operator)["aws:PrincipalArn"] = of
		}
	}
	asItIs := func(statement) {}
	anyone := func(s statement) {
		if delete(in(s, "Condition"), "ArnEquals"); len(in(s, "Condition")) == 0 {
			delete(s, "Condition")
		}
	}
	for about, of := range map[string]struct {
		kind   policy.Kind
		there  func(s statement)
		theirs func(s statement) // of others; nil: nothing is left
		ours   func(s statement) // nil: as it is there
	}{
		"an action": {policy.TrustDocument, func(s statement) { s["Action"] = []any{"sts:AssumeRole", "sts:TagSession"} }, nil, nil},
		"old versions": {policy.BucketDocument, func(s statement) {
			if s["Action"] == "s3:GetObject" {
				s["Action"] = []any{"s3:GetObject", "s3:GetObjectVersion"}
			}
		}, nil, nil},
		"another bucket": {
			policy.PermissionsDocument, func(s statement) { s["Resource"] = []any{s["Resource"], "arn:aws:s3:::acme-logs/*"} },
			func(s statement) { s["Resource"] = "arn:aws:s3:::acme-logs/*" }, asItIs,
		},
		"what it is not":     {policy.TrustDocument, func(s statement) { in(in(s, "Condition"), "StringNotEquals")["sts:ExternalId"] = "old" }, nil, nil},
		"a second factor":    {policy.TrustDocument, func(s statement) { in(in(s, "Condition"), "Null")["aws:MultiFactorAuthAge"] = "false" }, nil, nil},
		"whom it leaves out": {policy.BucketDocument, func(s statement) { in(in(s, "Condition"), "ArnNotEquals")["aws:PrincipalArn"] = mergedRole + "x" }, nil, nil},
		"a deleted role":     {policy.TrustDocument, names(ourWorker, "AROA1234567890EXAMPLE"), nil, asItIs},
		"deleted, and a second factor": {policy.TrustDocument, both(name("AROA1234567890EXAMPLE"), func(s statement) { in(in(s, "Condition"), "Bool")["aws:MultiFactorAuthPresent"] = "true" }), nil, func(s statement) {
			in(in(s, "Condition"), "Bool")["aws:MultiFactorAuthPresent"] = "true"
		}},
		"everyone":                {policy.TrustDocument, func(s statement) { s["Principal"] = "*" }, nil, asItIs},
		"a principal":             {policy.TrustDocument, names(ourWorker, v2), name(v2), asItIs},
		"a principal alone":       {policy.TrustDocument, name(v2), name(v2), asItIs},
		"an account":              {policy.TrustDocument, names(ourWorker, root), name(root), asItIs},
		"another of the vendor's": {policy.TrustDocument, names(ourWorker, ourWorker+"2"), name(ourWorker + "2"), asItIs},
		"a provider":              {policy.TrustDocument, func(s statement) { s["Principal"] = statement{"AWS": ourWorker, "Federated": "x"} }, func(s statement) { s["Principal"] = statement{"Federated": "x"} }, asItIs},
		"an old id": {
			policy.TrustDocument, both(names(ourWorker, v2), func(s statement) { in(in(s, "Condition"), "StringEquals")["sts:ExternalId"] = "v2" }),
			both(name(v2), func(s statement) { in(in(s, "Condition"), "StringEquals")["sts:ExternalId"] = "v2" }), asItIs,
		},
		"a role of the bucket's": {
			policy.BucketDocument, both(names("arn:aws:iam::111122223333:root", root), arns("ArnLike", []any{mergedRole, v2})),
			both(names("arn:aws:iam::111122223333:root", root), arns("ArnLike", v2)), asItIs,
		},
		"the whole of the role's account": {policy.BucketDocument, anyone, anyone, asItIs},
		"everyone by condition":           {policy.TrustDocument, both(name("*"), arns("ArnLike", []any{ourWorker, "arn:aws:iam::*:role/v*"})), both(name("*"), arns("ArnLike", "arn:aws:iam::*:role/v*")), asItIs},
	} {
		ours := kitOf(t, of.kind, ourWorker, mergedRole, "eu-out", "in/")
		there := edited(t, ours, of.there)
		var want []statement
		if of.theirs != nil {
			want = statementsIn(t, []byte(edited(t, ours, of.theirs)))
		}
		as := statementsIn(t, []byte(there))
		if of.ours != nil {
			as = statementsIn(t, []byte(edited(t, ours, of.ours)))
		}
		want = append(want, as...)
		got := mergeInto(t, there, ours)
		if diff := cmp.Diff(unnamed(t, want, false), unnamed(t, got, true)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", about, diff)
		}
		if diff := cmp.Diff(got, mergeInto(t, document(t, got), ours)); diff != "" {
			t.Errorf("%s, again (-once +twice):\n%s", about, diff)
		}
	}
}

// unnamed returns statements without their Sids; where asked, it checks that no two
// have the same.
func unnamed(t *testing.T, all []map[string]any, distinct bool) []map[string]any {
	t.Helper()
	var out []map[string]any
	seen := map[any]bool{nil: false}
	for _, s := range all {
		if sid := s["Sid"]; distinct && sid != nil && seen[sid] {
			t.Errorf("two statements are %s", sid)
		} else {
			seen[sid] = true
		}
		s = maps.Clone(s)
		delete(s, "Sid")
		out = append(out, s)
	}
	return out
}

// TestMergesKeepLimits merges into policies that allow what the connection needs
// under conditions of the customer's: ours has these conditions, too.
func TestMergesKeepLimits(t *testing.T) {
	t.Parallel()
	const limit = `"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`
	for name, of := range map[string]struct {
		kind    policy.Kind
		theirs  string
		limited []int // which of ours
	}{
		"a trust":            {policy.TrustDocument, `"Principal":{"AWS":"` + ourWorker + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"acme-42"},` + limit + `}`, []int{0}},
		"a trust of all":     {policy.TrustDocument, `"Principal":{"AWS":"873682911326"},"Action":"sts:*","Condition":{` + limit + `}`, []int{0}},
		"another's":          {policy.TrustDocument, `"Principal":{"AWS":"arn:aws:iam::999988887777:role/v2"},"Action":"sts:AssumeRole","Condition":{` + limit + `}`, nil},
		"an organization's":  {policy.TrustDocument, `"Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},` + limit + `}`, nil},
		"the role's":         {policy.BucketDocument, `"Principal":{"AWS":"` + mergedRole + `"},"Action":"s3:*","Resource":["arn:aws:s3:::acme","arn:aws:s3:::acme/*"],"Condition":{` + limit + `}`, []int{0, 1}},
		"reading":            {policy.BucketDocument, `"Principal":{"AWS":"111122223333"},"Action":"s3:Get*","Resource":"arn:aws:s3:::acme/in/reels/*","Condition":{` + limit + `}`, []int{0}},
		"elsewhere":          {policy.BucketDocument, `"Principal":{"AWS":"` + mergedRole + `"},"Action":"s3:*","Resource":"arn:aws:s3:::acme/out/*","Condition":{` + limit + `}`, nil},
		"other actions":      {policy.BucketDocument, `"Principal":{"AWS":"` + mergedRole + `"},"Action":"s3:Put*","Resource":"*","Condition":{` + limit + `}`, nil},
		"all but":            {policy.PermissionsDocument, `"NotAction":["s3:List*","kms:*"],"Resource":"*","Condition":{` + limit + `}`, []int{0}},
		"a service's":        {policy.BucketDocument, `"Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"*"},` + limit + `}`, nil},
		"a statement of all": {policy.BucketDocument, `"Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{` + limit + `}`, []int{0}},
	} {
		ours := kitOf(t, of.kind, ourWorker, mergedRole, "eu-out", "in/")
		there := `{"Version":"2012-10-17","Statement":[{"Sid":"Own","Effect":"Allow",` + of.theirs + `}]}`
		want := append(statementsIn(t, []byte(there)), statementsIn(t, ours.JSON())...)
		for _, i := range of.limited {
			if want[i+1]["Condition"] == nil {
				want[i+1]["Condition"] = map[string]any{}
			}
			want[i+1]["Condition"].(map[string]any)["IpAddress"] = map[string]any{"aws:SourceIp": "203.0.113.0/24"}
		}
		got := mergeInto(t, there, ours)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(got, mergeInto(t, document(t, got), ours)); diff != "" {
			t.Errorf("%s, again (-once +twice):\n%s", name, diff)
		}
	}
}

// TestMergesTakeOutWhatIsWithdrawn declares a delivery a source: what wrote is
// taken out of its statements, and stays for those whom somebody added.
func TestMergesTakeOutWhatIsWithdrawn(t *testing.T) {
	t.Parallel()
	request := func(purpose rolecall.Purpose, optional ...policy.Grant) policy.KitRequest {
		return policy.KitRequest{
			Connection: rolecall.Connection{Name: "x", Purpose: purpose, Bucket: "acme", Region: "eu-central-1", RoleARN: mergedRole, BucketOwner: "222233334444"},
			Principals: []string{ourWorker}, ExternalIDs: []string{"acme-42"}, Optional: optional, RequireTLS: len(optional) > 0,
		}
	}
	for _, kind := range []policy.Kind{policy.PermissionsDocument, policy.BucketDocument} {
		wide, err := policy.Generate(request(rolecall.Delivery, policy.Grants(rolecall.Delivery)...))
		if err != nil {
			t.Fatal(err)
		}
		for _, optional := range [][]policy.Grant{nil, policy.Grants(rolecall.Source)} {
			r := request(rolecall.Source, optional...)
			kit, err := policy.Generate(r)
			if err != nil {
				t.Fatal(err)
			}
			for name, of := range map[string]struct{ there, stays string }{
				"as it is":      {string(wide.Document(kind).JSON()), ""},
				"another's":     {edited(t, wide.Document(kind), func(s map[string]any) { s["Sid"] = s["Sid"].(string) + "x" }), "x"},
				"with a bucket": {edited(t, wide.Document(kind), func(s map[string]any) { s["Resource"] = []any{s["Resource"], "arn:aws:s3:::acme-logs/*"} }), "RolecallWrite"},
			} {
				found := map[bool]int{}
				sids := ""
				for _, s := range mergeInto(t, of.there, kit.Document(kind), r.Withdrawn(kind)...) {
					sid, _ := s["Sid"].(string)
					found[strings.HasPrefix(sid, "RolecallWrite") || strings.HasPrefix(sid, "RolecallDelete")]++
					sids += sid + " "
				}
				if kind == policy.BucketDocument && name == "with a bucket" { // which no bucket's policy has
					continue
				}
				if (found[true] > 0) != (of.stays != "") || found[false] == 0 || !strings.Contains(sids, of.stays) || kind == policy.BucketDocument && !strings.Contains(sids, "RolecallTLS") {
					t.Errorf("%s, %s: %s", kind, name, sids)
				}
			}
		}
	}
}

// TestMergesWidenNothing merges into a statement of ours that reaches less far, and
// does more there: what it does more, it goes on to do there alone.
func TestMergesWidenNothing(t *testing.T) {
	t.Parallel()
	ours := kitOf(t, policy.BucketDocument, ourWorker, mergedRole, "eu-out", "")
	there := edited(t, kitOf(t, policy.BucketDocument, ourWorker, mergedRole, "eu-out", "in/"), func(s map[string]any) {
		if s["Action"] == "s3:GetObject" {
			s["Action"] = []any{"s3:GetObject", "s3:DeleteObject"}
		}
	})
	got := mergeInto(t, there, ours)
	for _, s := range got {
		if text, err := json.Marshal(s); err != nil || strings.Contains(string(text), "DeleteObject") && s["Resource"] != "arn:aws:s3:::acme/in/*" {
			t.Errorf("%s: %v", text, err)
		}
	}
	if diff := cmp.Diff(statementsIn(t, ours.JSON()), got[1:]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	all := statementsIn(t, ours.JSON())
	without := strings.ReplaceAll(document(t, all), `"Action"`, `"NotAction"`)
	if got := mergeInto(t, without, ours); len(got) != 2*len(all) {
		t.Errorf("what is all but an action is taken for ours: %v", got)
	}
}
