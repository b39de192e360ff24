package check_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// with gives the document with further statements.
func with(t *testing.T, d *policy.Document, statements ...string) *policy.Document {
	t.Helper()
	var read struct {
		Version   string
		Statement []json.RawMessage
	}
	if d != nil {
		if err := json.Unmarshal(d.JSON(), &read); err != nil {
			t.Fatal(err)
		}
	}
	all := append([]string(nil), statements...)
	for _, s := range read.Statement {
		all = append(all, string(s))
	}
	return doc(t, `{"Version":"2012-10-17","Id":"theirs","Statement":[`+strings.Join(all, ",")+`]}`)
}

// without gives the document without what is between a Sid and the next.
func without(t *testing.T, d *policy.Document, sids ...string) *policy.Document {
	t.Helper()
	var read struct {
		Statement []json.RawMessage
	}
	if err := json.Unmarshal(d.JSON(), &read); err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, s := range read.Statement {
		var statement map[string]any
		if err := json.Unmarshal(s, &statement); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(sids, func(sid string) bool { return hasSid(statement, sid) }) {
			kept = append(kept, string(s))
		}
	}
	return with(t, nil, kept...)
}

// Statements that others need of the documents.
const (
	theirBucket = `{"Sid":"Backup","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222233334444:role/backup"},"Action":["s3:GetObject", "s3:ListBucket"],"Resource":["arn:aws:s3:::acme-delivery","arn:aws:s3:::acme-delivery/*"]}`
	theirKey    = `{"Sid":"Admins","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222233334444:role/admins"},"Action":"kms:*","Resource":"*"}`
	theirTrust  = `{"Sid":"Other","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::888888888888:role/other"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"theirs"}}}`
	theirRole   = `{"Sid":"Logs","Effect":"Allow","Action":"logs:*","Resource":"*"}`
	ourRole     = "arn:aws:iam::111122223333:role/media"
)

func denyAll(condition string) string {
	return `{"Sid":"Guard","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::acme-delivery","arn:aws:s3:::acme-delivery/*"],"Condition":` + condition + `}`
}

// Each breaks a set-up whose documents also speak of others; those that are
// given tell what is at fault, and are corrected with nothing lost.
var amended = []struct {
	name                string
	owner, organization string
	breaks              func(t *testing.T, s *setting)
	give                []string
	step                string
	layer               rolecall.CheckLayer
	corrects            string
	keeps               []string
}{
	{
		"a bucket for an office only", roleAccount, "", func(t *testing.T, s *setting) {
			s.bucket.Policy = with(t, nil, theirBucket, denyAll(`{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"},"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/ops"]}}`))
		},
		[]string{"bucket"},
		"list", rolecall.LayerBucket, "bucket",
		[]string{theirBucket, `"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`, `"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/ops","` + ourRole + `"]}`},
	},
	{
		"a bucket for an organization only, which AWS does not say", otherAccount, "", func(t *testing.T, s *setting) {
			s.bucket.Policy = with(t, s.bucket.Policy, theirBucket, denyAll(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-theirs"}}`))
		}, []string{"bucket"}, "list", "", "bucket", []string{theirBucket, `"StringNotEquals":{"aws:PrincipalOrgID":"o-theirs"}`},
	},
	{
		"a bucket that denies the role's sessions", otherAccount, "", func(t *testing.T, s *setting) {
			s.bucket.Policy = with(t, s.bucket.Policy, theirBucket, denyAll(`{"StringLike":{"aws:userid":"*:acme.*"}}`))
		}, []string{"permissions", "bucket"}, "list", rolecall.LayerBucket, "bucket", []string{theirBucket, `"StringLike":{"aws:userid":"*:acme.*"}`},
	},
	{
		"a bucket that does not let the role read", otherAccount, "", func(t *testing.T, s *setting) {
			s.bucket.Policy = with(t, without(t, s.bucket.Policy, "RolecallRead"), theirBucket)
		}, []string{"permissions", "bucket"}, "read", rolecall.LayerBucket, "bucket", []string{theirBucket},
	},
	{
		"a role that may not read", otherAccount, "", func(t *testing.T, s *setting) {
			s.role.Policies[0] = with(t, without(t, s.role.Policies[0], "RolecallRead"), theirRole)
		}, []string{"permissions", "bucket"}, "read", rolecall.LayerRole, "permissions", []string{theirRole},
	},
	{
		"a role that may read elsewhere only", roleAccount, "", func(t *testing.T, s *setting) {
			s.role.Policies[0] = with(t, without(t, s.role.Policies[0], "RolecallRead"), `{"Sid":"RolecallRead","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-other/*"}`)
		}, []string{"permissions"}, "read", rolecall.LayerRole, "permissions", []string{`"Resource":"arn:aws:s3:::acme-other/*"`, `"Sid":"RolecallRead`},
	},
	{
		"a role whose second policy denies", roleAccount, "", func(t *testing.T, s *setting) {
			s.role.Policies = append(s.role.Policies, with(t, nil, theirRole, `{"Sid":"Guard","Effect":"Deny","Action":"s3:Put*","Resource":"*"}`))
		}, []string{"permissions"}, "write", rolecall.LayerRole, "permissions", []string{theirRole, `"Action":"s3:Put*"`},
	},
	{
		"a key that does not know the role", otherAccount, "", func(t *testing.T, s *setting) {
			s.key.Policy = with(t, nil, theirKey)
		}, []string{"key", "permissions"}, "key", rolecall.LayerKey, "key", []string{theirKey},
	},
	{
		"a role that anyone of the vendor's may assume", roleAccount, "", func(t *testing.T, s *setting) {
			s.role.Trust = with(t, nil, theirTrust, `{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::888888888888:role/first","arn:aws:iam::999900009999:role/production"]},"Action":"sts:AssumeRole"}`)
		}, []string{"trust"}, "external-id-absent", rolecall.LayerTrust, "trust", []string{theirTrust, `{"AWS":["arn:aws:iam::888888888888:role/first"]}`},
	},
	{
		"a role for ids that are like the right one", roleAccount, "", func(t *testing.T, s *setting) {
			s.role.Trust = with(t, nil, theirTrust, `{"Sid":"Ids","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::999900009999:root","888888888888"]},"Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:ExternalId":"acme-*"}}}`)
		}, []string{"trust"}, "external-id-near", rolecall.LayerTrust, "trust", []string{theirTrust, `"Principal":{"AWS":["888888888888"]},"Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:ExternalId":"acme-*"}}`},
	},
	{
		"a role that trusts others", roleAccount, "", func(t *testing.T, s *setting) {
			s.role.Trust = with(t, nil, theirTrust)
		}, []string{"trust", "worker"}, "assume", rolecall.LayerTrust, "trust", []string{theirTrust},
	},
	{
		"a boundary without S3", roleAccount, "", func(t *testing.T, s *setting) {
			s.role.Boundary = with(t, nil, theirRole, `{"Effect":"Allow","Action":["s3:List*","kms:*"],"Resource":"*"}`)
		}, []string{"boundary"}, "read", rolecall.LayerRole, "boundary", []string{theirRole, `"Action":["s3:List*","kms:*"]`},
	},
	{
		"an organization that keeps to a region", roleAccount, "o-acme", func(t *testing.T, s *setting) {
			s.config.Accounts[roleAccount].SCP = []*policy.Document{with(
				t, nil, `{"Effect":"Allow","Action":"*","Resource":"*"}`,
				`{"Sid":"Regions","Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["us-east-1"]}}}`,
			)}
		}, []string{"scp"}, "list", rolecall.LayerOrganization, "scp", []string{`"NotAction":["iam:*","sts:*"]`, `"StringNotEquals":{"aws:RequestedRegion":["us-east-1"]}`},
	},
	{
		"an organization that lets no outsiders assume roles", roleAccount, "o-acme", func(t *testing.T, s *setting) {
			s.config.Accounts[roleAccount].RCP = []*policy.Document{with(
				t, nil, `{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`,
				`{"Sid":"Perimeter","Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalAccount":["111122223333"]}}}`,
			)}
		},
		[]string{"trust", "rcp"},
		"assume", rolecall.LayerOrganization, "rcp",
		[]string{`"StringNotEquals":{"aws:PrincipalAccount":["111122223333"]}`, `"NotResource":["` + ourRole + `"]`},
	},
	{
		"a role for ids that differ in the last character", roleAccount, "", func(t *testing.T, s *setting) {
			s.role.Trust = with(t, nil, theirTrust, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999900009999:role/production"},"Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:ExternalId":"acme-4?"}}}`)
		}, []string{"trust"}, "external-id-near", rolecall.LayerTrust, "trust", []string{theirTrust},
	},
	{
		"a bucket that does not let a deep check read what it wrote", otherAccount, "", func(t *testing.T, s *setting) {
			s.deep = true
			s.bucket.Policy = with(t, s.bucket.Policy, theirBucket, `{"Sid":"Guard","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-delivery/out/.rolecall-check"}`)
		}, []string{"permissions", "bucket"}, "write", rolecall.LayerBucket, "bucket", []string{theirBucket},
	},
	{
		"a role that may not set the ACL", roleAccount, "", func(t *testing.T, s *setting) {
			s.connection.ACL = "bucket-owner-full-control"
			s.bucket.Ownership = "BucketOwnerPreferred"
			s.role.Policies[0] = with(t, s.role.Policies[0], theirRole)
		}, []string{"permissions"}, "ownership", rolecall.LayerRole, "permissions", []string{theirRole},
	},
}

func TestPatchesKeepWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, test := range amended {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSetting(t, test.owner, test.organization)
			test.breaks(t, s)
			for _, kind := range test.give {
				for i, d := range s.documents(kind) {
					s.policies = append(s.policies, correct.Given{Kind: policy.Kind(kind), File: fmt.Sprintf("%s-%d.json", kind, i), Document: *d})
				}
			}
			report, _ := s.check(t)
			found := firstFailed(report)
			if found.Step != test.step || found.Layer != test.layer || found.Patch == nil || found.Patch.Document != test.corrects || found.Patch.Corrects == "" {
				dump(t, report)
				t.Fatalf("%s: %s, %v", found.Step, found.Layer, found.Patch)
			}
			for _, kept := range test.keeps {
				if !strings.Contains(string(found.Patch.Policy), strings.ReplaceAll(kept, ", ", ",")) {
					t.Errorf("the patch has lost %s:\n%s", kept, found.Patch.Policy)
				}
			}
			var i int
			if _, err := fmt.Sscanf(found.Patch.Corrects, found.Patch.Document+"-%d.json", &i); err != nil {
				t.Fatal(err)
			}
			*s.documents(found.Patch.Document)[i] = doc(t, string(found.Patch.Policy))
			s.policies = nil
			report, _ = s.check(t)
			if !works(report) {
				dump(t, report)
				t.Errorf("it does not mend it:\n%s", found.Patch.Policy)
			}
		})
	}
}

// documents are those of a kind in the set-up.
func (s *setting) documents(kind string) []**policy.Document {
	list := func(documents []*policy.Document) []**policy.Document {
		var out []**policy.Document
		for i := range documents {
			out = append(out, &documents[i])
		}
		return out
	}
	switch kind {
	case "trust":
		return []**policy.Document{&s.role.Trust}
	case "permissions":
		return list(s.role.Policies)
	case "boundary":
		return []**policy.Document{&s.role.Boundary}
	case "bucket":
		return []**policy.Document{&s.bucket.Policy}
	case "key":
		return []**policy.Document{&s.key.Policy}
	case "worker":
		return list(s.config.Accounts[vendorAccount].Roles["production"].Policies)
	case "rcp":
		return list(s.config.Accounts[roleAccount].RCP)
	default:
		return list(s.config.Accounts[roleAccount].SCP)
	}
}

// A trust policy that is corrected is open to nobody of the vendor's without
// the external id, and not to everyone.
func TestCorrectedTrustIsNotOpen(t *testing.T) {
	t.Parallel()
	for _, open := range []string{
		`{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`,
		`{"Sid":"Open","Effect":"Allow","Principal":{"AWS":["*"]},"Action":"sts:*"}`,
		`{"Sid":"Open","Effect":"Allow","Principal":{"AWS":"999900009999"},"Action":"sts:AssumeRole"}`,
		`{"Sid":"Open","Effect":"Allow","Principal":{"AWS":"999900009999"},"Action":"sts:AssumeRole","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}`,
		`{"Sid":"Open","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::999900009999:role/production","arn:aws:iam::999900009999:role/staging"]},"Action":"sts:AssumeRole"}`,
		`{"Effect":"Allow","Principal":{"AWS":"999900009999"},"Action":"sts:AssumeRole"},{"Sid":"Open","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999900009999:user/staging"},"Action":"sts:AssumeRole"}`,
		`{"Sid":"Open","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringNotEquals":{"aws:PrincipalAccount":"888888888888"}}}`,
		`{"Sid":"Open","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999900009999:root"},"Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:ExternalId":"*"}}}`,
	} {
		s := newSetting(t, roleAccount, "")
		s.role.Trust = with(t, nil, theirTrust, `{"Sid":"Inside","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-acme"}}}`, open)
		s.policies = []correct.Given{{Kind: "trust", File: "trust.json", Document: s.role.Trust}}
		report, _ := s.check(t)
		found := firstFailed(report)
		if found.Patch == nil || found.Patch.Corrects == "" || !strings.Contains(string(found.Patch.Policy), theirTrust) ||
			!strings.Contains(string(found.Patch.Policy), `"Inside"`) || strings.Contains(string(found.Patch.Policy), `"Open"`) {
			dump(t, report)
			t.Fatalf("%s: %+v", open, found.Patch)
		}
		if !strings.Contains(found.Hint, "removed: ") || !strings.Contains(found.Hint, "Open") {
			t.Errorf("%s: nothing tells of it: %s", open, found.Hint)
		}
	}
}

// What was given is acquitted only of what the step asked; what AWS may have
// meant besides stays a candidate.
func TestNothingIsAcquittedWrongly(t *testing.T) {
	t.Parallel()
	given := func(kind string, d *policy.Document) correct.Given {
		return correct.Given{Kind: policy.Kind(kind), File: kind + ".json", Document: d}
	}

	s := newSetting(t, roleAccount, "o-acme")
	s.config.Accounts[roleAccount].RCP = []*policy.Document{with(
		t, nil, `{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`,
		`{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-acme"}}}`,
	)}
	report, _ := s.check(t)
	bare := firstFailed(report)
	if len(bare.Candidates) != 3 || !strings.Contains(bare.Message, "a resource control policy of the role's organization") || !strings.Contains(bare.Hint, "--policy rcp=FILE") {
		t.Errorf("nothing is said of the role's organization: %v, %+v", bare.Candidates, bare)
	}
	s.policies = []correct.Given{given("trust", s.role.Trust)}
	report, _ = s.check(t)
	if got := fmt.Sprint(firstFailed(report).Candidates); got != "[name principal organization policy]" {
		t.Errorf("the trust policy is not it, and %s are left", got)
	}

	s = newSetting(t, roleAccount, "")
	s.policies = []correct.Given{given("trust", s.role.Trust)}
	s.role.Trust = with(t, nil, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999900009999:role/production"},"Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:ExternalId":"acme-4?"}}}`)
	report, _ = s.check(t)
	if found := firstFailed(report); found.Layer != rolecall.LayerTrust || !strings.Contains(found.Message, "by trust.json it should be refused") || !strings.Contains(found.Hint, "in force") {
		t.Errorf("another policy is in force: %s: %s", found.Layer, found.Hint)
	}

	s = newSetting(t, otherAccount, "")
	s.policies = []correct.Given{given("permissions", s.role.Policies[0])}
	s.bucket.Policy = without(t, s.bucket.Policy, "RolecallRead")
	report, _ = s.check(t)
	if got := fmt.Sprint(firstFailed(report).Candidates); got != "[bucket organization policy role]" {
		t.Errorf("the permissions are not it, and %s are left", got)
	}
}

func firstFailed(r rolecall.CheckReport) rolecall.CheckStep {
	for _, s := range r.Steps {
		if s.Result == rolecall.CheckFail {
			return s
		}
	}
	return rolecall.CheckStep{}
}
