package correct

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// limitedSetup is a connection to a bucket and key of another account.
func limitedSetup() Setup {
	role, _ := rolecall.ParseARN(us)
	worker, _ := rolecall.ParseARN("arn:aws:iam::999900009999:role/production")
	return Setup{
		Connection: rolecall.Connection{
			Name: "in", Purpose: rolecall.Delivery, RoleARN: us, Bucket: "acme", Prefix: "in/", Region: "eu-central-1", BucketOwner: "444455556666",
			Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
		},
		Role: role, Principal: worker, ExternalID: "acme-42", Vendor: rolecall.Vendor{Accounts: []string{"999900009999"}},
		SessionName: "acme.in", Region: "eu-central-1", Owner: "444455556666", Object: "in/a",
		KMSKey: "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	}
}

// What a document would allow but for the account's own condition is not
// allowed by a second statement without it.
func TestLimitsStay(t *testing.T) {
	t.Parallel()
	steps := map[policy.Kind]string{
		policy.TrustDocument: rolecall.StepAssume, policy.PermissionsDocument: rolecall.StepList, policy.BucketDocument: rolecall.StepList, policy.KeyDocument: rolecall.StepKey,
	}
	s := limitedSetup()
	kit, ok := s.NeededKit()
	if !ok {
		t.Fatal("no kit")
	}
	for kind, step := range steps {
		for _, c := range []struct {
			operator, key, value string
			met                  bool
		}{
			{"IpAddress", "aws:SourceIp", "203.0.113.0/24", false},
			{"NotIpAddress", "aws:SourceIp", "203.0.113.0/24", false},
			{"StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d", false},
			{"StringEqualsIfExists", "aws:SourceVpc", "vpc-1a2b3c4d", false},
			{"StringEquals", "aws:PrincipalOrgID", "o-acme123456", false},
			{"StringEquals", "aws:PrincipalTag/team", "media", false},
			{"Bool", "aws:MultiFactorAuthPresent", "true", false},
			{"NumericLessThan", "aws:MultiFactorAuthAge", "3600", false},
			{"NumericGreaterThanEquals", "s3:TlsVersion", "1.3", false},
			{"StringLike", "aws:UserAgent", "acme*", false},
			{"DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", false},
			{"DateGreaterThan", "aws:CurrentTime", "2990-01-01T00:00:00Z", false},
			{"DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", true},
			{"NumericLessThan", "aws:EpochTime", "1500000000", false},
		} {
			for _, beside := range []string{"", "wrong"} { // what is the connection's to say is wrong, too
				d := readDocument(kit.Document(kind))
				var sids []string
				for i, old := range statements(d) {
					stmt, _ := under(old, Limit{Operator: c.operator, Key: c.key, Values: []string{c.value}})
					if beside != "" {
						stmt = ofAnother(stmt)
					}
					statements(d)[i] = stmt
					sids = append(sids, nameOf(stmt, i))
				}
				name := fmt.Sprintf("%s %s %s %s", kind, c.operator, c.key, beside)
				j, ok := s.Judge(Question{Step: step, LayerKnown: true, Denial: policy.Denial{}}, kind, []Given{{Kind: kind, File: "theirs.json", Document: parsed(t, string(d.JSON()))}})
				if !ok {
					t.Fatalf("%s is not judged", name)
				}
				condition := fmt.Sprintf(`"%s":{"%s":`, c.operator, c.key)
				switch {
				case j.Corrected != nil:
					root := readDocument(parsed(t, string(j.Corrected)))
					for _, added := range statements(root)[len(statements(d)):] {
						if !isDeny(added) && !hasCondition(added, c.key) {
							t.Errorf("%s: added without %s: %s", name, condition, added.JSON())
						}
					}
				case c.met && j.Standing == Allows && (beside == "" || kind == policy.KeyDocument):
				case c.met:
					t.Errorf("%s: nothing is corrected, though the condition is met", name)
				case len(j.Limits) == 0:
					t.Errorf("%s: no limit is named, standing %d", name, j.Standing)
				default:
					l := j.Limits[0]
					if len(slices.Compact(slices.Sorted(slices.Values(l.Statements)))) != len(l.Statements) {
						t.Errorf("%s: named twice: %v", name, l.Statements)
					}
					if l.File != "theirs.json" || l.Operator != c.operator || l.Key != c.key || !slices.Equal(l.Values, []string{c.value}) || !slices.Contains(sids, l.Statements[0]) {
						t.Errorf("%s: %+v", name, l)
					}
				}
			}
		}
	}
}

// ofAnother gives a statement an external id or a prefix that is another's.
func ofAnother(s *tree.Node) *tree.Node {
	out := s.Clone()
	for operator, key := range map[string]string{"StringEquals": "sts:ExternalId", "StringLike": "s3:prefix"} {
		if keys := out.Get("Condition").Get(operator); keys.Get(key) != nil {
			keys.Set(key, tree.Text("other"))
		}
	}
	return out
}

// Statements that are about others limit nobody else.
func TestOthersLimitsAreTheirs(t *testing.T) {
	t.Parallel()
	s := limitedSetup()
	for kind, theirs := range map[policy.Kind][]string{
		policy.TrustDocument: {
			`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-acme123456"}}}`,
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::888888888888:role/x"},"Action":"sts:AssumeRole","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`,
			`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}`,
		},
		policy.BucketDocument: {
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/x"},"Action":"s3:*","Resource":"arn:aws:s3:::acme/*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`,
			`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::acme/*","arn:aws:s3:::acme"],"Condition":{"StringEquals":{"s3:DataAccessPointAccount":"444455556666"}}}`,
			`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::acme/*","arn:aws:s3:::acme"],"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`,
			`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::acme/out/*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}}`,
		},
	} {
		step := rolecall.StepRead
		if kind == policy.TrustDocument {
			step = rolecall.StepAssume
		}
		for _, statement := range theirs {
			d := parsed(t, `{"Version":"2012-10-17","Statement":[`+statement+`]}`)
			j, ok := s.Judge(Question{Step: step, LayerKnown: true}, kind, []Given{{Kind: kind, File: "theirs.json", Document: d}})
			if !ok || j.Corrected == nil || len(j.Limits) > 0 || strings.Count(string(j.Corrected), `"Condition":{`+statement[strings.Index(statement, `"Condition":{`)+len(`"Condition":{`):len(statement)-1]) != 1 {
				t.Errorf("%s: %+v, %s", statement, j.Limits, j.Corrected)
			}
		}
	}
}
