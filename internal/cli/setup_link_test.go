package cli_test

import (
	"regexp"
	"strings"
	"testing"
)

// holds reports which texts are not in what a command prints.
func holds(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(got, text) {
			t.Errorf("%q is not in:\n%s", text, got)
		}
	}
}

var anID = regexp.MustCompile(`[0-9a-v]{26}`)

// Who has a setup link alone connects a customer by it, and nothing else.
func TestRemoteSetupLink(t *testing.T) {
	t.Parallel()
	s := serveWorld(t)
	s.there(0, "", "org", "create", "nova")
	holds(t, s.there(0, `{"purpose": "source", "bucket": ""}`, "connection", "put", "masters", "--org", "nova", "-f", "-", "--revision", "0"), "pending", "revision")
	holds(t, s.there(2, `{"purpose": "source", "bucket": ""}`, "connection", "put", "masters", "--org", "nova", "-f", "-", "--revision", "0"), "is there already")
	link := strings.TrimSpace(s.there(0, "", "setup-link", "create", "masters", "--org", "nova", "--account", "111122223333", "--expires", "2d"))
	if !strings.HasPrefix(link, s.url+"/setup/rcl_") {
		t.Fatal(link)
	}
	listed := s.there(0, "", "setup-link", "list", "masters", "--org", "nova")
	holds(t, listed, "account 111122223333", "ends ", "never used")
	holds(t, s.there(3, "", "setup-link", "show"), "no setup link")

	operator := s.token
	s.token, s.more = link, "ROLECALL_SERVER=" // the link alone says where
	holds(t, s.there(0, "", "setup-link", "show"), "masters of nova", "role_arn, region, bucket", "prefix, encryption", "account 111122223333", "external id", "principal production")
	holds(t, s.there(0, "", "setup-link", "show", "--output", "json"), `"connection": "masters"`, `"/bucket"`)
	const role = "arn:aws:iam::111122223333:role/nova"
	holds(t, s.there(2, "", "policy", "generate", "masters", "--role-arn", role, "--format", "cli"), "no bucket yet")
	holds(t, s.there(0, `{"bucket": "nova-masters"}`, "connection", "put", "masters", "-f", "-"), "s3://nova-masters/")
	holds(t, s.there(2, "", "policy", "generate", "masters", "--format", "cli"), "--role-arn")
	holds(t, s.there(0, "", "policy", "generate", "masters", "--role-arn", role, "--format", "cli"), "iam create-role", "nova-masters")
	holds(t, s.there(2, `{"role_arn": "arn:aws:iam::444455556666:role/nova"}`, "connection", "put", "masters", "-f", "-"), "444455556666")
	holds(t, s.there(3, `{"purpose": "delivery"}`, "connection", "put", "masters", "-f", "-"), "a setup link does not change purpose")
	holds(t, s.there(0, `{"region": "eu-central-1", "role_arn": "`+role+`"}`, "connection", "put", "masters", "-f", "-"), "s3://nova-masters/", role)
	holds(t, s.there(0, "", "connection", "show", "masters"), "s3://nova-masters/")
	holds(t, s.there(1, "", "check", "masters", "--wait", "0"), "assume")
	for _, args := range [][]string{{"org", "list"}, {"token", "list", "--org", "nova"}, {"connection", "delete", "masters"}, {"setup-link", "list", "masters"}, {"credentials", "masters", "--org", "nova"}} {
		holds(t, s.there(3, "", args...), "the role setup does not allow")
	}
	s.more = "ROLECALL_SERVER=http://127.0.0.1:1"
	holds(t, s.there(2, "", "setup-link", "show"), "another service")
	s.token, s.more = operator, ""
	holds(t, s.there(0, "", "setup-link", "revoke", "masters", anID.FindString(listed), "--org", "nova"), "the setup link")
	holds(t, s.there(0, "", "setup-link", "list", "masters", "--org", "nova"), "there are no setup links")
	s.token = link
	holds(t, s.there(3, "", "setup-link", "show"), "not valid")
	s.token = s.url + "/signin/rci_x"
	holds(t, s.there(2, "", "setup-link", "show"), "not a setup link", "ROLECALL_TOKEN")
}

// People, the operator's own tokens and the replacement of an external id, by
// the commands alone.
func TestRemotePeople(t *testing.T) {
	t.Parallel()
	s := serveWorld(t)
	s.there(0, "", "org", "create", "nova")
	invited := strings.TrimSpace(s.there(0, "", "member", "invite", "--org", "nova", "--role", "admin"))
	if !strings.HasPrefix(invited, s.url+"/signin/rcv_") {
		t.Error(invited)
	}
	holds(t, s.there(0, "", "member", "invite", "--org", "nova", "--role", "viewer", "--output", "json"), s.url+"/signin/rcv_")
	listed := s.there(0, "", "member", "list", "--org", "nova")
	holds(t, listed, "admin", "viewer", "invited; the link ends")
	holds(t, s.there(0, "", "member", "remove", anID.FindString(listed), "--org", "nova"), "the member")
	holds(t, s.there(2, "", "member", "invite", "--org", "nova", "--role", "operator"), "--role")
	holds(t, s.there(0, "", "session", "list"), "nobody is signed in")
	holds(t, s.there(2, "", "session", "end", "none"), `no session "none"`)

	made := strings.TrimSpace(s.there(0, "", "token", "create", "--operator", "--name", "second"))
	if !strings.HasPrefix(made, "rco_") {
		t.Error(made)
	}
	listed = s.there(0, "", "token", "list", "--operator")
	holds(t, listed, "second", "operator")
	holds(t, s.there(0, "", "token", "revoke", "--operator", anID.FindString(listed)), "the token") // the newest
	first := s.token
	s.token = made
	holds(t, s.there(3, "", "org", "list"), "not valid")
	s.token = first
	holds(t, s.there(2, "", "token", "list", "--operator", "--org", "nova"), "You: give --operator or --org")
	holds(t, s.there(0, "", "audit", "list", "--operator", "--limit", "3"), "operator_token.delete")
	holds(t, s.there(0, "", "audit", "list", "--operator", "--action", "member.delete"), "nova members/")

	old := strings.Fields(s.there(0, "", "org", "show", "nova", "--output", "json"))
	holds(t, s.there(0, "", "org", "rotate", "nova", "--dry-run"), "external id of nova")
	if again := strings.Fields(s.there(0, "", "org", "show", "nova", "--output", "json")); strings.Join(again, " ") != strings.Join(old, " ") {
		t.Errorf("a dry run changed %v to %v", old, again)
	}
	holds(t, s.there(0, "", "org", "rotate", "nova"), "new ", "old ", "no connection needs the old external id")
	holds(t, s.there(2, "", "org", "rotate", "acme"), "org adopt acme")
	holds(t, s.there(2, "", "org", "update", "nova", "--name", "x", "--revision", "77"), "changed since you read it")
	holds(t, s.there(0, "", "org", "delete", "nova", "--dry-run"), "nova would be deleted")
	holds(t, s.there(0, "", "org", "show", "nova"), "organization nova", "revision")
}
