package render_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/render"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// accounts is a vendor, and customers whose administrators may do everything.
// The buckets and keys of the last two have policies that must stay.
const accounts = `
secure_transport: true
accounts:
  "873682911326":
    users: {admin: &admin {access_key_id: AKIA873682911326, secret_access_key: s, policies: [{Statement: {Effect: Allow, Action: "*", Resource: "*"}}]}}
    roles: {VTKWorker: {path: /}}
  "111122223333":
    users: {admin: {access_key_id: AKIA111122223333, secret_access_key: s, policies: &may [{Statement: {Effect: Allow, Action: "*", Resource: "*"}}]}}
    roles: {legacy: {trust: {Statement: {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}}}}
  "222233334444":
    users: {admin: {access_key_id: AKIA222233334444, secret_access_key: s, policies: *may}}
    buckets:
      globex-inbox:
        region: eu-central-1
        policy: {Statement: {Sid: Theirs, Effect: Deny, Principal: "*", Action: "s3:PutBucketAcl", Resource: "arn:aws:s3:::globex-inbox"}}
  "333344445555":
    users: {admin: {access_key_id: AKIA333344445555, secret_access_key: s, policies: *may}}
    keys: {1234abcd-12ab-34cd-56ef-1234567890ab: {region: eu-central-1}}
  "999900009999": {users: {admin: {access_key_id: AKIA999900009999, secret_access_key: s, policies: *may}}}
`

// cloud is the sandbox that scripts set up.
type cloud struct {
	t   *testing.T
	url string
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	return &cloud{t: t, url: sandboxtest.Start(t, accounts).URL}
}

// run runs a script with an administrator's credentials.
func (c *cloud) run(script []byte, account string, environment ...string) (string, error) {
	c.t.Helper()
	for _, needed := range []string{"/usr/bin/aws", "/usr/bin/jq"} {
		if _, err := os.Stat(needed); err != nil {
			c.t.Fatal(needed + " is missing: run make deps")
		}
	}
	cmd := exec.CommandContext(c.t.Context(), "/bin/sh", "-s")
	cmd.Stdin, cmd.Dir = bytes.NewReader(script), c.t.TempDir()
	wrapper := filepath.Join(c.t.TempDir(), "aws") // Debian's version takes an endpoint as an option only
	if err := os.WriteFile(wrapper, []byte("#!/bin/sh\nexec /usr/bin/aws --endpoint-url "+c.url+` "$@"`+"\n"), 0o700); err != nil {
		c.t.Fatal(err)
	}
	cmd.Env = append([]string{
		"AWS=" + wrapper, "PATH=/usr/bin:/bin", "HOME=" + cmd.Dir, "TMPDIR=" + cmd.Dir, "AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=AKIA" + account, "AWS_SECRET_ACCESS_KEY=s", "AWS_EC2_METADATA_DISABLED=true",
	}, environment...)
	out, err := cmd.CombinedOutput()
	if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 && left[0].Name() != ".aws" {
		c.t.Errorf("the script leaves %s behind", left[0].Name())
	}
	return string(out), err
}

func (c *cloud) must(script []byte, account string, environment ...string) {
	c.t.Helper()
	if out, err := c.run(script, account, environment...); err != nil {
		c.t.Fatalf("in account %s: %v\n%s", account, err, out)
	}
}

// ask sends a signed request and gives the answer's body.
func (c *cloud) ask(account, service, method, path, body string, header map[string]string) []byte {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	credentials := aws.Credentials{AccessKeyID: "AKIA" + account, SecretAccessKey: "s"}
	if err := v4.NewSigner().SignHTTP(c.t.Context(), credentials, r, hex.EncodeToString(sum[:]), service, "eu-central-1", time.Now()); err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Errorf("%s %s: %d %s, %v", service, body, resp.StatusCode, text, err)
	}
	return text
}

var formHeader = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}

// iam returns a document that IAM has.
func (c *cloud) iam(account, operation string, parameters url.Values) any {
	c.t.Helper()
	parameters.Set("Action", operation)
	text := c.ask(account, "iam", http.MethodPost, "/", parameters.Encode(), formHeader)
	var out struct {
		Role   string `xml:"GetRoleResult>Role>AssumeRolePolicyDocument"`
		OfRole string `xml:"GetRolePolicyResult>PolicyDocument"`
	}
	if err := xml.Unmarshal(text, &out); err != nil {
		c.t.Fatal(err)
	}
	document, err := url.QueryUnescape(out.Role + out.OfRole)
	if err != nil {
		c.t.Fatal(err)
	}
	return plain(c.t, []byte(document))
}

func (c *cloud) bucketPolicy(account, bucket string) any {
	c.t.Helper()
	return plain(c.t, c.ask(account, "s3", http.MethodGet, "/"+bucket+"?policy=", "", nil))
}

func (c *cloud) keyPolicy(account, id string) any {
	c.t.Helper()
	text := c.ask(account, "kms", http.MethodPost, "/", `{"KeyId":"`+id+`"}`, map[string]string{
		"X-Amz-Target": "TrentService.GetKeyPolicy", "Content-Type": "application/x-amz-json-1.1",
	})
	var out struct{ Policy string }
	if err := json.Unmarshal(text, &out); err != nil {
		c.t.Fatal(err)
	}
	return plain(c.t, []byte(out.Policy))
}

// statementsOf are those of a document that are the connection's by their Sids; and
// how many others there are.
func statementsOf(t *testing.T, document any, connection string) (ours []any, others int) {
	t.Helper()
	named := regexp.MustCompile("^(Rolecall[A-Za-z]*)" + connection + "[0-9a-f]{8}$")
	d, _ := document.(map[string]any)
	all, several := d["Statement"].([]any)
	if !several {
		all = []any{d["Statement"]}
	}
	for _, s := range all {
		m, _ := s.(map[string]any)
		sid, _ := m["Sid"].(string)
		if named.MatchString(sid) {
			ours = append(ours, m)
			continue
		}
		others++
	}
	return ours, others
}

// The script is run with Debian's aws command line. It sets up what the kit
// says, keeps what else policies say, and changes nothing the second time.
func TestScriptSetsUp(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	request := requests["delivery-cross"]
	request.Connection.Name = "eu-delivery"
	request.Connection.Prefix = "日本 🎬/it's \"$x`id`\\/"
	request.Connection.RoleSessionDurationSeconds = 7200
	customer, vendor := setup(t, request, render.Customer), setup(t, request, render.Vendor)
	script := rendered(t, render.CLI, customer)
	c.must(rendered(t, render.CLI, vendor), "873682911326")
	check := func(when string) {
		t.Helper()
		role := url.Values{"RoleName": {"media"}, "PolicyName": {"rolecall-eu-delivery"}}
		want := wanted(t, customer.Kit, render.Customer)
		got := documents{}
		for name, of := range map[policy.Kind]struct {
			document   any
			connection string
			others     int
		}{
			policy.TrustDocument:       {c.iam("111122223333", "GetRole", role), "", 0},
			policy.PermissionsDocument: {c.iam("111122223333", "GetRolePolicy", role), "", 0},
			policy.BucketDocument:      {c.bucketPolicy("222233334444", "globex-inbox"), "EuDelivery", 1},
			policy.KeyDocument:         {c.keyPolicy("333344445555", "1234abcd-12ab-34cd-56ef-1234567890ab"), "EuDelivery", 1},
		} {
			ours, others := statementsOf(t, of.document, of.connection)
			if others != of.others {
				t.Errorf("%s: %d statements of others in the policy of the %s: %s", when, others, name, show(t, of.document))
			}
			got[name] = flattened(map[string]any{"Version": "2012-10-17", "Statement": ours})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-kit +set up):\n%s", when, diff)
		}
		worker := c.iam("873682911326", "GetRolePolicy", url.Values{"RoleName": {"VTKWorker"}, "PolicyName": {"rolecall"}})
		if diff := cmp.Diff(wanted(t, vendor.Kit, render.Vendor), documents{policy.WorkerDocument: worker}); diff != "" {
			t.Errorf("%s (-kit +worker):\n%s", when, diff)
		}
	}
	for _, account := range []string{"111122223333", "222233334444", "333344445555"} {
		c.must(script, account)
	}
	check("first")
	longer := customer
	longer.Request.Connection.RoleSessionDurationSeconds = 10800
	for _, account := range []string{"111122223333", "222233334444"} {
		c.must(rendered(t, render.CLI, longer), account)
	}
	check("again")
	form := url.Values{"Action": {"GetRole"}, "RoleName": {"media"}}.Encode()
	if role := c.ask("111122223333", "iam", http.MethodPost, "/", form, formHeader); !strings.Contains(string(role), "<MaxSessionDuration>10800<") {
		t.Errorf("the role's longest session is not as asked: %s", role)
	}
	if out, err := c.run(script, "999900009999"); err == nil || !strings.Contains(out, "nothing here is for account 999900009999; it is for 111122223333, 222233334444, 333344445555") {
		t.Errorf("in another account: %v %s", err, out)
	}
	request.Connection.RoleARN = "arn:aws:iam::111122223333:role/elsewhere/media"
	if out, err := c.run(rendered(t, render.CLI, setup(t, request, "")), "111122223333"); err == nil || !strings.Contains(out, "the role media is there as arn:aws:iam::111122223333:role/media; its path differs") {
		t.Errorf("with another path: %v %s", err, out)
	}
}

// The script makes a bucket only when asked to, and finds the key that the
// connection does not name in the environment.
func TestScriptMakesTheBucket(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	request := delivery(func(r *policy.KitRequest) {
		r.Connection.Bucket, r.Connection.Encryption.Key, r.Versioned, r.RequireTLS = "brand-new", "", true, true
		r.Connection.BucketOwner = "222233334444"
	})
	script := rendered(t, render.CLI, setup(t, request, ""))
	if out, err := c.run(script, "222233334444"); err == nil || !strings.Contains(out, "NoSuchBucket") {
		t.Errorf("without a bucket: %v %s", err, out)
	}
	c.must(script, "222233334444", "CREATE_BUCKET=yes")
	if ours, others := statementsOf(t, c.bucketPolicy("222233334444", "brand-new"), ""); len(ours) != 4 || others != 0 {
		t.Errorf("the new bucket has %d and %d statements", len(ours), others)
	}
	for resource, want := range map[string]string{"encryption": "aws:kms", "versioning": "Enabled"} {
		if got := c.ask("222233334444", "s3", http.MethodGet, "/brand-new?"+resource+"=", "", nil); !strings.Contains(string(got), want) {
			t.Errorf("the new bucket's %s: %s", resource, got)
		}
	}
}

// A role that is there already is not taken from those whom it trusts.
func TestScriptLeavesTheTrustOfOthers(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	request := source(func(r *policy.KitRequest) { r.Connection.RoleARN = "arn:aws:iam::111122223333:role/legacy" })
	script := rendered(t, render.CLI, setup(t, request, ""))
	role := url.Values{"RoleName": {"legacy"}}
	out, err := c.run(script, "111122223333")
	if err == nil || !strings.Contains(out, "the role legacy is there and trusts others") || !strings.Contains(show(t, c.iam("111122223333", "GetRole", role)), "ec2.amazonaws.com") {
		t.Errorf("%v %s", err, out)
	}
	c.must(script, "111122223333", "ADD_TRUST=yes")
	if got := show(t, c.iam("111122223333", "GetRole", role)); !strings.Contains(got, "RolecallAssume") || !strings.Contains(got, "ec2.amazonaws.com") {
		t.Errorf("the trust policy is %s", got)
	}
}
