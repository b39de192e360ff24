package account

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

// Prefix and checksum alone show that a text is a token, and no two tokens are the same.
func TestToken(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		text, hash := NewToken(ServicePrefix)
		if len(text) != 40 || !IsToken(text, ServicePrefix) || IsToken(text, OperatorPrefix) || seen[text] || hash != Hash(text) || strings.Contains(hash, text[4:]) {
			t.Fatalf("%s, %s", text, hash)
		}
		seen[text] = true
		for i := len(ServicePrefix); i < len(text); i++ {
			other := byte('0')
			if text[i] == other {
				other = '1'
			}
			if changed := text[:i] + string(other) + text[i+1:]; IsToken(changed, ServicePrefix) {
				t.Fatalf("%s is taken for a token", changed)
			}
		}
	}
	for _, text := range []string{"", ServicePrefix, ServicePrefix + strings.Repeat("é", 18), ServicePrefix + strings.Repeat("0", 36)} {
		if IsToken(text, ServicePrefix) {
			t.Errorf("%q is taken for a token", text)
		}
	}
	// The IEEE CRC-32 of 30 zeros, in base62.
	if zeros := strings.Repeat("0", 30); checksum(zeros) != "2C8GjS" {
		t.Errorf("the checksum is %s", checksum(zeros))
	}
}

// Who may do what: every action by every role, in its own organization and in
// another.
func TestMay(t *testing.T) {
	t.Parallel()
	all := []Action{
		OrganizationList, OrganizationCreate, OrganizationGet, ConnectionList, ConnectionGet, ConnectionPut, ConnectionDelete, ConnectionRelease,
		PoliciesGet, CheckStart, CheckGet, TokenList, TokenCreate, TokenDelete, SecretList, SecretPut, SecretDelete, CredentialsVend, AuditList,
		SetupLinkGet, SetupLinkList, SetupLinkCreate, SetupLinkDelete, OrganizationPatch, OrganizationDelete, OrganizationAdopt, JobRun, SealRotate, ExternalIDRotate, MemberList, MemberInvite, MemberDelete, SessionList, SessionCreate,
		SessionDelete, SignInLinkCreate, OperatorAuditList, OperatorTokenList, OperatorTokenCreate, OperatorTokenDelete, PolicyLint, PolicySimulate, PolicyExplain, "unknown.action",
	}
	reads := " organization.list organization.get connection.list connection.get policies.get check.get session.list session.delete policy.lint policy.simulate policy.explain "
	writes := reads + "connection.put connection.delete connection.release check.start token.list token.create token.delete secret.list secret.put secret.delete credentials.vend audit.list " +
		"setup_link.list setup_link.create setup_link.delete organization.patch external_id.rotate member.list member.invite member.delete "
	for role, allowed := range map[Role]string{Viewer: reads, Submitter: reads, Admin: writes, Credentials: " credentials.vend ", Setup: " setup_link.get connection.get connection.put policies.get check.start check.get ", "": "", "unknown": "", Operator: writes} {
		for _, do := range all {
			a := Actor{Role: role, Organization: "acme"}
			want := rolecall.Forbidden
			if strings.Contains(allowed, " "+string(do)+" ") {
				want = ""
			}
			if role == Operator { // of one organization there is none
				continue
			}
			if got := rolecall.CodeOf(a.May(do, "acme")); got != want {
				t.Errorf("%s %s: %q, want %q", role, do, got, want)
			}
			if got := rolecall.CodeOf(a.May(do, "globex")); got != rolecall.NotFound {
				t.Errorf("%s %s elsewhere: %q", role, do, got)
			}
		}
	}
	for _, do := range all {
		if err := (Actor{Role: Operator}).May(do, "acme"); (err != nil) != (do == SetupLinkGet) {
			t.Errorf("operator %s: %v", do, err)
		}
	}
}
