package correct

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

func TestDeclarationCorrectsNames(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::111122223333:role/media"
	right := rolecall.Connection{Purpose: rolecall.Source, Bucket: "acme", Prefix: "in/", Region: "eu-central-1", RoleARN: role, BucketOwner: "111122223333"}
	for name, change := range map[string]func(*rolecall.Connection){
		"as it is": func(*rolecall.Connection) {},
		"a session's ARN": func(c *rolecall.Connection) {
			c.RoleARN = "arn:aws:sts::111122223333:assumed-role/media/me@example.com"
		},
		"a profile's ARN":     func(c *rolecall.Connection) { c.RoleARN = "arn:aws:iam::111122223333:instance-profile/media" },
		"an account in parts": func(c *rolecall.Connection) { c.RoleARN = "arn:aws:iam::1111-2222-3333:role/media" },
		"space around it":     func(c *rolecall.Connection) { c.RoleARN = "\t" + role + "\n" },
		"quotes around it":    func(c *rolecall.Connection) { c.RoleARN = `"` + role + `",` },
		"a slash after it":    func(c *rolecall.Connection) { c.RoleARN = role + "/" },
		"a bucket's URL":      func(c *rolecall.Connection) { c.Bucket, c.Prefix = "s3://acme/in/", "" },
		"a bucket's ARN":      func(c *rolecall.Connection) { c.Bucket, c.Prefix = "arn:aws:s3:::acme/in/*", "" },
		"a prefix's slashes":  func(c *rolecall.Connection) { c.Prefix = "/in" },
		"a prefix's star":     func(c *rolecall.Connection) { c.Prefix = "in/*" },
		"a name alone":        func(c *rolecall.Connection) { c.RoleARN = "media" },
		"a loud region":       func(c *rolecall.Connection) { c.Region = " EU-Central-1" },
		"an owner in parts":   func(c *rolecall.Connection) { c.BucketOwner = "1111-2222-3333" },
	} {
		c := right
		change(&c)
		if diff := cmp.Diff(right, Declaration(c)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	for _, hopeless := range []string{"", "media", "arn:aws:iam::1111:role/media", "arn:aws:iam::111122223333:user/media"} {
		if got := correctedRole(rolecall.Connection{RoleARN: hopeless}); got != hopeless {
			t.Errorf("%q becomes %q", hopeless, got)
		}
	}
}

// What a connection does without is left out.
func TestDeclarationLeavesOut(t *testing.T) {
	t.Parallel()
	c := Declaration(rolecall.Connection{
		Purpose: rolecall.Delivery, Bucket: "acme", RoleARN: "arn:aws:iam::111122223333:role/media", Region: "EU (Frankfurt)", BucketOwner: "acme",
		Encryption: &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:eu-central-1:111122223333:alias/media"}, RoleSessionDurationSeconds: 86400,
	})
	if err := c.Validate(); err != nil || c.Region != "" || c.BucketOwner != "" || c.Encryption.Key != "" || c.RoleSessionDurationSeconds != 0 {
		t.Errorf("%+v: %v", c, err)
	}
}

// What a connection was granted optionally stays: its declaration does not say it,
// so that a check's commands must not take it out as what is no longer needed.
func TestOptionalGrantsAreNotWithdrawn(t *testing.T) {
	t.Parallel()
	for _, purpose := range []rolecall.Purpose{rolecall.Source, rolecall.Delivery} {
		s := limitedSetup()
		s.Connection.Purpose = purpose
		request, _ := s.Request()
		request.Optional = policy.Grants(purpose)
		kit, err := policy.Generate(request)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []policy.Kind{policy.PermissionsDocument, policy.BucketDocument} {
			for i, statement := range statements(readDocument(kit.Document(kind))) {
				if slices.Contains(s.Withdrawn(kind), nameOf(statement, i)) {
					t.Errorf("%s, %s: %s is taken out", purpose, kind, nameOf(statement, i))
				}
			}
		}
	}
}
