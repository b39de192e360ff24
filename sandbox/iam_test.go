package sandbox

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// iam sends an operation of IAM, with parameters by turns name and value.
func (w *world) iam(t testing.TB, k keys, operation string, parameters ...string) (int, string) {
	t.Helper()
	form := url.Values{"Action": {operation}, "Version": {"2010-05-08"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	r := w.request(t, http.MethodPost, "/", form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sign(t, r, k, "iam", "us-east-1", sha256Hex(form.Encode()))
	resp, body := w.fetch(t, r)
	return resp.StatusCode, html.UnescapeString(body)
}

const (
	trustsProduction = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/workers/production"},"Action":"sts:AssumeRole"}]}`
	readsMasters     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-masters/*"}]}`
)

func TestRolesComeAndGo(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	admin, made := keysOf("admin"), "arn:aws:iam::111122223333:role/guests/guest"
	must := func(status int, body string) string {
		t.Helper()
		if status != http.StatusOK {
			t.Fatalf("%d: %s", status, body)
		}
		return body
	}
	must(w.iam(t, admin, "CreateRole", "RoleName", "guest", "Path", "/guests/", "Description", "for guests", "AssumeRolePolicyDocument", trustsProduction, "MaxSessionDuration", "7200"))
	if body := must(w.iam(t, admin, "GetRole", "RoleName", "guest")); !strings.Contains(body, "<Arn>"+made+"</Arn>") || !strings.Contains(body, "<MaxSessionDuration>7200<") ||
		!strings.Contains(body, "%7B%22Version%22%3A%222012-10-17%22") || !strings.Contains(body, "<Description>for guests<") {
		t.Errorf("the new role: %s", body)
	}
	session := w.assume(t, production, sts.AssumeRoleInput{RoleArn: &made, DurationSeconds: aws.Int32(3600)})
	read := func() error { return get(t.Context(), w.s3(session, "eu-central-1"), "acme-masters", "in/a.mov") }
	wants(t, read(), "AccessDenied", "no identity-based policy allows")
	must(w.iam(t, admin, "PutRolePolicy", "RoleName", "guest", "PolicyName", "read", "PolicyDocument", readsMasters))
	wants(t, read(), "", "") // a living session has the role's new policies
	if body := must(w.iam(t, admin, "ListRolePolicies", "RoleName", "guest")); !strings.Contains(body, "<PolicyNames><member>read</member></PolicyNames>") {
		t.Errorf("its policies: %s", body)
	}
	if body := must(w.iam(t, admin, "GetRolePolicy", "RoleName", "guest", "PolicyName", "read")); !strings.Contains(body, "<RoleName>guest</RoleName><PolicyName>read</PolicyName>") {
		t.Errorf("its policy: %s", body)
	}

	must(w.iam(t, admin, "UpdateRole", "RoleName", "guest", "MaxSessionDuration", "3600"))
	if body := must(w.iam(t, admin, "GetRole", "RoleName", "guest")); !strings.Contains(body, "<MaxSessionDuration>3600<") || !strings.Contains(body, "<Description>for guests<") {
		t.Errorf("the changed role: %s", body)
	}
	closed := strings.Replace(trustsProduction, "}]}", `,"Condition":{"StringEquals":{"sts:ExternalId":"x-77"}}}]}`, 1)
	must(w.iam(t, admin, "UpdateAssumeRolePolicy", "RoleName", "guest", "PolicyDocument", closed))
	_, err := w.sts(production).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &made, RoleSessionName: aws.String("acme.1")})
	wants(t, err, "AccessDenied", "sts:AssumeRole")
	w.assume(t, production, sts.AssumeRoleInput{RoleArn: &made, ExternalId: aws.String("x-77")})
	wants(t, read(), "", "") // what was begun under the old trust goes on

	if status, body := w.iam(t, admin, "DeleteRole", "RoleName", "guest"); status != http.StatusConflict || !strings.Contains(body, "DeleteConflict") {
		t.Errorf("with a policy: %d %s", status, body)
	}
	must(w.iam(t, admin, "DeleteRolePolicy", "RoleName", "guest", "PolicyName", "read"))
	wants(t, read(), "AccessDenied", "no identity-based policy allows")
	must(w.iam(t, admin, "DeleteRole", "RoleName", "guest"))
	wants(t, read(), "InvalidAccessKeyId", "")

	must(w.iam(t, admin, "PutUserPolicy", "UserName", "nobody", "PolicyName", "read", "PolicyDocument", readsMasters))
	wants(t, get(t.Context(), w.s3(keysOf("nobody"), "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
	if body := must(w.iam(t, admin, "GetUserPolicy", "UserName", "nobody", "PolicyName", "read")); !strings.Contains(body, "<UserName>nobody</UserName>") || strings.Contains(body, "RoleName") {
		t.Errorf("a user's policy: %s", body)
	}
	if body := must(w.iam(t, admin, "ListUserPolicies", "UserName", "admin")); !strings.Contains(body, "<member>policy-1</member>") {
		t.Errorf("a user's policies of the config: %s", body)
	}
	must(w.iam(t, admin, "DeleteUserPolicy", "UserName", "nobody", "PolicyName", "read"))
	wants(t, get(t.Context(), w.s3(keysOf("nobody"), "eu-central-1"), "acme-masters", "in/a.mov"), "AccessDenied", "")
}

func TestIAMRefuses(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	admin := keysOf("admin")
	trusts := func(principal string) []string {
		return []string{"RoleName", "new", "AssumeRolePolicyDocument", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}}`}
	}
	puts := func(document string) []string {
		return []string{"RoleName", "chained", "PolicyName", "p", "PolicyDocument", document}
	}
	padded := func(n int) string { // by a second resource, and a third for what one string cannot hold
		n -= len(readsMasters) + len(`["","",""]`) - len(`""`)
		return strings.Replace(readsMasters, `"arn:aws:s3:::acme-masters/*"`,
			`["arn:aws:s3:::acme-masters/*","`+resourceOf(n/2)+`","`+resourceOf(n-n/2)+`"]`, 1)
	}
	for _, c := range []struct {
		name, operation string
		keys            keys
		parameters      []string
		status          int
		want            string
	}{
		{"who may not", "CreateRole", keysOf("nobody"), trusts("*"), 403, "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/new because no identity-based policy allows the iam:CreateRole action"},
		{"who may not, about a user", "PutUserPolicy", keysOf("nobody"), []string{"UserName", "admin", "PolicyName", "p", "PolicyDocument", readsMasters}, 403, "iam:PutUserPolicy on resource: arn:aws:iam::111122223333:user/admin because"},
		{"another's role", "GetRole", worker, []string{"RoleName", "media"}, 404, "The role with name media cannot be found."},
		{"unknown operation", "CreateGroup", admin, nil, 400, "Could not find operation CreateGroup for version 2010-05-08"},
		{"no name", "GetRole", admin, nil, 400, "Value null at 'roleName' failed to satisfy constraint"},
		{"no document", "CreateRole", admin, []string{"RoleName", "new"}, 400, "Value null at 'assumeRolePolicyDocument'"},
		{"bad path", "CreateRole", admin, append(trusts("*"), "Path", "x"), 400, "Value 'x' at 'path'"},
		{"bad duration", "CreateRole", admin, append(trusts("*"), "MaxSessionDuration", "900"), 400, "at 'maxSessionDuration'"},
		{"tags", "CreateRole", admin, append(trusts("*"), "Tags.member.1.Key", "k"), 400, "does not support the parameter Tags.member.1.Key"},
		{"there already", "CreateRole", admin, append(trusts("*"), "RoleName", "Media"), 409, "Role with name Media already exists."},
		{"unknown role", "DeleteRole", admin, []string{"RoleName", "none"}, 404, "The role with name none cannot be found."},
		{"unknown role's trust", "UpdateAssumeRolePolicy", admin, []string{"RoleName", "none", "PolicyDocument", trustsProduction}, 404, "The role with name none"},
		{"bad duration, updated", "UpdateRole", admin, []string{"RoleName", "media", "MaxSessionDuration", "x"}, 400, "Value 'x' at 'maxSessionDuration'"},
		{"unknown role, updated", "UpdateRole", admin, []string{"RoleName", "none"}, 404, "The role with name none"},
		{"unknown role's policies", "ListRolePolicies", admin, []string{"RoleName", "none"}, 404, "The role with name none"},
		{"unknown user", "PutUserPolicy", admin, []string{"UserName", "none", "PolicyName", "p", "PolicyDocument", readsMasters}, 404, "The user with name none"},
		{"unknown policy", "GetRolePolicy", admin, []string{"RoleName", "media", "PolicyName", "none"}, 404, "The role policy with name none"},
		{"unknown policy, deleted", "DeleteUserPolicy", admin, []string{"UserName", "admin", "PolicyName", "none"}, 404, "The user policy with name none"},
		{"no policy name", "GetRolePolicy", admin, []string{"RoleName", "media"}, 400, "at 'policyName'"},

		{"trusts an unknown role", "CreateRole", admin, trusts("arn:aws:iam::873682911326:role/production"), 400, `MalformedPolicyDocument</Code><Message>Invalid principal in policy: "AWS":"arn:aws:iam::873682911326:role/production"`},
		{"trusts an unknown user", "CreateRole", admin, trusts("arn:aws:iam::873682911326:user/none"), 400, "Invalid principal"},
		{"trusts an unknown account", "CreateRole", admin, trusts("999999999999"), 400, "Invalid principal"},
		{"trusts another partition", "CreateRole", admin, trusts("arn:aws-cn:iam::873682911326:root"), 400, "Invalid principal"},
		{"trusts a session of no role", "CreateRole", admin, trusts("arn:aws:sts::873682911326:assumed-role/none/s"), 400, "Invalid principal"},
		{"trusts something else", "CreateRole", admin, trusts("arn:aws:iam::873682911326:group/g"), 400, "Invalid principal"},
		{"trust without principal", "UpdateAssumeRolePolicy", admin, []string{"RoleName", "media", "PolicyDocument", strings.Replace(readsMasters, `,"Resource":"arn:aws:s3:::acme-masters/*"`, "", 1)}, 400, "Missing required field Principal"},
		{"trust with resource", "UpdateAssumeRolePolicy", admin, []string{"RoleName", "media", "PolicyDocument", readsMasters}, 400, "Has prohibited field Resource"},
		{"trust with NotPrincipal", "UpdateAssumeRolePolicy", admin, []string{"RoleName", "media", "PolicyDocument", strings.Replace(trustsProduction, `{"Effect":"Allow","Principal"`, `{"Effect":"Deny","NotPrincipal"`, 1)}, 400, "AssumeRole policy must not contain NotPrincipal field."},
		{"trust that allows all but some", "UpdateAssumeRolePolicy", admin, []string{"RoleName", "media", "PolicyDocument", strings.Replace(trustsProduction, `"Principal"`, `"NotPrincipal"`, 1)}, 400, "Allow with NotPrincipal is not allowed."},
		{"no actions", "PutRolePolicy", admin, puts(strings.Replace(readsMasters, `"s3:GetObject"`, `[]`, 1)), 400, "Policy statement must contain actions."},
		{"no resources", "PutRolePolicy", admin, puts(strings.Replace(readsMasters, `"Resource":"arn:aws:s3:::acme-masters/*"`, `"NotResource":[]`, 1)), 400, "Policy statement must contain resources."},
		{"a wildcard in a resource's type", "PutRolePolicy", admin, puts(strings.Replace(readsMasters, `arn:aws:s3:::acme-masters/*`, `arn:aws:iam::*:us*/x`, 1)), 400, "Syntax errors in policy."},
		{"an ARN that IAM completes", "PutRolePolicy", admin, puts(strings.Replace(readsMasters, `arn:aws:s3:::acme-masters/*`, `arn:aws:s3`, 1)), 200, ""},
		{"trust for S3", "UpdateAssumeRolePolicy", admin, []string{"RoleName", "media", "PolicyDocument", strings.Replace(trustsProduction, "sts:AssumeRole", "s3:GetObject", 1)}, 400, "may only specify STS AssumeRole actions"},
		{"long trust", "UpdateAssumeRolePolicy", admin, []string{"RoleName", "media", "PolicyDocument", strings.Replace(trustsProduction, `"Effect"`, `"Sid":"`+strings.Repeat("x", 2048)+`","Effect"`, 1)}, 409, "Cannot exceed quota for ACLSizePerRole: 2048"},
		{"no JSON", "PutRolePolicy", admin, puts(`{"Statement":[}`), 400, "Syntax errors in policy."},
		{"wide characters", "PutRolePolicy", admin, puts(strings.Replace(readsMasters, "*", "日本/*", 1)), 400, "at 'policyDocument' failed to satisfy constraint: Member must satisfy regular expression pattern"},
		{"wide characters, escaped", "PutRolePolicy", admin, puts(strings.Replace(readsMasters, "*", `\u65e5\u672c/*`, 1)), 200, ""},
		{"comments", "PutRolePolicy", admin, puts("// mine\n" + readsMasters), 400, "Syntax errors in policy."},
		{"principal in a role's policy", "PutRolePolicy", admin, puts(trustsProduction), 400, "Policy document should not specify a principal."},
		{"no resource", "PutRolePolicy", admin, puts(`{"Statement":[{"Effect":"Allow","Action":"*"}]}`), 400, "Policy statement must contain resources."},
		{"long policy", "PutRolePolicy", admin, puts(padded(10_241)), 409, "Maximum policy size of 10240 bytes exceeded for role chained"},
		{"long user's policy", "PutUserPolicy", admin, []string{"UserName", "nobody", "PolicyName", "p", "PolicyDocument", padded(2049)}, 409, "Maximum policy size of 2048 bytes exceeded for user nobody"},

		{"as long as may be", "PutRolePolicy", admin, puts(strings.Replace(padded(10_240), ",", " ,\n\t", 1)), 200, "<PutRolePolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"},
		{"in place of itself", "PutRolePolicy", admin, puts(padded(10_240)), 200, "PutRolePolicyResponse"},
		{"trusts an account by its number", "UpdateAssumeRolePolicy", admin, []string{"RoleName", "media", "PolicyDocument", strings.Replace(trustsProduction, "arn:aws:iam::873682911326:role/workers/production", "873682911326", 1)}, 200, ""},
		{"trusts a service", "UpdateAssumeRolePolicy", admin, []string{"RoleName", "media", "PolicyDocument", strings.Replace(trustsProduction, `"AWS":"arn:aws:iam::873682911326:role/workers/production"`, `"Service":"ec2.amazonaws.com"`, 1)}, 200, ""},
	} {
		// In order: the last ones change what is there.
		t.Run(c.name, func(t *testing.T) {
			if status, body := w.iam(t, c.keys, c.operation, c.parameters...); status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("got %d with %s, want %d with %s", status, body, c.status, c.want)
			}
		})
	}
	if status, body := w.iam(t, keys{"AKIANONE", "x", ""}, "GetRole", "RoleName", "media"); status != http.StatusForbidden || !strings.Contains(body, "InvalidClientTokenId") {
		t.Errorf("unknown access key: %d %s", status, body)
	}
	events := w.Trail()
	if last := events[len(events)-1]; last.Service != "iam" || last.Operation != "GetRole" || last.ErrorCode != "InvalidClientTokenId" {
		t.Errorf("the trail ends with %+v", last)
	}
}

func TestAccessKeysAreMadeInactive(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	admin, nobody := keysOf("admin"), keysOf("nobody")
	for _, c := range []struct {
		user, key, status string
		code              int
		refused           string // how STS refuses the key then
	}{
		{"nobody", nobody.id, "Off", 400, ""},
		{"nobody", admin.id, "Inactive", 404, ""},
		{"none", nobody.id, "Inactive", 404, ""},
		{"nobody", nobody.id, "Inactive", 200, "InvalidClientTokenId"},
		{"nobody", nobody.id, "Active", 200, ""},
	} {
		if code, body := w.iam(t, admin, "UpdateAccessKey", "UserName", c.user, "AccessKeyId", c.key, "Status", c.status); code != c.code {
			t.Errorf("%+v: %d %s", c, code, body)
		}
		_, err := w.sts(nobody).GetCallerIdentity(t.Context(), nil)
		wants(t, err, c.refused, "")
	}
}

func TestBoundariesArePut(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	admin, arn := keysOf("admin"), "arn:aws:iam::111122223333:policy/limit"
	session := w.assume(t, worker, sts.AssumeRoleInput{})
	for _, c := range []struct {
		name, operation string
		parameters      []string
		status          int
		want            string // in the answer
		read            string // what a read in a session of the role hears then
	}{
		{"of no policy", "PutRolePermissionsBoundary", []string{"RoleName", "media", "PermissionsBoundary", arn}, 404, "Policy " + arn + " does not exist or is not attachable.", ""},
		{"no document", "CreatePolicy", []string{"PolicyName", "limit", "PolicyDocument", "{"}, 400, "Syntax errors in policy.", ""},
		{"a path", "CreatePolicy", []string{"PolicyName", "limit", "Path", "/x/", "PolicyDocument", readsMasters}, 400, "does not support the parameter Path", ""},
		{"too long", "CreatePolicy", []string{"PolicyName", "limit", "PolicyDocument", strings.Replace(readsMasters, "acme", strings.Repeat("a", 6144), 1)}, 409, "PolicySize: 6144", ""},
		{"a policy", "CreatePolicy", []string{"PolicyName", "limit", "PolicyDocument", strings.Replace(readsMasters, "Get", "Put", 1)}, 200, "<Arn>" + arn + "</Arn>", ""},
		{"again", "CreatePolicy", []string{"PolicyName", "limit", "PolicyDocument", readsMasters}, 409, "A policy called limit already exists.", ""},
		{"of no role", "PutRolePermissionsBoundary", []string{"RoleName", "none", "PermissionsBoundary", arn}, 404, "The role with name none", ""},
		{"put", "PutRolePermissionsBoundary", []string{"RoleName", "media", "PermissionsBoundary", arn}, 200, "PutRolePermissionsBoundaryResponse", "because no permissions boundary allows the s3:GetObject action"},
		{"its default version", "GetPolicy", []string{"PolicyArn", arn}, 200, "<DefaultVersionId>v1</DefaultVersionId>", "because no permissions boundary allows"},
		{"its text", "GetPolicyVersion", []string{"PolicyArn", arn, "VersionId", "v1"}, 200, "<Document>%7B", "because no permissions boundary allows"},
		{"of another version", "GetPolicyVersion", []string{"PolicyArn", arn, "VersionId", "v2"}, 404, "was not found", "because no permissions boundary allows"},
		{"shown", "GetRole", []string{"RoleName", "media"}, 200, "<PermissionsBoundaryArn>" + arn + "</PermissionsBoundaryArn>", "because no permissions boundary allows"},
		{"taken away", "DeleteRolePermissionsBoundary", []string{"RoleName", "media"}, 200, "DeleteRolePermissionsBoundaryResponse", ""},
	} {
		if status, body := w.iam(t, admin, c.operation, c.parameters...); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
		code := ""
		if c.read != "" {
			code = "AccessDenied"
		}
		wants(t, get(t.Context(), w.s3(session, "eu-central-1"), "acme-masters", "in/a.mov"), code, c.read)
	}
}

func TestAStandingSessionThatEnded(t *testing.T) {
	t.Parallel()
	w := loaded(t, func(cfg *Config) { cfg.Accounts["873682911326"].Roles["production"].SessionExpired = true }, Options{})
	_, err := w.sts(production).GetCallerIdentity(t.Context(), nil)
	wants(t, err, "ExpiredToken", "The security token included in the request is expired")
	wants(t, get(t.Context(), w.s3(production, "eu-central-1"), "acme-masters", "in/a.mov"), "ExpiredToken", "")
}

func TestARoleWithAStandingSessionCanBeChangedTwice(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	root := worker // may do everything in the vendor's account
	if status, body := w.iam(t, root, "UpdateAssumeRolePolicy", "RoleName", "production", "PolicyDocument", trustsProduction); status != http.StatusOK {
		t.Fatal(body)
	}
	given := *w.directory.accounts["873682911326"].roles["production"].Role
	if err := w.PutRole("873682911326", "production", &given); err != nil {
		t.Error(err)
	}
	if _, err := w.sts(production).GetCallerIdentity(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// resourceOf returns an ARN of so many characters.
func resourceOf(n int) string {
	return "arn:aws:s3:::b/" + strings.Repeat("x", n-len("arn:aws:s3:::b/"))
}
