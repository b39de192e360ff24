package s3

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func TestKeysAreStoredVerbatim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := []string{
		"a", "../../etc/passwd", "a//b", "/lead", "a/", "a/./b", "a/../../b", "..", ".", "a b+c%20d", "ümläut/ключ",
		"nul\x00", "line\nbreak", "*?$&=;@,~!'()", strings.Repeat("k", 1024), "%2e%2e/x", `back\slash`, "tab\there",
	}
	for _, key := range keys {
		w.put("plain", key, "body of "+key)
	}
	for _, key := range keys {
		if got := w.get("plain", key); got != "body of "+key {
			t.Errorf("%q holds %q", key, got)
		}
	}
	var got []string
	for _, o := range w.service.Objects("plain") {
		got = append(got, o.Key)
	}
	if len(got) != len(keys) {
		t.Errorf("%d objects, want %d: %q", len(got), len(keys), got)
	}
	_, err := w.client.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String("plain"), Key: aws.String(strings.Repeat("k", 1025)), Body: strings.NewReader(""),
	})
	w.wantCode(err, "KeyTooLongError")
	answer, body := w.do("PUT", "/plain/%ff", "x")
	if answer.StatusCode != 400 || !strings.Contains(body, "InvalidURI") {
		t.Errorf("a key that is not UTF-8: %d %s", answer.StatusCode, body)
	}
}

func TestPutKeepsWhatTheWriterSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	put := w.put("plain", "k", "hello", func(in *awss3.PutObjectInput) {
		in.ContentType, in.CacheControl = aws.String("text/plain"), aws.String("no-cache")
		in.Metadata = map[string]string{"job": "42"}
		in.Tagging = aws.String("a=1&b=two%20words")
		in.StorageClass = types.StorageClassStandardIa
		in.ContentEncoding = aws.String("gzip")
	})
	if got := aws.ToString(put.ETag); got != `"5d41402abc4b2a76b9719d911017c592"` {
		t.Errorf("ETag %s is not the MD5", got)
	}
	head, err := w.client.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String("plain"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	type view struct {
		Type, Cache, Encoding, Class, SSE string
		Metadata                          map[string]string
		Length                            int64
	}
	got := view{
		*head.ContentType, *head.CacheControl, *head.ContentEncoding, string(head.StorageClass), string(head.ServerSideEncryption),
		head.Metadata, *head.ContentLength,
	}
	if diff := cmp.Diff(view{"text/plain", "no-cache", "gzip", "STANDARD_IA", "AES256", map[string]string{"job": "42"}, 5}, got); diff != "" {
		t.Error(diff)
	}
	tags, err := w.client.GetObjectTagging(t.Context(), &awss3.GetObjectTaggingInput{Bucket: aws.String("plain"), Key: aws.String("k")})
	if err != nil || len(tags.TagSet) != 2 || *tags.TagSet[1].Value != "two words" {
		t.Errorf("tags %v, %v", tags, err)
	}
	answer, _ := w.do("GET", "/plain/k?response-content-type=video/mp4&response-content-disposition=attachment", "")
	if answer.Header.Get("Content-Type") != "video/mp4" || answer.Header.Get("Content-Disposition") != "attachment" {
		t.Errorf("overrides: %v", answer.Header)
	}
	if answer.Header.Get("X-Amz-Tagging-Count") != "2" || answer.Header.Get("Server") != "AmazonS3" ||
		answer.Header.Get("Date") != "Sat, 21 Nov 2026 10:00:00 GMT" || answer.Header.Get("X-Amz-Request-Id") == "" {
		t.Errorf("headers: %v", answer.Header)
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct {
		header []string
		status int
		code   string
	}{
		"wrong MD5":            {[]string{"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="}, 400, "BadDigest"},
		"malformed MD5":        {[]string{"Content-MD5", "nonsense"}, 400, "InvalidDigest"},
		"wrong CRC32":          {[]string{"x-amz-checksum-crc32", "AAAAAA=="}, 400, "BadDigest"},
		"malformed CRC32":      {[]string{"x-amz-checksum-crc32", "AAAA"}, 400, "InvalidRequest"},
		"empty CRC32":          {[]string{"x-amz-checksum-crc32", ""}, 400, "InvalidRequest"},
		"redirect to a word":   {[]string{"x-amz-website-redirect-location", "there"}, 400, "InvalidRedirectLocation"},
		"redirect by ftp":      {[]string{"x-amz-website-redirect-location", "ftp://there/"}, 400, "InvalidRedirectLocation"},
		"redirect to a key":    {[]string{"x-amz-website-redirect-location", "/there"}, 200, ""},
		"redirect by https":    {[]string{"x-amz-website-redirect-location", "https://there/"}, 200, ""},
		"two checksums":        {[]string{"x-amz-checksum-crc32", "AAAAAA==", "x-amz-checksum-crc32c", "AAAAAA=="}, 400, "InvalidRequest"},
		"SHA512":               {[]string{"x-amz-checksum-sha512", "AAAA"}, 501, "NotImplemented"},
		"MD5 as a checksum":    {[]string{"x-amz-checksum-md5", "AAAAAAAAAAAAAAAAAAAAAA=="}, 501, "NotImplemented"},
		"XXHASH64":             {[]string{"x-amz-checksum-xxhash64", "AAAA"}, 501, "NotImplemented"},
		"XXHASH3, trailing":    {[]string{"x-amz-trailer", "x-amz-checksum-xxhash3"}, 501, "NotImplemented"},
		"no known checksum":    {[]string{"x-amz-checksum-crc7", "AAAA"}, 400, "InvalidRequest"},
		"checksum not given":   {[]string{"x-amz-sdk-checksum-algorithm", "CRC32"}, 400, "InvalidRequest"},
		"unknown algorithm":    {[]string{"x-amz-sdk-checksum-algorithm", "CRC7"}, 400, "InvalidRequest"},
		"unknown class":        {[]string{"x-amz-storage-class", "COLD"}, 400, "InvalidStorageClass"},
		"ACL, owner enforced":  {[]string{"x-amz-acl", "public-read"}, 400, "AccessControlListNotSupported"},
		"grant":                {[]string{"x-amz-grant-read", "id=1"}, 400, "AccessControlListNotSupported"},
		"unknown ACL":          {[]string{"x-amz-acl", "everyone"}, 400, "InvalidArgument"},
		"owner gets control":   {[]string{"x-amz-acl", "bucket-owner-full-control"}, 200, ""},
		"unknown encryption":   {[]string{"x-amz-server-side-encryption", "ROT13"}, 400, "InvalidArgument"},
		"key without kms":      {[]string{"x-amz-server-side-encryption-aws-kms-key-id", "k"}, 400, "InvalidArgument"},
		"customer key":         {[]string{"x-amz-server-side-encryption-customer-algorithm", "AES256"}, 501, "NotImplemented"},
		"tags twice":           {[]string{"x-amz-tagging", "a=1&a=2"}, 400, "InvalidArgument"},
		"tags twice, escaped":  {[]string{"x-amz-tagging", "a=1&%61=1"}, 400, "InvalidArgument"},
		"eleven tags":          {[]string{"x-amz-tagging", "a&b&c&d&e&f&g&h&i&j&k"}, 400, "BadRequest"},
		"broken tags":          {[]string{"x-amz-tagging", "%zz"}, 400, "InvalidArgument"},
		"metadata":             {[]string{"x-amz-meta-long", strings.Repeat("v", 2049)}, 400, "MetadataTooLarge"},
		"lock without bucket":  {[]string{"x-amz-object-lock-legal-hold", "ON"}, 400, "InvalidRequest"},
		"another's bucket":     {[]string{"x-amz-expected-bucket-owner", stranger}, 403, "AccessDenied"},
		"the owner's":          {[]string{"x-amz-expected-bucket-owner", owner}, 200, ""},
		"no account":           {[]string{"x-amz-expected-bucket-owner", "me"}, 400, "InvalidBucketOwnerAWSAccountID"},
		"empty account":        {[]string{"x-amz-expected-bucket-owner", ""}, 400, "InvalidBucketOwnerAWSAccountID"},
		"if-none-match etag":   {[]string{"If-None-Match", `"x"`}, 501, "NotImplemented"},
		"if-match, none there": {[]string{"If-Match", `"x"`}, 404, "NoSuchKey"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, body := w.do("PUT", "/plain/refused", "hello", tt.header...)
			if answer.StatusCode != tt.status || tt.code != "" && !strings.Contains(body, "<Code>"+tt.code+"</Code>") {
				t.Errorf("%d %s, want %d %s", answer.StatusCode, body, tt.status, tt.code)
			}
			if tt.code == "" {
				w.do("DELETE", "/plain/refused", "")
			}
		})
	}
	if left := w.service.Objects("plain"); len(left) != 0 {
		t.Errorf("a refused object was stored: %v", left)
	}
}

func TestConditionalWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	etag := w.put("plain", "k", "one").ETag
	try := func(change func(*awss3.PutObjectInput)) error {
		in := &awss3.PutObjectInput{Bucket: aws.String("plain"), Key: aws.String("k"), Body: strings.NewReader("two")}
		change(in)
		_, err := w.client.PutObject(context.Background(), in)
		return err
	}
	w.wantCode(try(func(in *awss3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }), "PreconditionFailed")
	w.wantCode(try(func(in *awss3.PutObjectInput) { in.IfMatch = aws.String(`"other"`) }), "PreconditionFailed")
	if got := w.get("plain", "k"); got != "one" {
		t.Errorf("holds %q after refused writes", got)
	}
	w.wantCode(try(func(in *awss3.PutObjectInput) { in.IfMatch = etag }), "")
	if got := w.get("plain", "k"); got != "two" {
		t.Errorf("holds %q", got)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.put("versioned", "k", "one").VersionId, w.put("versioned", "k", "two").VersionId
	if first == nil || second == nil || *first == *second {
		t.Fatalf("versions %v and %v", first, second)
	}
	if got := w.get("versioned", "k"); got != "two" {
		t.Errorf("current is %q", got)
	}
	out, err := w.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("versioned"), Key: aws.String("k"), VersionId: first})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if data, _ := io.ReadAll(out.Body); string(data) != "one" {
		t.Errorf("the first version is %q", data)
	}
	gone, err := w.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("versioned"), Key: aws.String("k")})
	if err != nil || !aws.ToBool(gone.DeleteMarker) {
		t.Fatalf("delete: %v %v", gone, err)
	}
	answer, _ := w.do("GET", "/versioned/k", "")
	if answer.StatusCode != 404 || answer.Header.Get("X-Amz-Delete-Marker") != "true" {
		t.Errorf("a deleted key: %d %v", answer.StatusCode, answer.Header)
	}
	answer, _ = w.do("GET", "/versioned/k?versionId="+*gone.VersionId, "")
	if answer.StatusCode != 405 || answer.Header.Get("X-Amz-Delete-Marker") != "true" {
		t.Errorf("a delete marker: %d %v", answer.StatusCode, answer.Header)
	}
	if objects := w.service.Objects("versioned"); len(objects) != 0 {
		t.Errorf("a deleted key is listed: %v", objects)
	}
	if _, err = w.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{
		Bucket: aws.String("versioned"), Key: aws.String("k"), VersionId: gone.VersionId,
	}); err != nil {
		t.Fatal(err)
	}
	if got := w.get("versioned", "k"); got != "two" {
		t.Errorf("without the marker the current is %q", got)
	}
	for _, version := range []*string{first, second} {
		if _, err := w.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{
			Bucket: aws.String("versioned"), Key: aws.String("k"), VersionId: version,
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.wantNoFiles()
}

func TestTagging(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bucket, key := aws.String("plain"), aws.String("k")
	w.put("plain", "k", "x")
	put := func(tags ...types.Tag) error {
		_, err := w.client.PutObjectTagging(context.Background(), &awss3.PutObjectTaggingInput{
			Bucket: bucket, Key: key, Tagging: &types.Tagging{TagSet: tags},
		})
		return err
	}
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	w.wantCode(put(tag("state", "new"), tag("ümlaut", "a/b c")), "")
	w.wantCode(put(tag("x", "1"), tag("x", "2")), "InvalidTag")
	w.wantCode(put(tag("aws:x", "1")), "InvalidTag")
	w.wantCode(put(tag("<", "1")), "InvalidTag")
	want := map[string]string{"state": "new", "ümlaut": "a/b c"}
	if diff := cmp.Diff(want, w.service.Objects("plain")[0].Tags); diff != "" {
		t.Error(diff)
	}
	w.denying()
	w.do("GET", "/plain/k", "")
	if got := w.asked[0].Context["s3:ExistingObjectTag/state"]; len(got) != 1 || got[0] != "new" {
		t.Errorf("the tag is no condition: %v", w.asked[0].Context)
	}
	if _, err := w.client.DeleteObjectTagging(t.Context(), &awss3.DeleteObjectTaggingInput{Bucket: bucket, Key: key}); err != nil {
		t.Fatal(err)
	}
	if tags := w.service.Objects("plain")[0].Tags; len(tags) != 0 {
		t.Errorf("left: %v", tags)
	}
	if got := w.get("plain", "k"); got != "x" {
		t.Errorf("the object is now %q", got)
	}
}

// The framing of a request is not part of what is stored; the rest is, as it was
// sent.
func TestContentEncoding(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"gzip": "gzip", "deflate, gzip": "deflate, gzip", "deflate,gzip": "deflate,gzip", "gzip, aws-chunked": "gzip", "aws-chunked,gzip": "gzip",
		"AWS-Chunked": "", "aws-chunked, aws-chunked": "",
	} {
		stored, err := readMetadata(http.Header{"Content-Encoding": {sent}})
		if err != nil || stored.Get("Content-Encoding") != want {
			t.Errorf("%q is stored as %q, %v", sent, stored.Get("Content-Encoding"), err)
		}
	}
}
