package render_test

import (
	"encoding/json"
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
	principal, err := rolecall.ParseARN(worker)
	if err != nil {
		t.Fatal(err)
	}
	d, err := render.Statements(kind, kit.Document(kind), c, principal)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// mergeInto runs the commands that merge a document, but for those that ask
// AWS, and returns the statements that would be there.
func mergeInto(t *testing.T, there string, d *policy.Document) []map[string]any {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rolecall-bucket-there.json"), []byte(there), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", render.BucketPolicy("acme", "").Merge(d)[1])
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
				text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": got})
				if err != nil {
					t.Fatal(err)
				}
				there = string(text)
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
	want := statementsIn(t, ours.JSON())
	sid := want[0]["Sid"].(string)
	for _, theirs := range []string{
		`{"Sid":"` + sid[:len(sid)-8] + `","Effect":"Allow","Action":"s3:GetObject",` + other + `}`,
		`{"Sid":"` + sid[:len(sid)-8] + `","Effect":"Deny","Action":"s3:*","Principal":"*","Resource":"arn:aws:s3:::acme/secret/*"}`,
		`{"Sid":"` + sid + `","Effect":"Deny","Action":"s3:*","Principal":"*","Resource":"arn:aws:s3:::acme/secret/*"}`,
		`{"Effect":"Allow","Action":"s3:GetObject",` + other + `}`,
	} {
		there := `{"Statement":` + theirs + `}`
		if diff := cmp.Diff(append(statementsIn(t, []byte(there)), want...), mergeInto(t, there, ours)); diff != "" {
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
