package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestBucketPolicies(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	const bucket = "acme-vault"
	statement := func(principal, action, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":` + principal + `,"Action":"` + action + `","Resource":"` + resource + `"}]}`
	}
	partner := `{"AWS":"arn:aws:iam::222233334444:user/partner"}`
	valid := statement(partner, "s3:GetObject", "arn:aws:s3:::acme-vault/*")
	put := func(k keys, text string) error {
		_, err := w.s3(k, "eu-central-1").PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: &text})
		return err
	}
	get := func(k keys) (string, error) {
		out, err := w.s3(k, "eu-central-1").GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String(bucket)})
		if err != nil {
			return "", err
		}
		return *out.Policy, nil
	}
	admin := keysOf("admin")
	_, err := get(admin)
	wants(t, err, "NoSuchBucketPolicy", "The bucket policy does not exist")
	for _, c := range []struct{ name, text, code, want string }{
		{"no JSON", "{", "MalformedPolicy", "This policy contains invalid Json"},
		{"no object", " {}", "MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'"},
		{"nothing", " ", "MissingRequestBodyError", ""},
		{"too long", strings.Replace(valid, `"a"`, `"`+strings.Repeat("x", maxBucketPolicy)+`"`, 1), "PolicyTooLarge", "exceeds the maximum"},
		{"no principal", `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-vault/*"}}`, "MalformedPolicy", "Missing required field Principal"},
		{"no resource", `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Principal":"*"}}`, "MalformedPolicy", "Missing required field Resource"},
		{"another bucket", statement(partner, "s3:GetObject", "arn:aws:s3:::acme-masters/*"), "MalformedPolicy", "Policy has invalid resource"},
		{"a key", statement(partner, "s3:GetObject", "arn:aws:kms:eu-central-1:111122223333:key/open"), "MalformedPolicy", "Policy has invalid resource"},
		{"another service", statement(partner, "kms:Decrypt", "arn:aws:s3:::acme-vault/*"), "MalformedPolicy", "Policy has invalid action"},
		{"object's action on the bucket", statement(partner, "s3:GetObject", "arn:aws:s3:::acme-vault"), "MalformedPolicy", "Action does not apply to any resource(s) in statement"},
		{"upload's action on the bucket", statement(partner, "s3:AbortMultipartUpload", "arn:aws:s3:::acme-vault"), "MalformedPolicy", "Action does not apply to any resource(s) in statement"},
		{"bucket's action on objects", statement(partner, "s3:ListBucketMultipartUploads", "arn:aws:s3:::acme-vault/in/x"), "MalformedPolicy", "Action does not apply to any resource(s) in statement"},
		{"unknown principal", statement(`{"AWS":"arn:aws:iam::222233334444:role/none"}`, "s3:GetObject", "arn:aws:s3:::acme-vault/*"), "MalformedPolicy", "Invalid principal in policy"},
		{"wildcards", statement(`"*"`, "s3:*", "arn:aws:s3:::acme-v*"), "", ""},
		{"neither bucket's nor object's", statement(partner, "s3:DescribeJob", "arn:aws:s3:::acme-vault"), "MalformedPolicy", "Action does not apply to any resource(s) in statement"},
		{"good", valid, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) { wants(t, put(admin, c.text), c.code, c.want) })
	}
	if got, err := get(admin); err != nil || got != valid {
		t.Errorf("got %s, %v", got, err)
	}
	wants(t, put(keysOf("nobody"), valid), "AccessDenied", "because no identity-based policy allows the s3:PutBucketPolicy action")
	wants(t, put(keysOf("partner"), valid), "AccessDenied", "Access Denied")
	wants(t, put(admin, statement(partner, "s3:*", "arn:aws:s3:::acme-vault")), "", "")
	wants(t, put(keysOf("partner"), valid), "MethodNotAllowed", "")
	if _, err := w.s3(admin, "eu-central-1").DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(bucket)}); err != nil {
		t.Error(err)
	}
	_, err = get(admin)
	wants(t, err, "NoSuchBucketPolicy", "")
}

func TestBucketsAreMade(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	for _, c := range []struct {
		name, bucket, region string
		keys                 keys
		constraint           types.BucketLocationConstraint
		change               func(*s3.CreateBucketInput)
		code                 string
	}{
		{"in the region", "new-one", "eu-central-1", keysOf("admin"), "eu-central-1", nil, ""},
		{"in the first region", "new-two", "us-east-1", keysOf("admin"), "", nil, ""},
		{"without a constraint", "new-three", "eu-central-1", keysOf("admin"), "", nil, "IllegalLocationConstraintException"},
		{"with another's", "new-three", "eu-central-1", keysOf("admin"), "us-west-2", nil, "IllegalLocationConstraintException"},
		{"again", "new-one", "eu-central-1", keysOf("admin"), "eu-central-1", nil, "BucketAlreadyOwnedByYou"},
		{"another's", "globex-delivery", "eu-central-1", keysOf("admin"), "eu-central-1", nil, "BucketAlreadyExists"},
		{"bad name", "New_One", "eu-central-1", keysOf("admin"), "eu-central-1", nil, "InvalidBucketName"},
		{"not allowed", "new-three", "eu-central-1", keysOf("nobody"), "eu-central-1", nil, "AccessDenied"},
		{"with an unknown constraint", "new-three", "eu-central-1", keysOf("admin"), "bogus-9", nil, "InvalidLocationConstraint"},
		{"with one of another partition", "new-three", "us-east-1", keysOf("admin"), "cn-north-1", nil, "InvalidLocationConstraint"},
		{"in the first region, with its name", "new-three", "us-east-1", keysOf("admin"), "us-east-1", nil, "InvalidLocationConstraint"},
		{"in the first region, with an unknown one", "new-three", "us-east-1", keysOf("admin"), "eu-nowhere-1", nil, "InvalidLocationConstraint"},
		{"from the first region", "new-west", "us-east-1", keysOf("admin"), "us-west-2", nil, ""},
		{"from the first region, by an old name", "new-eu", "us-east-1", keysOf("admin"), "EU", nil, ""},
		{"again, in the first region", "new-two", "us-east-1", keysOf("admin"), "", nil, ""},
		{"again, from the first region", "new-west", "us-east-1", keysOf("admin"), "", nil, "BucketAlreadyOwnedByYou"},
		{"a private list", "new-private", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) { in.ACL = "private" }, ""},
		{"a list for objects", "new-owner", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) { in.ACL = "bucket-owner-full-control" }, ""},
		{"an open list", "new-three", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) { in.ACL = "public-read" }, "InvalidBucketAclWithObjectOwnership"},
		{"an open list, ownership said", "new-three", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) {
			in.ACL, in.ObjectOwnership = "authenticated-read", "BucketOwnerEnforced"
		}, "InvalidBucketAclWithObjectOwnership"},
		{"an open list of a writer's", "new-three", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) {
			in.ACL, in.ObjectOwnership = "public-read", "ObjectWriter"
		}, "NotImplemented"},
		{"a private list of a writer's", "new-writer", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) {
			in.ACL, in.ObjectOwnership = "private", "ObjectWriter"
		}, ""},
		{"grants", "new-three", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) { in.GrantRead = aws.String("id=x") }, "InvalidBucketAclWithObjectOwnership"},
		{"a list and grants", "new-three", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) {
			in.ACL, in.GrantRead = "private", aws.String("id=x")
		}, "InvalidRequest"},
		{"an unknown list", "new-three", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) { in.ACL = "mine" }, "InvalidArgument"},
		{"ownership", "new-three", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) { in.ObjectOwnership = "Mine" }, "InvalidArgument"},
		{"tags", "new-three", "eu-central-1", keysOf("admin"), "eu-central-1", func(in *s3.CreateBucketInput) {
			in.CreateBucketConfiguration.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
		}, "InvalidRequest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &s3.CreateBucketInput{Bucket: &c.bucket}
			if c.constraint != "" {
				in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: c.constraint}
			}
			if c.change != nil {
				c.change(in)
			}
			_, err := w.s3(c.keys, c.region).CreateBucket(t.Context(), in)
			wants(t, err, c.code, "")
		})
	}
	admin, bucket := w.s3(keysOf("admin"), "eu-central-1"), aws.String("new-one")
	if _, err := admin.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String("new-locked"), ObjectLockEnabledForBucket: aws.Bool(true),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-central-1"},
	}); err != nil {
		t.Fatal(err)
	}
	lock, err := admin.GetObjectLockConfiguration(t.Context(), &s3.GetObjectLockConfigurationInput{Bucket: aws.String("new-locked")})
	if err != nil || lock.ObjectLockConfiguration.ObjectLockEnabled != "Enabled" || lock.ObjectLockConfiguration.Rule != nil {
		t.Errorf("a new bucket with object lock: %+v, %v", lock, err)
	}
	encrypt := func(by types.ServerSideEncryptionByDefault) error {
		_, err := admin.PutBucketEncryption(t.Context(), &s3.PutBucketEncryptionInput{Bucket: bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &by, BucketKeyEnabled: aws.Bool(true)}},
		}})
		return err
	}
	key := "arn:aws:kms:eu-central-1:111122223333:key/open"
	wants(t, encrypt(types.ServerSideEncryptionByDefault{SSEAlgorithm: "none"}), "MalformedXML", "")
	wants(t, encrypt(types.ServerSideEncryptionByDefault{SSEAlgorithm: "AES256", KMSMasterKeyID: &key}), "InvalidArgument", "")
	wants(t, encrypt(types.ServerSideEncryptionByDefault{SSEAlgorithm: "aws:kms", KMSMasterKeyID: &key}), "", "")
	out, err := admin.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("x")})
	if err != nil || out.VersionId == nil || aws.ToString(out.SSEKMSKeyId) != key || !aws.ToBool(out.BucketKeyEnabled) {
		t.Errorf("put in the new bucket: %+v, %v", out, err)
	}
}

// What a new bucket is made with needs permissions of its own.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func TestPermissionsToMakeABucket(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	making := strings.Replace(readsMasters, `"s3:GetObject","Resource":"arn:aws:s3:::acme-masters/*"`, `"s3:CreateBucket","Resource":"*"`, 1)
	if status, body := w.iam(t, keysOf("admin"), "PutUserPolicy", "UserName", "nobody", "PolicyName", "make", "PolicyDocument", making); status != http.StatusOK {
		t.Fatal(body)
	}
	for action, change := range map[string]func(*s3.CreateBucketInput){
		"":                                    func(in *s3.CreateBucketInput) { in.ACL = "private" },
		"s3:PutBucketOwnershipControls":       func(in *s3.CreateBucketInput) { in.ObjectOwnership = "ObjectWriter" },
		"s3:PutBucketObjectLockConfiguration": func(in *s3.CreateBucketInput) { in.ObjectLockEnabledForBucket = aws.Bool(true) },
	} {
		in := &s3.CreateBucketInput{Bucket: aws.String("new-" + strings.ToLower(strings.TrimPrefix(action, "s3:")) + "-1")}
		change(in)
		_, err := w.s3(keysOf("nobody"), "us-east-1").CreateBucket(t.Context(), in)
		code := ""
		if action != "" {
			code = "AccessDenied"
		}
		wants(t, err, code, action)
	}
}

func TestBucketsAreDeleted(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	admin, bucket := w.s3(keysOf("admin"), "eu-central-1"), aws.String("acme-open")
	gone := func(client *s3.Client) error {
		_, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket})
		return err
	}
	encryption := func() types.ServerSideEncryption {
		out, err := admin.GetBucketEncryption(t.Context(), &s3.GetBucketEncryptionInput{Bucket: bucket})
		if err != nil {
			t.Fatal(err)
		}
		return out.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm
	}
	before := encryption()
	if _, err := admin.DeleteBucketEncryption(t.Context(), &s3.DeleteBucketEncryptionInput{Bucket: bucket}); err != nil || before != "aws:kms" || encryption() != "AES256" {
		t.Errorf("default encryption: %v, then %v, %v", before, encryption(), err)
	}
	wants(t, put(t.Context(), admin, *bucket, "k", "x"), "", "")
	if _, err := admin.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("u")}); err != nil {
		t.Fatal(err)
	}
	wants(t, gone(admin), "BucketNotEmpty", "")
	if _, err := admin.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	wants(t, gone(w.s3(keysOf("nobody"), "eu-central-1")), "AccessDenied", "")
	wants(t, gone(admin), "", "")
	wants(t, gone(admin), "NoSuchBucket", "")
	wants(t, put(t.Context(), admin, *bucket, "k", "x"), "NoSuchBucket", "")
	// The name is free for everyone.
	if _, err := w.s3(keysOf("partner"), "us-west-2").CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "us-west-2"},
	}); err != nil {
		t.Error(err)
	}
	wants(t, put(t.Context(), w.s3(keysOf("partner"), "us-west-2"), *bucket, "k", "x"), "", "")
}

func TestObjectsOfAClassAtTheStart(t *testing.T) {
	t.Parallel()
	w := loaded(t, func(cfg *Config) { cfg.Accounts["111122223333"].Buckets["acme-masters"].StorageClass = "GLACIER" }, Options{})
	wants(t, get(t.Context(), w.s3(keysOf("admin"), "eu-central-1"), "acme-masters", "in/a.mov"), "InvalidObjectState", "")
}

type input = map[string]any

// kms makes a call to KMS, and returns the status and what is in the answer.
func (w *world) kms(t *testing.T, k keys, operation string, in input) (int, map[string]any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r := w.request(t, http.MethodPost, "/", string(body))
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	sign(t, r, k, "kms", "eu-central-1", sha256Hex(string(body)))
	resp, answer := w.fetch(t, r)
	var out map[string]any
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return resp.StatusCode, out
}

func TestKeysAreMade(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	admin := keysOf("admin")
	_, out := w.kms(t, admin, "CreateKey", input{"Description": "for media"})
	made, _ := out["KeyMetadata"].(map[string]any)
	id, _ := made["Arn"].(string)
	if !strings.HasPrefix(id, "arn:aws:kms:eu-central-1:111122223333:key/") {
		t.Fatalf("got %v", out)
	}
	_, out = w.kms(t, admin, "GetKeyPolicy", input{"KeyId": id})
	byDefault, _ := out["Policy"].(string)
	if !strings.Contains(byDefault, "arn:aws:iam::111122223333:root") || out["PolicyName"] != "default" {
		t.Fatalf("its policy: %v", out)
	}
	root := `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}`
	changed := `{"Version":"2012-10-17","Statement":[` + root + `,{"Sid":"x","Effect":"Allow","Principal":{"AWS":"222233334444"},"Action":"kms:*","Resource":"*"}]}`
	onlyUse := `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Decrypt","Resource":"*"}}`
	for _, c := range []struct {
		name, operation string
		keys            keys
		in              input
		want            string // code, or "" for none
	}{
		{"no JSON", "PutKeyPolicy", admin, input{"KeyId": id, "Policy": "{"}, "MalformedPolicyDocumentException"},
		{"wide characters", "PutKeyPolicy", admin, input{"KeyId": id, "Policy": strings.Replace(changed, `"x"`, `"日"`, 1)}, "ValidationException"},
		{"no principal", "PutKeyPolicy", admin, input{"KeyId": id, "Policy": readsMasters}, "MalformedPolicyDocumentException"},
		{"unknown principal", "PutKeyPolicy", admin, input{"KeyId": id, "Policy": strings.Replace(changed, "222233334444", "arn:aws:iam::222233334444:role/none", 1)}, "MalformedPolicyDocumentException"},
		{"locks its author out", "PutKeyPolicy", admin, input{"KeyId": id, "Policy": onlyUse}, "MalformedPolicyDocumentException"},
		{"too long", "PutKeyPolicy", admin, input{"KeyId": id, "Policy": strings.Replace(changed, `"x"`, `"`+strings.Repeat("x", 32<<10)+`"`, 1)}, "LimitExceededException"},
		{"another policy", "PutKeyPolicy", admin, input{"KeyId": id, "PolicyName": "mine", "Policy": changed}, "NotFoundException"},
		{"another policy, read", "GetKeyPolicy", admin, input{"KeyId": id, "PolicyName": "mine"}, "NotFoundException"},
		{"AWS's own key", "PutKeyPolicy", admin, input{"KeyId": "alias/aws/s3", "Policy": changed}, "AccessDeniedException"},
		{"who may not", "PutKeyPolicy", keysOf("nobody"), input{"KeyId": id, "Policy": changed}, "AccessDeniedException"},
		{"who may not read", "GetKeyPolicy", keysOf("nobody"), input{"KeyId": id}, "AccessDeniedException"},
		{"who may not make", "CreateKey", keysOf("nobody"), input{}, "AccessDeniedException"},
		{"from outside", "GetKeyPolicy", keysOf("partner"), input{"KeyId": id}, "AccessDeniedException"},
		{"asymmetric", "CreateKey", admin, input{"KeySpec": "RSA_4096"}, "UnsupportedOperationException"},
		{"made with a bad policy", "CreateKey", admin, input{"Policy": onlyUse}, "MalformedPolicyDocumentException"},
		{"made with a policy", "CreateKey", admin, input{"Policy": changed}, ""},
		{"made with a policy that locks out", "CreateKey", admin, input{"Policy": onlyUse, "BypassPolicyLockoutSafetyCheck": true}, ""},
		{"good", "PutKeyPolicy", admin, input{"KeyId": id, "PolicyName": "default", "Policy": changed}, ""},
		{"from outside, now", "DescribeKey", keysOf("partner"), input{"KeyId": id}, ""},
		{"from outside, what nobody may from there", "PutKeyPolicy", keysOf("partner"), input{"KeyId": id, "Policy": changed}, "AccessDeniedException"},
	} {
		// In order: one of the last opens the key.
		t.Run(c.name, func(t *testing.T) {
			status, out := w.kms(t, c.keys, c.operation, c.in)
			if got, _ := out["__type"].(string); got != c.want || (status == http.StatusOK) != (c.want == "") {
				t.Errorf("got %d %v, want %q", status, out, c.want)
			}
		})
	}
	if _, out := w.kms(t, admin, "GetKeyPolicy", input{"KeyId": id}); out["Policy"] != changed {
		t.Errorf("the policy is %v", out)
	}
}

// maxBucketPolicy is S3's limit.
const maxBucketPolicy = 20 << 10
