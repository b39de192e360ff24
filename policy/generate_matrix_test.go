package policy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/policy"
)

// TestKitAllowsNothingElse asks for every action there is, on what the
// connection has and on what lies next to it, with the kit's documents together and with
// each of them alone between others that allow all.
func TestKitAllowsNothingElse(t *testing.T) {
	t.Parallel()
	actions := allActions(t)
	for _, s := range shapes() {
		if s.tls || s.encrypted {
			continue // what the bucket requires only takes away; see TestKitTrials
		}
		kit := s.kit(t)
		resources := map[string][2]string{ // to their kind and owner
			s.bucket() + "/" + s.prefix + "reel.mov":   {"object", s.owner()},
			s.bucket():                                 {"bucket", s.owner()},
			s.bucket() + "-2/" + s.prefix + "reel.mov": {"", s.owner()},
			s.bucket() + "-2":                          {"", s.owner()},
			s.role():                                   {"role", kitRoleAccount},
			"*":                                        {"", kitRoleAccount},
			s.arn("kms", kitRegions[s.partition], "555566667777", "key/2222"): {"", "555566667777"},
		}
		if s.prefix != "" {
			resources[s.bucket()+"/"+strings.TrimSuffix(s.prefix, "/")+"-2/reel.mov"] = [2]string{"", s.owner()}
			resources[s.bucket()+"/reel.mov"] = [2]string{"", s.owner()}
		}
		if s.keyOwner() != "" {
			resources[s.key()] = [2]string{"key", s.keyOwner()}
		}
		for resource, of := range resources {
			granted, context, worker := s.granted(of[0]), s.context(), as(s.context(), "aws:PrincipalArn")
			frames := map[string]map[string]frame{}
			for _, service := range []string{"s3:", "kms", "sts"} {
				frames[service] = s.frames(service+":", of[0])
			}
			for _, action := range actions {
				if action == "sts:GetCallerIdentity" || slices.Contains(ungoverned, action) {
					continue // nobody can be denied this, or no policy of a key or role is about it
				}
				r := policy.Request{Principal: s.session(), Action: action, Resource: resource, Account: of[1], Context: context}
				want := slices.Contains(granted, action)
				for name, frame := range frames[action[:3]] {
					if got := policy.Evaluate(r, frame(kit)); (got.Decision == policy.Allowed) != want {
						t.Fatalf("%+v\n%s: %s on %s is %s, want allowed: %v", s, name, action, resource, got.Decision, want)
					}
				}
				if of[0] != "role" {
					continue
				}
				r.Principal, r.Context = s.principals()[0], worker
				want = action == "sts:AssumeRole"
				for name, frame := range trustFrames {
					if got := policy.Evaluate(r, frame(kit)); (got.Decision == policy.Allowed) != want {
						t.Fatalf("%+v\n%s: %s by the worker is %s, want allowed: %v", s, name, action, got.Decision, want)
					}
				}
			}
		}
	}
}

// TestKitPartitions: the documents of two partitions differ in names only.
func TestKitPartitions(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		s.partition = "aws"
		var original policy.Kit
		for _, s.partition = range sorted(kitRegions) {
			kit := s.kit(t)
			if s.partition == "aws" {
				original = kit
				continue
			}
			rename := strings.NewReplacer("arn:aws:", "arn:"+s.partition+":", kitRegions["aws"], kitRegions[s.partition],
				".amazonaws.com", "."+policy.DNSSuffix(s.partition))
			for name, d := range documents(&original) {
				want, got := "", ""
				if *d != nil {
					want = digests.ReplaceAllString(rename.Replace(string((*d).JSON())), `"`)
				}
				if d := *documents(&kit)[name]; d != nil {
					got = digests.ReplaceAllString(string(d.JSON()), `"`)
				}
				if got != want {
					t.Fatalf("%+v\n%s: %s\nwant %s", s, name, got, want)
				}
			}
		}
	}
}

// digests end Sids.
var digests = regexp.MustCompile(`[0-9a-f]{8}"`)

// documents returns the places of a kit's documents.
func documents(k *policy.Kit) map[policy.Kind]**policy.Document {
	return map[policy.Kind]**policy.Document{
		policy.TrustDocument: &k.Trust, policy.PermissionsDocument: &k.Permissions, policy.BucketDocument: &k.Bucket,
		policy.KeyDocument: &k.Key, policy.WorkerDocument: &k.Worker, policy.RevocationDocument: &k.Revocation,
	}
}

// ungoverned are the actions of STS and KMS on no role and no key that is there.
var ungoverned = []string{
	"kms:CreateKey", "kms:ListKeys", "kms:ListAliases", "kms:ListRetirableGrants", "kms:GenerateRandom", "kms:CreateCustomKeyStore",
	"kms:DeleteCustomKeyStore", "kms:DescribeCustomKeyStores", "kms:ConnectCustomKeyStore", "kms:DisconnectCustomKeyStore", "kms:UpdateCustomKeyStore",
	"sts:DecodeAuthorizationMessage", "sts:GetAccessKeyInfo", "sts:GetDelegatedAccessToken", "sts:GetFederationToken", "sts:GetSessionToken",
	"sts:TagGetWebIdentityToken", "sts:GetServiceBearerToken", "sts:GetWebIdentityToken", "sts:AssumeRoot",
}
