package lint_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

// kitRequests are the combinations of all that shapes a kit.
func kitRequests() map[string]policy.KitRequest {
	out := map[string]policy.KitRequest{}
	bools := []bool{false, true}
	for _, region := range []string{"eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"} {
		partition := rolecall.PartitionOf(region)
		own := "arn:" + partition + ":kms:" + region + ":111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
		other := "arn:" + partition + ":kms:" + region + ":222233334444:key/1234abcd-12ab-34cd-56ef-1234567890ab"
		for _, purpose := range []rolecall.Purpose{rolecall.Source, rolecall.Delivery} {
			for i, encryption := range []*rolecall.Encryption{nil, {Type: "AES256"}, {Type: "aws:kms"}, {Type: "aws:kms", Key: own}, {Type: "aws:kms", Key: other}} {
				for _, prefix := range []string{"", "in/"} {
					for _, cross := range bools {
						for _, wide := range bools {
							for _, strict := range bools {
								r := policy.KitRequest{
									Connection: rolecall.Connection{
										Name: "masters", Purpose: purpose, Bucket: "acme-masters", Prefix: prefix, Region: region,
										RoleARN: "arn:" + partition + ":iam::111122223333:role/media/ingest", Encryption: encryption,
									},
									Principals:  []string{"arn:" + partition + ":iam::873682911326:role/VTKWorker"},
									ExternalIDs: []string{goodID}, RequireTLS: strict, RequireEncryption: strict && encryption != nil && purpose == rolecall.Delivery,
								}
								if cross {
									r.Connection.BucketOwner = "222233334444"
								}
								if wide {
									r.Form, r.Worker, r.Versioned, r.Optional = policy.ByAccount, policy.ListedRoles, true, policy.Grants(purpose)
									r.Principals = append(r.Principals, "arn:"+partition+":iam::379899276840:role/VTKWorker")
									r.ExternalIDs = append(r.ExternalIDs, "rc-7Rn3w0UuYiG1bA9cMx4dZe")
								}
								if strict {
									r.RevokeBefore = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
								}
								out[fmt.Sprintf("%s, %s, encryption %d, prefix %q, cross %t, wide %t, strict %t", region, purpose, i, prefix, cross, wide, strict)] = r
							}
						}
					}
				}
			}
		}
	}
	return out
}

// TestGeneratedMatrix checks that every document of every kit is clean for its
// connection.
func TestGeneratedMatrix(t *testing.T) {
	t.Parallel()
	generated := 0
	for name, r := range kitRequests() {
		kit, err := policy.Generate(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, d := range []struct {
			kind     policy.Kind
			document *policy.Document
		}{
			{policy.TrustDocument, kit.Trust},
			{policy.PermissionsDocument, kit.Permissions},
			{policy.BucketDocument, kit.Bucket},
			{policy.KeyDocument, kit.Key},
			{policy.WorkerDocument, kit.Worker},
			{policy.PermissionsDocument, kit.Revocation},
		} {
			if d.document == nil {
				continue
			}
			generated++
			if got := check(t, d.document.JSON(), lint.Options{Kit: &r, Kind: d.kind}); len(got.Findings) > 0 {
				t.Fatalf("%s: %s: %+v in %s", name, d.kind, got.Findings, d.document.JSON())
			}
		}
	}
	if generated < 1000 {
		t.Errorf("%d documents", generated)
	}
}
