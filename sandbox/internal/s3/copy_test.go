package s3

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func TestCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	put := w.put("plain", "dir/a b+c", "hello", func(in *awss3.PutObjectInput) {
		in.ContentType, in.Metadata, in.Tagging = aws.String("text/plain"), map[string]string{"job": "1"}, aws.String("a=1")
		in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
	})
	source := aws.String("/plain/dir/a%20b%2Bc")
	do := func(key string, change func(*awss3.CopyObjectInput)) (*awss3.CopyObjectOutput, error) {
		in := &awss3.CopyObjectInput{Bucket: aws.String("second"), Key: &key, CopySource: source}
		change(in)
		return w.client.CopyObject(context.Background(), in)
	}
	out, err := do("same", func(*awss3.CopyObjectInput) {})
	if err != nil {
		t.Fatal(err)
	}
	if *out.CopyObjectResult.ETag != *put.ETag || aws.ToString(out.CopyObjectResult.ChecksumSHA256) != aws.ToString(put.ChecksumSHA256) {
		t.Errorf("copied %v, put %v", out.CopyObjectResult, put)
	}
	_, err = do("replaced", func(in *awss3.CopyObjectInput) {
		in.MetadataDirective, in.TaggingDirective = types.MetadataDirectiveReplace, types.TaggingDirectiveReplace
		in.ContentType, in.Tagging = aws.String("video/mp4"), aws.String("b=2")
		in.StorageClass = types.StorageClassStandardIa
	})
	if err != nil {
		t.Fatal(err)
	}
	type view struct {
		Key, Type, Job, Class string
		Tags                  map[string]string
	}
	var got []view
	for _, o := range w.service.Objects("second") {
		got = append(got, view{o.Key, o.Header.Get("Content-Type"), o.Header.Get("X-Amz-Meta-Job"), o.StorageClass, o.Tags})
	}
	want := []view{
		{"replaced", "video/mp4", "", "STANDARD_IA", map[string]string{"b": "2"}},
		{"same", "text/plain", "1", "STANDARD", map[string]string{"a": "1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, tt := range map[string]struct {
		change func(*awss3.CopyObjectInput)
		code   string
	}{
		"etag matches":        {func(in *awss3.CopyObjectInput) { in.CopySourceIfMatch = put.ETag }, ""},
		"etag does not match": {func(in *awss3.CopyObjectInput) { in.CopySourceIfMatch = aws.String(`"x"`) }, "PreconditionFailed"},
		"etag is the same":    {func(in *awss3.CopyObjectInput) { in.CopySourceIfNoneMatch = put.ETag }, "PreconditionFailed"},
		"there already":       {func(in *awss3.CopyObjectInput) { in.Key, in.IfNoneMatch = aws.String("same"), aws.String("*") }, "PreconditionFailed"},
		"of its owner":        {func(in *awss3.CopyObjectInput) { in.ExpectedSourceBucketOwner = aws.String(owner) }, ""},
		"of another owner":    {func(in *awss3.CopyObjectInput) { in.ExpectedSourceBucketOwner = aws.String(stranger) }, "AccessDenied"},
		"missing":             {func(in *awss3.CopyObjectInput) { in.CopySource = aws.String("plain/none") }, "NoSuchKey"},
		"no bucket":           {func(in *awss3.CopyObjectInput) { in.CopySource = aws.String("none/k") }, "NoSuchBucket"},
		"no key":              {func(in *awss3.CopyObjectInput) { in.CopySource = aws.String("plain") }, "InvalidArgument"},
		"unknown directive":   {func(in *awss3.CopyObjectInput) { in.MetadataDirective = "SHRED" }, "InvalidArgument"},
		"onto itself":         {func(in *awss3.CopyObjectInput) { in.CopySource, in.Key = aws.String("second/same"), aws.String("same") }, "InvalidRequest"},
	} {
		_, err := do("k", tt.change)
		if got := codeOf(t, err); got != tt.code {
			t.Errorf("%s: %q, want %q", name, got, tt.code)
		}
	}
}

// Where an object redirects to is its own: a copy has only what it is given.
func TestRedirectsAreNotCopied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "k", "x", func(in *awss3.PutObjectInput) {
		in.WebsiteRedirectLocation, in.CacheControl = aws.String("/elsewhere"), aws.String("no-store")
	})
	for _, c := range []struct{ key, given, directive, want string }{
		{"copied", "", "", ""},
		{"given", "/here", "", "/here"},
		{"replaced", "", "REPLACE", ""},
		{"replaced and given", "/here", "REPLACE", "/here"},
		{"k", "/itself", "", "/itself"},
	} {
		in := &awss3.CopyObjectInput{Bucket: aws.String("plain"), Key: &c.key, CopySource: aws.String("plain/k"), MetadataDirective: types.MetadataDirective(c.directive)}
		if c.given != "" {
			in.WebsiteRedirectLocation = &c.given
		}
		if _, err := w.client.CopyObject(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		out, err := w.client.HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String("plain"), Key: &c.key})
		if err != nil || aws.ToString(out.WebsiteRedirectLocation) != c.want || (aws.ToString(out.CacheControl) == "") != (c.directive == "REPLACE") {
			t.Errorf("%s: %+v, %v", c.key, out, err)
		}
	}
}

func TestCopyOfAVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.put("versioned", "k", "one").VersionId
	w.put("versioned", "k", "two")
	out, err := w.client.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("k"), CopySource: aws.String("versioned/k?versionId=" + *first),
	})
	if err != nil || aws.ToString(out.CopySourceVersionId) != *first {
		t.Fatal(out, err)
	}
	if got := w.get("plain", "k"); got != "one" {
		t.Errorf("copied %q", got)
	}
}

func TestCopyOfAMultipartObjectHasAFullChecksum(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.begin("plain", "k", func(in *awss3.CreateMultipartUploadInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32 })
	m.part(1, media(minPart))
	m.part(2, []byte("end"))
	if _, err := m.complete(); err != nil {
		t.Fatal(err)
	}
	out, err := w.client.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: aws.String("second"), Key: aws.String("k"), CopySource: aws.String("plain/k"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := out.CopyObjectResult
	if got.ChecksumType != types.ChecksumTypeFullObject || strings.Contains(*got.ChecksumCRC32, "-") || strings.Contains(*got.ETag, "-") {
		t.Errorf("%v %v %v", got.ChecksumType, *got.ChecksumCRC32, *got.ETag)
	}
}
