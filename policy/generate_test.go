package policy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// acme asks for the kit of a plain source, changed.
func acme(change func(*policy.KitRequest)) policy.KitRequest {
	r := policy.KitRequest{
		Connection: rolecall.Connection{
			Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1",
			RoleARN: "arn:aws:iam::111122223333:role/media",
		},
		Principals: []string{worker}, ExternalIDs: []string{"x-42"},
	}
	change(&r)
	return r
}

// globex asks for the kit of a delivery under a KMS key, changed.
func globex(change func(*policy.KitRequest)) policy.KitRequest {
	return acme(func(r *policy.KitRequest) {
		r.Connection.Purpose, r.Connection.Bucket, r.Connection.Prefix = rolecall.Delivery, "globex", "out/"
		r.Connection.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: exampleKey}
		change(r)
	})
}

func TestGenerateGolden(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]policy.KitRequest{
		"source":           acme(func(*policy.KitRequest) {}),
		"source-bucket":    acme(func(r *policy.KitRequest) { r.Connection.Prefix = "" }),
		"source-versioned": acme(func(r *policy.KitRequest) { r.Versioned = true }),
		"source-cross":     acme(func(r *policy.KitRequest) { r.Connection.BucketOwner = "222233334444" }),
		"source-kms": acme(func(r *policy.KitRequest) {
			r.Connection.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: exampleKey}
		}),
		"source-optional": acme(func(r *policy.KitRequest) { r.Optional = policy.Grants(rolecall.Source) }),
		"delivery": acme(func(r *policy.KitRequest) {
			r.Connection.Purpose, r.Connection.Bucket, r.Connection.Prefix = rolecall.Delivery, "globex", "out/"
		}),
		"delivery-optional":    globex(func(r *policy.KitRequest) { r.Optional = policy.Grants(rolecall.Delivery) }),
		"delivery-kms":         globex(func(*policy.KitRequest) {}),
		"delivery-default-key": globex(func(r *policy.KitRequest) { r.Connection.Encryption.Key, r.Connection.Region = "", "" }),
		"delivery-cross": globex(func(r *policy.KitRequest) {
			r.Connection.BucketOwner = "222233334444"
			r.Connection.Encryption.Key = strings.Replace(exampleKey, "111122223333", "333344445555", 1)
		}),
		"delivery-acl": globex(func(r *policy.KitRequest) { r.Connection.ACL = "bucket-owner-full-control" }),
		"delivery-enforced": globex(func(r *policy.KitRequest) {
			r.RequireTLS, r.RequireEncryption = true, true
		}),
		"trust-account": acme(func(r *policy.KitRequest) {
			r.Form = policy.ByAccount
			r.Principals = append(r.Principals, "arn:aws:iam::873682911326:role/eu/Worker", "arn:aws:iam::999988887777:user/staging")
		}),
		"trust-rotating": acme(func(r *policy.KitRequest) { r.ExternalIDs = []string{"x-42", "x-43"} }),
		"worker-list": acme(func(r *policy.KitRequest) {
			r.Worker, r.WorkerRoles = policy.ListedRoles, []string{"arn:aws:iam::222233334444:role/inbox"}
		}),
		"worker-accounts": acme(func(r *policy.KitRequest) { r.VendorAccounts = []string{"873682911326", "999988887777"} }),
		"revocation": acme(func(r *policy.KitRequest) {
			r.RevokeBefore = time.Date(2026, 11, 21, 13, 0, 0, 0, time.FixedZone("CET", 3600))
		}),
		"china": globex(func(r *policy.KitRequest) {
			r.Connection.RoleARN, r.Principals = "arn:aws-cn:iam::111122223333:role/media", []string{"arn:aws-cn:iam::873682911326:role/VTKWorker"}
			r.Connection.Region, r.Connection.Encryption.Key = "cn-north-1", "arn:aws-cn:kms:cn-north-1:111122223333:key/1111"
		}),
		"govcloud": acme(func(r *policy.KitRequest) {
			r.Connection.RoleARN, r.Principals = "arn:aws-us-gov:iam::111122223333:role/media", []string{"arn:aws-us-gov:iam::873682911326:role/VTKWorker"}
			r.Connection.Region = "us-gov-west-1"
		}),
		"sovereign": globex(func(r *policy.KitRequest) {
			r.Connection.RoleARN, r.Principals = "arn:aws-eusc:iam::111122223333:role/media", []string{"arn:aws-eusc:iam::873682911326:role/VTKWorker"}
			r.Connection.Region, r.Connection.Encryption.Key = "eusc-de-east-1", "arn:aws-eusc:kms:eusc-de-east-1:111122223333:key/1111"
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kit, err := policy.Generate(request)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			e := json.NewEncoder(&got)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			if err := e.Encode(kit); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "generate", name+".json")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1200)
	many := func(n int, form string) []string {
		var out []string
		for i := range n {
			out = append(out, form+strings.Repeat("w", 40)+string(rune('a'+i/26))+string(rune('a'+i%26)))
		}
		return out
	}
	for name, c := range map[string]struct {
		request policy.KitRequest
		code    rolecall.Code
		pointer string
	}{
		"bad connection":       {acme(func(r *policy.KitRequest) { r.Connection.Bucket = "B*" }), rolecall.Invalid, "/connection/bucket"},
		"static keys":          {acme(func(r *policy.KitRequest) { r.Connection.RoleARN, r.Connection.Secret = "", "keys" }), rolecall.Invalid, "/connection/role_arn"},
		"no principal":         {acme(func(r *policy.KitRequest) { r.Principals = nil }), rolecall.Invalid, "/principals"},
		"anyone":               {acme(func(r *policy.KitRequest) { r.Principals = []string{"*"} }), rolecall.Invalid, "/principals/0"},
		"a session":            {acme(func(r *policy.KitRequest) { r.Principals = []string{"arn:aws:sts::873682911326:assumed-role/w/s"} }), rolecall.Invalid, "/principals/0"},
		"an account":           {acme(func(r *policy.KitRequest) { r.Principals = []string{"arn:aws:iam::873682911326:root"} }), rolecall.Invalid, "/principals/0"},
		"principal elsewhere":  {acme(func(r *policy.KitRequest) { r.Principals = []string{"arn:aws-cn:iam::873682911326:role/w"} }), rolecall.Invalid, "/principals/0"},
		"no external id":       {acme(func(r *policy.KitRequest) { r.ExternalIDs = nil }), rolecall.Invalid, "/external_ids"},
		"empty external id":    {acme(func(r *policy.KitRequest) { r.ExternalIDs = []string{"x-42", ""} }), rolecall.Invalid, "/external_ids/1/value"},
		"external id pattern":  {acme(func(r *policy.KitRequest) { r.ExternalIDs = []string{"x-*"} }), rolecall.Invalid, "/external_ids/0/value"},
		"unknown form":         {acme(func(r *policy.KitRequest) { r.Form = "service" }), rolecall.Invalid, "/form"},
		"region elsewhere":     {acme(func(r *policy.KitRequest) { r.Connection.Region = "cn-north-1" }), rolecall.Invalid, "/connection/region"},
		"key in another place": {globex(func(r *policy.KitRequest) { r.Connection.Region = "us-east-1" }), rolecall.Invalid, "/connection/encryption/key"},
		"key elsewhere": {globex(func(r *policy.KitRequest) {
			r.Connection.Encryption.Key = "arn:aws-cn:kms:cn-north-1:111122223333:key/1"
		}), rolecall.Invalid, "/connection/encryption/key"},
		"any key": {globex(func(r *policy.KitRequest) {
			r.Connection.Encryption.Key = "arn:aws:kms:eu-central-1:111122223333:key/*"
		}), rolecall.Invalid, "/connection/encryption/key"},
		"nobody's key": {globex(func(r *policy.KitRequest) {
			r.Connection.Encryption.Key = "arn:aws:kms:eu-central-1::key/1"
		}), rolecall.Invalid, "/connection/encryption/key"},
		"wildcard in a path": {acme(func(r *policy.KitRequest) { r.Principals = []string{"arn:aws:iam::873682911326:role/a*/w"} }), rolecall.Invalid, "/principals/0"},
		"a command":          {acme(func(r *policy.KitRequest) { r.Principals = []string{"arn:aws:iam::873682911326:user/w; reboot"} }), rolecall.Invalid, "/principals/0"},
		"own role":           {acme(func(r *policy.KitRequest) { r.VendorAccounts = []string{"111122223333"} }), rolecall.Forbidden, "/connection/role_arn"},
		"own role listed":    {acme(func(r *policy.KitRequest) { r.Worker, r.WorkerRoles = policy.ListedRoles, []string{worker} }), rolecall.Forbidden, "/worker_roles/0"},
		"bad vendor":         {acme(func(r *policy.KitRequest) { r.VendorAccounts = []string{"*"} }), rolecall.Invalid, "/vendor_accounts/0"},
		"any and listed":     {acme(func(r *policy.KitRequest) { r.WorkerRoles = []string{"arn:aws:iam::222233334444:role/x"} }), rolecall.Invalid, "/worker_roles"},
		"unknown worker":     {acme(func(r *policy.KitRequest) { r.Worker = "some" }), rolecall.Invalid, "/worker"},
		"unknown grant":      {acme(func(r *policy.KitRequest) { r.Optional = []policy.Grant{"GetObjectAcl"} }), rolecall.Invalid, "/optional/0"},
		"writing a source":   {acme(func(r *policy.KitRequest) { r.Optional = []policy.Grant{policy.DeleteObject} }), rolecall.Invalid, "/optional/0"},
		"encrypted source": {acme(func(r *policy.KitRequest) {
			r.RequireEncryption = true
			r.Connection.Encryption = &rolecall.Encryption{Type: "AES256"}
		}), rolecall.Invalid, "/require_encryption"},
		"which encryption":  {globex(func(r *policy.KitRequest) { r.RequireEncryption, r.Connection.Encryption = true, nil }), rolecall.Invalid, "/require_encryption"},
		"long trust policy": {acme(func(r *policy.KitRequest) { r.ExternalIDs = []string{long, long + "y"} }), rolecall.Invalid, ""},
		"many principals":   {acme(func(r *policy.KitRequest) { r.Principals = many(30, "arn:aws:iam::873682911326:role/") }), rolecall.Invalid, ""},
		"long user policy": {acme(func(r *policy.KitRequest) {
			r.Principals = []string{"arn:aws:iam::873682911326:user/w"}
			r.Worker, r.WorkerRoles = policy.ListedRoles, many(30, "arn:aws:iam::222233334444:role/")
		}), rolecall.Invalid, ""},
	} {
		kit, err := policy.Generate(c.request)
		list := rolecall.List(err)
		if len(list) != 1 || list[0].Code != c.code || list[0].Pointer != c.pointer {
			t.Errorf("%s: %+v, %+v", name, kit.Reasons, list)
		}
	}
}

// No prefix that S3 takes makes a document of the largest kind too long.
func TestGenerateLargest(t *testing.T) {
	t.Parallel()
	_, err := policy.Generate(globex(func(r *policy.KitRequest) {
		r.Connection.Prefix = strings.Repeat("*", 1023) + "/"
		r.Connection.BucketOwner, r.Optional, r.RequireTLS, r.RequireEncryption = "222233334444", policy.Grants(rolecall.Delivery), true, true
	}))
	if rolecall.CodeOf(err) != rolecall.Invalid || !strings.Contains(err.Error(), "AWS takes 10240") {
		t.Error(err)
	}
}
