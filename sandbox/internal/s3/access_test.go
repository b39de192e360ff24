package s3

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// TestActions holds which IAM actions each operation asks for, as AWS's
// "Actions, resources, and condition keys for Amazon S3" and "Required
// permissions for Amazon S3 API operations" list them.
func TestActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "k", "x")
	w.put("plain", "tagged", "x", func(in *awss3.PutObjectInput) { in.Tagging = aws.String("a=1") })
	version := *w.put("versioned", "k", "x").VersionId
	w.put("kms", "k", "x")
	m := w.begin("kms", "up", func(in *awss3.CreateMultipartUploadInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc64nvme })
	upload := "uploadId=" + *m.id
	for name, tt := range map[string]struct {
		method, target, body string
		header               []string
		want                 []string
	}{
		"objects":            {"GET", "/plain?list-type=2", "", nil, []string{"s3:ListBucket"}},
		"list v1":            {"GET", "/plain", "", nil, []string{"s3:ListBucket"}},
		"buckets":            {"GET", "/", "", nil, []string{"s3:ListAllMyBuckets"}},
		"head bucket":        {"HEAD", "/plain", "", nil, []string{"s3:ListBucket"}},
		"location":           {"GET", "/plain?location", "", nil, []string{"s3:GetBucketLocation"}},
		"versioning":         {"GET", "/plain?versioning", "", nil, []string{"s3:GetBucketVersioning"}},
		"encryption":         {"GET", "/plain?encryption", "", nil, []string{"s3:GetEncryptionConfiguration"}},
		"uploads":            {"GET", "/plain?uploads", "", nil, []string{"s3:ListBucketMultipartUploads"}},
		"get":                {"GET", "/plain/k", "", nil, []string{"s3:GetObject"}},
		"head":               {"HEAD", "/plain/k", "", nil, []string{"s3:GetObject"}},
		"get a version":      {"GET", "/versioned/k?versionId=" + version, "", nil, []string{"s3:GetObjectVersion"}},
		"get missing":        {"GET", "/plain/none", "", nil, []string{"s3:GetObject", "s3:ListBucket"}},
		"get tagged":         {"GET", "/plain/tagged", "", nil, []string{"s3:GetObject", "s3:GetObjectTagging"}},
		"get encrypted":      {"GET", "/kms/k", "", nil, []string{"s3:GetObject", "kms:Decrypt"}},
		"head encrypted":     {"HEAD", "/kms/k", "", nil, []string{"s3:GetObject"}},
		"head with checksum": {"HEAD", "/kms/k", "", []string{"x-amz-checksum-mode", "ENABLED"}, []string{"s3:GetObject", "kms:Decrypt"}},
		"put":                {"PUT", "/plain/k", "x", nil, []string{"s3:PutObject"}},
		"put tagged":         {"PUT", "/plain/tagged", "x", []string{"x-amz-tagging", "a=1"}, []string{"s3:PutObject", "s3:PutObjectTagging"}},
		"put with ACL": {
			"PUT", "/plain/k", "x",
			[]string{"x-amz-acl", "bucket-owner-full-control"},
			[]string{"s3:PutObject", "s3:PutObjectAcl"},
		},
		"put encrypted": {"PUT", "/kms/k", "x", nil, []string{"s3:PutObject", "kms:GenerateDataKey"}},
		"put retained": {
			"PUT", "/locked/k", "x", []string{
				"x-amz-object-lock-mode", "GOVERNANCE", "x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z",
				"x-amz-object-lock-legal-hold", "ON", "Content-MD5", "nd2Sg6VwoU6LZGNVE9fQUg==",
			}, []string{"s3:PutObject", "s3:PutObjectRetention", "s3:PutObjectLegalHold"},
		},
		"begin":           {"POST", "/kms/new?uploads", "", nil, []string{"s3:PutObject", "kms:GenerateDataKey"}},
		"part":            {"PUT", "/kms/up?partNumber=1&" + upload, "x", nil, []string{"s3:PutObject", "kms:Decrypt"}},
		"parts":           {"GET", "/kms/up?" + upload, "", nil, []string{"s3:ListMultipartUploadParts"}},
		"complete":        {"POST", "/kms/up?" + upload, "<CompleteMultipartUpload><Part><PartNumber>9</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>", nil, []string{"s3:PutObject", "kms:Decrypt"}},
		"abort":           {"DELETE", "/kms/new?uploadId=none", "", nil, []string{"s3:AbortMultipartUpload"}},
		"delete":          {"DELETE", "/plain/gone", "", nil, []string{"s3:DeleteObject"}},
		"delete version":  {"DELETE", "/versioned/gone?versionId=null", "", nil, []string{"s3:DeleteObjectVersion"}},
		"tags":            {"GET", "/plain/k?tagging", "", nil, []string{"s3:GetObjectTagging"}},
		"tags of version": {"GET", "/versioned/k?tagging&versionId=" + version, "", nil, []string{"s3:GetObjectVersionTagging"}},
		"set tags":        {"PUT", "/plain/k?tagging", "<Tagging><TagSet/></Tagging>", nil, []string{"s3:PutObjectTagging"}},
		"remove tags":     {"DELETE", "/plain/k?tagging", "", nil, []string{"s3:DeleteObjectTagging"}},
		"copy":            {"PUT", "/plain/copy", "", []string{"x-amz-copy-source", "plain/k"}, []string{"s3:GetObject", "s3:PutObject"}},
		"copy encrypted": {
			"PUT", "/kms/copy", "",
			[]string{"x-amz-copy-source", "kms/k"},
			[]string{"s3:GetObject", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"},
		},
		"copy tagged": {
			"PUT", "/plain/copy", "",
			[]string{"x-amz-copy-source", "plain/tagged"},
			[]string{"s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging"},
		},
		"ownership":        {"GET", "/plain?ownershipControls", "", nil, []string{"s3:GetBucketOwnershipControls"}},
		"set ownership":    {"PUT", "/plain?ownershipControls", "<x/>", nil, []string{"s3:PutBucketOwnershipControls"}},
		"lock":             {"GET", "/lockable?object-lock", "", nil, []string{"s3:GetBucketObjectLockConfiguration"}},
		"set lock":         {"PUT", "/lockable?object-lock", "<x/>", nil, []string{"s3:PutBucketObjectLockConfiguration"}},
		"set versioning":   {"PUT", "/plain?versioning", "<x/>", nil, []string{"s3:PutBucketVersioning"}},
		"payer":            {"GET", "/plain?requestPayment", "", nil, []string{"s3:GetBucketRequestPayment"}},
		"set payer":        {"PUT", "/plain?requestPayment", "<x/>", nil, []string{"s3:PutBucketRequestPayment"}},
		"reset encryption": {"DELETE", "/plain?encryption", "", nil, []string{"s3:PutEncryptionConfiguration"}},
		"restore":          {"POST", "/plain/k?restore", "<RestoreRequest><Days>1</Days></RestoreRequest>", nil, []string{"s3:RestoreObject"}},
		"delete ownership": {"DELETE", "/writer?ownershipControls", "", nil, []string{"s3:PutBucketOwnershipControls"}},
		"list":             {"GET", "/plain?acl", "", nil, []string{"s3:GetBucketAcl"}},
		"object's list":    {"GET", "/plain/k?acl", "", nil, []string{"s3:GetObjectAcl"}},
		"version's list":   {"GET", "/versioned/k?acl&versionId=" + version, "", nil, []string{"s3:GetObjectVersionAcl"}},
		"what is not set":  {"GET", "/plain?replication", "", nil, []string{"s3:GetReplicationConfiguration"}},
		"unknown":          {"PUT", "/plain?acl", "", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w.denying()
			w.do(tt.method, tt.target, tt.body, tt.header...)
			if got := w.actions(); !slices.Equal(got, tt.want) {
				t.Errorf("asked for %v, want %v", got, tt.want)
			}
			// Each permission by itself is needed, but the one that only adds a header.
			for _, action := range tt.want {
				if name == "get tagged" && action == "s3:GetObjectTagging" {
					continue
				}
				w.denying(action)
				if answer, body := w.do(tt.method, tt.target, tt.body, tt.header...); answer.StatusCode != http.StatusForbidden {
					t.Errorf("without %s: %d %s", action, answer.StatusCode, body)
				}
			}
		})
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "k", "x")
	common := conditions{"s3:ResourceAccount": {owner}}
	for name, tt := range map[string]struct {
		method, target string
		header         []string
		want           conditions
	}{
		"list":              {"GET", "/plain?list-type=2", nil, nil},
		"empty prefix":      {"GET", "/plain?list-type=2&prefix=", nil, conditions{"s3:prefix": {""}}},
		"prefix and others": {"GET", "/plain?list-type=2&prefix=a/&delimiter=/&max-keys=5", nil, conditions{"s3:prefix": {"a/"}, "s3:delimiter": {"/"}, "s3:max-keys": {"5"}}},
		"uploads":           {"GET", "/plain?uploads&prefix=a/&max-uploads=5", nil, nil},
		"put": {"PUT", "/plain/k", []string{
			"x-amz-server-side-encryption", "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id", "media",
			"x-amz-storage-class", "STANDARD_IA", "x-amz-acl", "bucket-owner-full-control", "x-amz-tagging", "a=1&b=2",
			"x-amz-content-sha256", "UNSIGNED-PAYLOAD",
		}, conditions{
			"s3:x-amz-server-side-encryption": {"aws:kms"}, "s3:x-amz-server-side-encryption-aws-kms-key-id": {keyARNs},
			"s3:x-amz-storage-class": {"STANDARD_IA"}, "s3:x-amz-acl": {"bucket-owner-full-control"},
			"s3:RequestObjectTag/a": {"1"}, "s3:RequestObjectTag/b": {"2"}, "s3:RequestObjectTagKeys": {"a", "b"},
			"s3:x-amz-content-sha256": {"UNSIGNED-PAYLOAD"},
		}},
		"put if none": {"PUT", "/plain/new", []string{"If-None-Match", "*"}, conditions{"s3:if-none-match": {"*"}}},
	} {
		t.Run(name, func(t *testing.T) {
			w.denying()
			w.do(tt.method, tt.target, "x", tt.header...)
			want := conditions{"s3:ResourceAccount": common["s3:ResourceAccount"]}
			for key, values := range tt.want {
				want[key] = values
			}
			if diff := cmp.Diff(map[string][]string(want), w.asked[0].Context); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPartsAreJudgedByTheConditionsOfTheUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.begin("plain", "k", func(in *awss3.CreateMultipartUploadInput) { in.ServerSideEncryption = types.ServerSideEncryptionAwsKms })
	w.denying()
	m.part(1, []byte("x"))
	if got := w.asked[0].Context["s3:x-amz-server-side-encryption"]; !slices.Equal(got, []string{"aws:kms"}) {
		t.Errorf("the part's conditions: %v", w.asked[0].Context)
	}
}

func TestMissingKeyIsToldToThoseWhoMayList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for action, status := range map[string]int{"": 404, "s3:ListBucket": 403} {
		w.denying(action)
		for _, method := range []string{"GET", "HEAD"} {
			if answer, body := w.do(method, "/plain/none", ""); answer.StatusCode != status || method == "HEAD" && body != "" {
				t.Errorf("%s without %q: %d", method, action, answer.StatusCode)
			}
		}
	}
}

func TestKeyUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const other = "arn:aws:kms:eu-central-1:444455556666:key/theirs"
	for name, tt := range map[string]struct {
		bucket string
		header []string
		key    string
		arn    string
	}{
		"bucket default":      {"kms", nil, keyARNs, "arn:aws:s3:::kms/k"},
		"bucket key":          {"bucketkey", nil, keyARNs, "arn:aws:s3:::bucketkey"},
		"no bucket key":       {"bucketkey", []string{bucketKeyHeader, "false"}, keyARNs, "arn:aws:s3:::bucketkey/k"},
		"key of request":      {"kms", []string{sseHeader, "aws:kms", sseKeyHeader, other}, other, "arn:aws:s3:::kms/k"},
		"bare key":            {"plain", []string{sseHeader, "aws:kms", sseKeyHeader, "media"}, keyARNs, "arn:aws:s3:::plain/k"},
		"alias":               {"plain", []string{sseHeader, "aws:kms", sseKeyHeader, "alias/m"}, "arn:aws:kms:eu-central-1:111122223333:alias/m", "arn:aws:s3:::plain/k"},
		"managed key":         {"kms", []string{sseHeader, "aws:kms"}, ManagedKey("aws", "eu-central-1", owner), "arn:aws:s3:::kms/k"},
		"managed key's alias": {"kms", []string{sseHeader, "aws:kms", sseKeyHeader, ManagedAlias}, ManagedKey("aws", "eu-central-1", owner), "arn:aws:s3:::kms/k"},
		"none, though kms":    {"kms", []string{sseHeader, "AES256"}, "", ""},
		"none, as ever was":   {"plain", nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.denying()
			answer, body := w.do("PUT", "/"+tt.bucket+"/k", "x", tt.header...)
			if answer.StatusCode != 200 {
				t.Fatal(body)
			}
			if tt.key == "" {
				if len(w.uses) != 0 || answer.Header.Get(sseHeader) != "AES256" {
					t.Errorf("used %v, told %v", w.uses, answer.Header)
				}
				return
			}
			want := []KeyUse{{"kms:GenerateDataKey", tt.key, "eu-central-1", map[string]string{"aws:s3:arn": tt.arn}}}
			if diff := cmp.Diff(want, w.uses); diff != "" {
				t.Error(diff)
			}
			bucketKey := ""
			if strings.HasSuffix(tt.arn, "bucketkey") {
				bucketKey = "true"
			}
			for _, method := range []string{"PUT", "HEAD"} {
				if method == "HEAD" {
					answer, _ = w.do("HEAD", "/"+tt.bucket+"/k", "")
				}
				h := answer.Header
				if h.Get(sseHeader) != "aws:kms" || h.Get(sseKeyHeader) != tt.key || h.Get(bucketKeyHeader) != bucketKey {
					t.Errorf("%s tells %v", method, h)
				}
			}
		})
	}
}

func TestBucketsOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("payer", "k", "x")
	in := &awss3.GetObjectInput{Bucket: aws.String("payer"), Key: aws.String("k")}
	_, err := w.other.GetObject(t.Context(), in)
	w.wantCode(err, "AccessDenied")
	in.RequestPayer = types.RequestPayerRequester
	out, err := w.other.GetObject(t.Context(), in)
	if err != nil || out.RequestCharged != types.RequestChargedRequester {
		t.Errorf("a requester who pays: %v, %v", out, err)
	}
	buckets, err := w.other.ListBuckets(t.Context(), &awss3.ListBucketsInput{})
	if err != nil || len(buckets.Buckets) != 1 || *buckets.Buckets[0].Name != "foreign" {
		t.Errorf("the stranger's buckets: %v, %v", buckets, err)
	}
	w.denying("s3:ListBucket")
	answer, body := w.do("HEAD", "/plain", "")
	if answer.StatusCode != 403 || answer.Header.Get("X-Amz-Bucket-Region") != "eu-central-1" || body != "" {
		t.Errorf("HeadBucket: %d %v %q", answer.StatusCode, answer.Header, body)
	}
	if answer, body = w.do("GET", "/none/k", ""); answer.StatusCode != 404 || !strings.Contains(body, "NoSuchBucket") {
		t.Errorf("no bucket: %d %s", answer.StatusCode, body)
	}
	for bucket, region := range map[string]string{"first": "", "plain": "eu-central-1"} {
		got, err := w.client.GetBucketLocation(t.Context(), &awss3.GetBucketLocationInput{Bucket: &bucket})
		if err != nil || string(got.LocationConstraint) != region {
			t.Errorf("%s is in %v, %v", bucket, got, err)
		}
	}
}

func TestObjectsOfAnotherOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bucket, key := aws.String("writer"), aws.String("k")
	write := func(acl types.ObjectCannedACL) {
		if _, err := w.other.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x"), ACL: acl}); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	_, err := w.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: bucket, Key: key})
	w.wantCode(err, "AccessDenied")
	write(types.ObjectCannedACLBucketOwnerFullControl)
	_, err = w.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: bucket, Key: key})
	w.wantCode(err, "")
}

func TestExpectedOwnersOfACopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "k", "x")
	for name, tt := range map[string]struct{ destination, source, code string }{
		"both right":        {stranger, owner, ""},
		"wrong source":      {stranger, stranger, "AccessDenied"},
		"wrong destination": {owner, owner, "AccessDenied"},
		"no account":        {stranger, "me", "InvalidBucketOwnerAWSAccountID"},
	} {
		_, err := w.client.CopyObject(t.Context(), &awss3.CopyObjectInput{
			Bucket: aws.String("foreign"), Key: &name, CopySource: aws.String("plain/k"),
			ExpectedBucketOwner: &tt.destination, ExpectedSourceBucketOwner: &tt.source,
		})
		w.wantCode(err, tt.code)
	}
}
