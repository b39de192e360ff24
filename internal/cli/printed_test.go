package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/cli"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// printedAccounts are a vendor, and a customer's two accounts. All documents
// of the customer's that a connection needs are there, and are about others.
const printedAccounts = `
accounts:
  "873682911326":
    users: {admin: &admin {access_key_id: AKIA873682911326, secret_access_key: s, policies: [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}]}}
    roles:
      Worker: {access_key_id: ASIAWORKER, secret_access_key: w, session_token: t, trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}}
  "111122223333":
    users: {admin: {access_key_id: AKIA111122223333, secret_access_key: s, policies: &may [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}]}}
    roles: {media: {trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}}}
  "222233334444":
    users: {admin: {access_key_id: AKIA222233334444, secret_access_key: s, policies: *may}}
    buckets: {acme-out: {region: eu-central-1, encryption: {type: "aws:kms", key: out}}}
    keys: {out: {region: eu-central-1, policy: {Version: "2012-10-17", Statement: [{Sid: Owner, Effect: Allow, Principal: {AWS: "arn:aws:iam::222233334444:root"}, Action: "kms:*", Resource: "*"}]}}}
`

const printedConfig = `
vendor_accounts: ["873682911326"]
principals:
  production: {arn: "arn:aws:iam::873682911326:role/Worker", default: true, credentials: {source: static, file: worker.json}}
organizations:
  acme:
    external_id: {mode: custom, value: acme-42}
    connections:
      out: {purpose: delivery, bucket: acme-out, prefix: out/, region: eu-central-1, role_arn: "arn:aws:iam::111122223333:role/media", bucket_owner: "222233334444",
            encryption: {type: "aws:kms", key: "arn:aws:kms:eu-central-1:222233334444:key/out"}}
endpoints: {sts: URL, s3: URL}
network: {allow: [127.0.0.0/8]}
`

// place is a policy at AWS, in an account, that is read and written by the aws
// command, and two statements in it that are about others.
type place struct{ account, read, write, theirs string }

func printedPlaces() map[string]place {
	statements := func(allow, deny string) string { return `{"Sid":"Auditor",` + allow + `},{"Sid":"Guard",` + deny + `}` }
	const guests = `"Condition":{"StringEquals":{"aws:PrincipalTag/team":"guests"}}`
	return map[string]place{
		"trust": {
			"111122223333", "iam get-role --role-name media --query Role.AssumeRolePolicyDocument --output json", "iam update-assume-role-policy --role-name media --policy-document",
			statements(`"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"`, `"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole",`+guests),
		},
		"permissions": {
			"111122223333", "iam get-role-policy --role-name media --policy-name rolecall-out --query PolicyDocument --output json", "iam put-role-policy --role-name media --policy-name rolecall-out --policy-document",
			statements(`"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-logs/*"`, `"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"`),
		},
		"bucket": {
			"222233334444", "s3api get-bucket-policy --bucket acme-out --query Policy --output text", "s3api put-bucket-policy --bucket acme-out --policy",
			statements(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:GetBucketLocation","Resource":"arn:aws:s3:::acme-out"`,
				`"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::acme-out/*"`),
		},
		"key": {
			"222233334444", "kms get-key-policy --key-id out --policy-name default --query Policy --output text", "kms put-key-policy --key-id out --policy-name default --policy",
			statements(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222233334444:root"},"Action":"kms:*","Resource":"*"`, `"Effect":"Deny","Principal":"*","Action":"kms:ReEncryptTo","Resource":"*"`),
		},
		"worker": {
			"873682911326", "iam get-role-policy --role-name Worker --policy-name rolecall --query PolicyDocument --output json", "iam put-role-policy --role-name Worker --policy-name rolecall --policy-document",
			statements(`"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"`, `"Effect":"Deny","Action":"iam:CreateUser","Resource":"*"`),
		},
	}
}

// printed is the set-up, with the statements of others in place.
type printed struct {
	t   *testing.T
	dir string
	url string
}

func newPrinted(t *testing.T) *printed {
	t.Helper()
	cfg, err := sandbox.ParseConfig([]byte(printedAccounts), ".")
	if err != nil {
		t.Fatal(err)
	}
	p := &printed{t, t.TempDir(), sandboxtest.StartConfig(t, cfg, sandbox.Options{}).URL}
	p.file("rolecall.yaml", strings.ReplaceAll(printedConfig, "URL", p.url))
	p.file("worker.json", `{"access_key_id":"ASIAWORKER","secret_access_key":"w","session_token":"t"}`)
	p.file("aws", "#!/bin/sh\nexec /usr/bin/aws --endpoint-url "+p.url+" --no-cli-pager \"$@\"\n")
	if err := os.Chmod(filepath.Join(p.dir, "aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, at := range printedPlaces() {
		p.sh(at.account, "aws "+at.write+` '{"Version":"2012-10-17","Statement":[`+at.theirs+`]}'`)
	}
	return p
}

func (p *printed) file(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// sh runs a command as the administrator of an account.
func (p *printed) sh(account, command string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", command)
	cmd.Dir = p.dir
	cmd.Env = []string{
		"PATH=" + p.dir + ":/usr/bin:/bin", "HOME=" + p.dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=eu-central-1", "ADD_TRUST=yes",
		"AWS_ACCESS_KEY_ID=AKIA" + account, "AWS_SECRET_ACCESS_KEY=s",
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("in %s: %s: %v\n%s%s", account, command, err, out, stderr.String())
	}
	return string(out)
}

// rolecall runs a command of ours.
func (p *printed) rolecall(args ...string) (string, int) {
	p.t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(p.t.Context(), args, cli.System{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }})
	if stderr.Len() > 0 {
		p.t.Log(stderr.String())
	}
	return stdout.String(), code
}

func (p *printed) check() (rolecall.CheckReport, int) {
	p.t.Helper()
	text, code := p.rolecall("check", "out", "--config", filepath.Join(p.dir, "rolecall.yaml"), "--output", "json", "--wait", "0")
	var report rolecall.CheckReport
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	return report, code
}

// kept asks that the statements of others are all as they were, and that the
// connection works.
func (p *printed) kept() {
	p.t.Helper()
	for kind, at := range printedPlaces() {
		var there struct{ Statement []map[string]any }
		if err := json.Unmarshal([]byte(p.sh(at.account, "aws "+at.read)), &there); err != nil {
			p.t.Fatalf("%s: %v", kind, err)
		}
		found := map[string]bool{}
		for _, s := range there.Statement {
			text, err := json.Marshal(s)
			if err != nil {
				p.t.Fatal(err)
			}
			found[string(text)] = true
		}
		var theirs []map[string]any
		if err := json.Unmarshal([]byte("["+at.theirs+"]"), &theirs); err != nil {
			p.t.Fatal(err)
		}
		for _, s := range theirs {
			text, _ := json.Marshal(s)
			if !found[string(text)] {
				p.t.Errorf("the %s policy has lost %s: %v", kind, text, there.Statement)
			}
		}
	}
	if report, code := p.check(); code != 0 {
		text, _ := json.Marshal(report)
		p.t.Errorf("the connection does not work: %s", text)
	}
}

// TestNothingPrintedHurts applies what is printed on top of policies that speak
// of others: it is accepted, keeps what they say, and lets the connection
// through.
func TestNothingPrintedHurts(t *testing.T) {
	t.Parallel()
	for _, needed := range []string{"/usr/bin/aws", "/usr/bin/jq"} {
		if _, err := os.Stat(needed); err != nil {
			t.Fatal(needed + " is missing: run make deps")
		}
	}
	t.Run("check", func(t *testing.T) {
		t.Parallel()
		p := newPrinted(t)
		for round := 0; ; round++ {
			report, code := p.check()
			if code == 0 || round == 8 {
				break
			}
			for _, s := range report.Steps {
				patches := s.Patches
				if len(patches) == 0 && s.Patch != nil {
					patches = []rolecall.Patch{*s.Patch}
				}
				for _, patch := range patches {
					at, known := printedPlaces()[patch.Document]
					if !known {
						continue
					}
					if patch.Mode != rolecall.PatchMerge || len(patch.Commands) == 0 {
						t.Fatalf("%s: %s by %q", patch.Document, patch.Mode, patch.Commands)
					}
					for _, command := range patch.Commands {
						p.sh(at.account, command)
					}
				}
			}
		}
		p.kept()
	})
	t.Run("generate", func(t *testing.T) {
		t.Parallel()
		p := newPrinted(t)
		p.setUp(2)
		p.kept()
	})
	t.Run("lint", func(t *testing.T) {
		t.Parallel()
		p := newPrinted(t)
		p.setUp(1)
		for kind, broken := range map[string]*strings.Replacer{
			"bucket":      strings.NewReplacer("s3:GetObject", "s3:GetObjects"),
			"permissions": strings.NewReplacer("s3:ListBucket\"", "s3:ListBuckets\""), // of ours: another statement stays as it is
			"key":         strings.NewReplacer("kms:Decrypt", "kms:Decipher"),
			"trust":       strings.NewReplacer("StringEquals\":{\"sts", "StringLike\":{\"sts", "StringEquals\": {\n                    \"sts", "StringLike\": {\n                    \"sts"),
		} {
			at := printedPlaces()[kind]
			path := p.file(kind+".json", broken.Replace(p.sh(at.account, "aws "+at.read)))
			p.rolecall("policy", "lint", path, "--fix", "--kind", kind, "--connection", "out", "--config", filepath.Join(p.dir, "rolecall.yaml"))
			p.sh(at.account, fmt.Sprintf("aws %s file://%s", at.write, path))
		}
		p.kept()
	})
	t.Run("simulate", func(t *testing.T) {
		t.Parallel()
		p := newPrinted(t)
		p.setUp(1)
		for kind, broken := range map[string]*strings.Replacer{
			"bucket":      strings.NewReplacer(`"s3:PutObject"`, `"s3:PutObjectTagging"`),
			"permissions": strings.NewReplacer(`"s3:PutObject"`, `"s3:PutObjectTagging"`, `"s3:ListBucket"`, `"s3:ListBucketVersions"`),
			"key":         strings.NewReplacer("kms:Decrypt", "kms:DescribeKey"),
			"trust":       strings.NewReplacer(`"arn:aws:iam::873682911326:role/Worker"`, `"arn:aws:iam::111122223333:role/media"`),
		} {
			at := printedPlaces()[kind]
			p.sh(at.account, fmt.Sprintf("aws %s file://%s", at.write, p.file(kind+".json", broken.Replace(p.sh(at.account, "aws "+at.read)))))
		}
		for _, r := range printedRequests() {
			p.simulated(r)
		}
		p.kept()
	})
	t.Run("explain", func(t *testing.T) {
		t.Parallel()
		p := newPrinted(t)
		for _, r := range printedRequests() {
			for _, kind := range r.by {
				p.explained(r, kind)
			}
		}
		p.kept()
	})
}

// setUp runs the scripts that generate prints, each so many times.
func (p *printed) setUp(times int) {
	p.t.Helper()
	for side, accounts := range map[string][]string{"vendor": {"873682911326"}, "customer": {"111122223333", "222233334444"}} {
		script, code := p.rolecall("policy", "generate", "out", "--config", filepath.Join(p.dir, "rolecall.yaml"), "--format", "cli", "--side", side)
		if code != 0 {
			p.t.Fatal(script)
		}
		path := p.file(side+".sh", script)
		for range times {
			for _, account := range accounts {
				p.sh(account, "sh "+path)
			}
		}
	}
}

// printedRequest is one that the connection makes, with the documents that decide
// it, the resource's last.
type printedRequest struct {
	principal, action, resource, account, context string
	by                                            []string
}

func printedRequests() []printedRequest {
	const session, key = "arn:aws:sts::111122223333:assumed-role/media/acme.check", "arn:aws:kms:eu-central-1:222233334444:key/out"
	out := []printedRequest{{
		"arn:aws:sts::873682911326:assumed-role/Worker/Worker", "sts:AssumeRole", "arn:aws:iam::111122223333:role/media", "111122223333",
		`"sts:ExternalId":"acme-42"`,
		[]string{"worker", "trust"},
	}}
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"} {
		out = append(out, printedRequest{session, action, "arn:aws:s3:::acme-out/out/.rolecall-check", "222233334444", "", []string{"permissions", "bucket"}})
	}
	for _, prefix := range []string{"out/", "out/.rolecall-check"} {
		out = append(out, printedRequest{session, "s3:ListBucket", "arn:aws:s3:::acme-out", "222233334444", `"s3:prefix":"` + prefix + `"`, []string{"permissions", "bucket"}})
	}
	for _, action := range []string{"kms:GenerateDataKey", "kms:Decrypt"} {
		out = append(out, printedRequest{
			session, action, key, "222233334444",
			`"kms:ViaService":"s3.eu-central-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::acme-out/out/.rolecall-check"`,
			[]string{"permissions", "key"},
		})
	}
	return out
}

// simulated makes the smallest change that lets the request through.
func (p *printed) simulated(r printedRequest) {
	p.t.Helper()
	here := func(kind string) string {
		at := printedPlaces()[kind]
		return p.sh(at.account, "aws "+at.read)
	}
	line := fmt.Sprintf(`{"principal":%q,"action":%q,"resource":%q,"account":%q,"context":{%s},"identity":[%s],"resource_policy":%s}`,
		r.principal, r.action, r.resource, r.account, r.context, here(r.by[0]), here(r.by[1]))
	text, _ := p.rolecall("policy", "simulate", p.file("request.json", line), "--output", "json")
	var answer struct {
		Decision string
		Change   *struct {
			Edits []struct {
				Policy   string
				Document json.RawMessage
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Decision != "allowed" && answer.Change == nil {
		p.t.Fatalf("%s: %v: %s", r.action, err, text)
	}
	if answer.Decision == "allowed" {
		return
	}
	for _, e := range answer.Change.Edits {
		if e.Policy != "" {
			at := printedPlaces()[map[string]string{"identity": r.by[0], "resource_policy": r.by[1]}[e.Policy]]
			p.sh(at.account, fmt.Sprintf("aws %s file://%s", at.write, p.file("changed.json", withID(e.Document))))
		}
	}
}

// explained adds what explain says to add to a document that a refusal names.
func (p *printed) explained(r printedRequest, kind string) {
	p.t.Helper()
	says := map[string]string{"identity": "identity-based", "resource": "resource-based"}
	layer := map[string]string{"worker": "identity", "permissions": "identity"}[kind]
	if layer == "" {
		layer = "resource"
	}
	refusal := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no %s policy allows the %s action", r.principal, r.action, r.resource, says[layer], r.action)
	text, _ := p.rolecall("policy", "explain", refusal, "--output", "json")
	var answer struct {
		Candidates []struct {
			Layer string
			Add   *struct{ Statement []json.RawMessage }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Candidates) == 0 {
		p.t.Fatalf("%s: %v: %s", refusal, err, text)
	}
	first := answer.Candidates[0]
	if first.Layer != layer || first.Add == nil {
		p.t.Fatalf("%s: %s", refusal, text)
	}
	at := printedPlaces()[kind]
	var there struct {
		Version   string
		Statement []json.RawMessage
	}
	if err := json.Unmarshal([]byte(p.sh(at.account, "aws "+at.read)), &there); err != nil {
		p.t.Fatal(err)
	}
	there.Statement = append(there.Statement, first.Add.Statement...)
	merged, err := json.Marshal(there)
	if err != nil {
		p.t.Fatal(err)
	}
	p.sh(at.account, fmt.Sprintf("aws %s file://%s", at.write, p.file("added.json", withID(merged))))
}

// withID fills in the external id that a printed document leaves open.
func withID(document []byte) string {
	return strings.ReplaceAll(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(document)), "<external id>", "acme-42")
}
