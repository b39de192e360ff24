package policy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// shape is one combination of all that shapes a kit.
type shape struct {
	purpose                  rolecall.Purpose
	encryption               string // none, AES256, default (a key that nobody named), role or other (whose account the key is in)
	prefix                   string
	partition                string
	form                     policy.TrustForm
	worker                   policy.WorkerForm
	cross, versioned, grants bool
	tls, encrypted           bool
	rotating, many           bool
}

const (
	kitRoleAccount  = "111122223333"
	kitOtherAccount = "222233334444"
	kitVendor       = "999988887777"
	kitVendorTwo    = "888877776666"
	kitVendorThree  = "777766665555"
	kitBucket       = "acme-masters"
	kitID, kitIDTwo = "x-42-Quite.Long", "y-43"
	kitKeyID        = "key/1111aaaa-22bb-33cc-44dd-5555eeee6666"
)

var kitRegions = map[string]string{"aws": "eu-central-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-eusc": "eusc-de-east-1"}

// shapes returns every combination of what shapes the documents about the
// bucket and the key. Partitions, and what shapes those about trust, take
// turns in them: the one changes names only, which TestKitPartitions holds,
// and the other does not touch the rest.
func shapes() []shape {
	no := []bool{false, true}
	out := []shape{{}}
	each := func(n int, set func(s *shape, i int)) {
		var all []shape
		for _, s := range out {
			for i := range n {
				set(&s, i)
				all = append(all, s)
			}
		}
		out = all
	}
	encryptions, prefixes := []string{"none", "AES256", "default", "role", "other"}, []string{"", "in/", "a*${b}?/"}
	each(2, func(s *shape, i int) { s.purpose = []rolecall.Purpose{rolecall.Source, rolecall.Delivery}[i] })
	each(len(encryptions), func(s *shape, i int) { s.encryption = encryptions[i] })
	each(len(prefixes), func(s *shape, i int) { s.prefix = prefixes[i] })
	each(2, func(s *shape, i int) { s.cross = no[i] })
	each(2, func(s *shape, i int) { s.versioned = no[i] })
	each(2, func(s *shape, i int) { s.grants = no[i] })
	each(2, func(s *shape, i int) { s.tls = no[i] })
	each(2, func(s *shape, i int) { s.encrypted = no[i] })
	out = slices.DeleteFunc(out, func(s shape) bool {
		return s.encrypted && (s.purpose == rolecall.Source || s.encryption == "none")
	})
	partitions := sorted(kitRegions)
	for i := range out {
		n := i + i/4 + i/16 // so that turns do not keep step with the loops
		out[i].partition = partitions[n%len(partitions)]
		out[i].form = []policy.TrustForm{policy.ByPrincipal, policy.ByAccount}[n%2]
		out[i].worker = []policy.WorkerForm{policy.AnyRole, policy.ListedRoles}[n/2%2]
		out[i].rotating, out[i].many = n/4%2 == 1, n/8%2 == 1
	}
	return out
}

func (s shape) arn(service, region, account, resource string) string {
	return rolecall.ARN{Partition: s.partition, Service: service, Region: region, Account: account, Resource: resource}.String()
}

func (s shape) role() string { return s.arn("iam", "", kitRoleAccount, "role/me*a/ingest") }

func (s shape) owner() string {
	if s.cross {
		return kitOtherAccount
	}
	return kitRoleAccount
}

// keyOwner is empty where no key is used.
func (s shape) keyOwner() string {
	switch s.encryption {
	case "default":
		return s.owner()
	case "role":
		return kitRoleAccount
	case "other":
		return kitOtherAccount
	default:
		return ""
	}
}

func (s shape) key() string { return s.arn("kms", kitRegions[s.partition], s.keyOwner(), kitKeyID) }

func (s shape) bucket() string { return s.arn("s3", "", "", kitBucket) }

func (s shape) principals() []string {
	out := []string{s.arn("iam", "", kitVendor, "role/VTKWorker")}
	if s.many {
		out = append(out, s.arn("iam", "", kitVendorTwo, "role/eu/Worker"), s.arn("iam", "", kitVendor, "user/staging"))
	}
	if s.form == policy.ByAccount {
		out = append(out, s.arn("iam", "", kitVendor, "role/o?d/Worker"))
	}
	return out
}

func (s shape) ids() []string {
	if s.rotating {
		return []string{kitID, kitIDTwo}
	}
	return []string{kitID}
}

func (s shape) listed() string { return s.arn("iam", "", kitOtherAccount, "role/listed") }

var kitRevoked = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func (s shape) request() policy.KitRequest {
	r := policy.KitRequest{
		Connection: rolecall.Connection{
			Purpose: s.purpose, Bucket: kitBucket, Prefix: s.prefix, Region: kitRegions[s.partition], RoleARN: s.role(),
		},
		Principals: s.principals(), ExternalIDs: s.ids(), Form: s.form, VendorAccounts: []string{kitVendorThree}, Worker: s.worker,
		Versioned: s.versioned, RequireTLS: s.tls, RequireEncryption: s.encrypted, RevokeBefore: kitRevoked,
	}
	if s.cross {
		r.Connection.BucketOwner = kitOtherAccount
	}
	if s.worker == policy.ListedRoles {
		r.WorkerRoles = []string{s.listed()}
	}
	if s.grants {
		r.Optional = policy.Grants(s.purpose)
	}
	switch s.encryption {
	case "AES256":
		r.Connection.Encryption = &rolecall.Encryption{Type: "AES256"}
	case "default":
		r.Connection.Encryption = &rolecall.Encryption{Type: "aws:kms"}
		if s.prefix == "" {
			r.Connection.Region = ""
		}
	case "role", "other":
		r.Connection.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: s.key()}
	}
	return r
}

func (s shape) kit(t *testing.T) policy.Kit {
	t.Helper()
	kit, err := policy.Generate(s.request())
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	return kit
}

// granted says which of the actions on a kind of resource the role is to
// have. It is written apart from the generator.
func (s shape) granted(kind string) []string {
	var out []string
	add := func(on string, when bool, actions ...string) {
		if on == kind && when {
			out = append(out, actions...)
		}
	}
	delivers := s.purpose == rolecall.Delivery
	add("object", true, "s3:GetObject")
	add("object", s.versioned, "s3:GetObjectVersion")
	add("object", delivers, "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
	add("object", s.grants, "s3:GetObjectTagging")
	add("object", s.grants && delivers, "s3:PutObjectTagging", "s3:PutObjectAcl", "s3:DeleteObject")
	add("bucket", true, "s3:ListBucket")
	add("bucket", s.grants, "s3:GetBucketLocation")
	add("bucket", s.grants && delivers, "s3:ListBucketMultipartUploads")
	add("key", s.keyOwner() != "", "kms:Decrypt")
	add("key", s.keyOwner() != "" && delivers, "kms:GenerateDataKey")
	return out
}

// context is what AWS knows of a request of the role's that goes as it should.
func (s shape) context() map[string][]string {
	region := kitRegions[s.partition]
	c := map[string][]string{
		"aws:SecureTransport":              {"true"},
		"aws:PrincipalArn":                 {s.role()},
		"aws:TokenIssueTime":               {kitRevoked.Add(time.Hour).Format(time.RFC3339)},
		"s3:prefix":                        {s.prefix + "reel"},
		"kms:ViaService":                   {"s3." + region + "." + policy.DNSSuffix(s.partition)},
		"kms:EncryptionContext:aws:s3:arn": {s.bucket() + "/" + s.prefix + "reel.mov"},
		"kms:CallerAccount":                {kitRoleAccount},
		"sts:ExternalId":                   {kitID},
		"s3:ResourceAccount":               {s.owner()},
		"kms:EncryptionContextKeys":        {"aws:s3:arn"},
	}
	switch s.encryption {
	case "AES256":
		c["s3:x-amz-server-side-encryption"] = []string{"AES256"}
	case "default":
		c["s3:x-amz-server-side-encryption"] = []string{"aws:kms"}
	case "role", "other":
		c["s3:x-amz-server-side-encryption"] = []string{"aws:kms"}
		c["s3:x-amz-server-side-encryption-aws-kms-key-id"] = []string{s.key()}
	}
	return c
}

// as returns the context with one key changed; without a value it is not there.
func as(c map[string][]string, name string, values ...string) map[string][]string {
	out := map[string][]string{}
	for n, v := range c {
		out[n] = v
	}
	if out[name] = values; len(values) == 0 {
		delete(out, name)
	}
	return out
}
