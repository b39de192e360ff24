package s3

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTarget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ host, path, bucket, key string }{
		{"127.0.0.1:9000", "/b/k", "b", "k"},
		{"127.0.0.1:9000", "/b//k", "b", "/k"},
		{"127.0.0.1:9000", "/b/../../x", "b", "../../x"},
		{"127.0.0.1:9000", "/b", "b", ""},
		{"127.0.0.1:9000", "/", "", ""},
		{"[::1]:9000", "/b/k", "b", "k"},
		{"localhost:9000", "/b/k", "b", "k"},
		{"b.localhost:9000", "/k", "b", "k"},
		{"b.localhost", "//k", "b", "/k"},
		{"my.dotted.bucket.localhost", "/k", "my.dotted.bucket", "k"},
		{"s3.localhost:9000", "/b/k", "b", "k"},
		{"b.s3.localhost:9000", "/k", "b", "k"},
		{"b.s3.eu-central-1.localhost:9000", "/k", "b", "k"},
		{"s3.eu-central-1.amazonaws.com", "/b/k", "b", "k"},
		{"s3-eu-central-1.amazonaws.com", "/b/k", "b", "k"},
		{"s3.amazonaws.com", "/b/k", "b", "k"},
		{"b.s3.amazonaws.com", "/k", "b", "k"},
		{"b.s3.eu-central-1.amazonaws.com:443", "/k", "b", "k"},
		{"b.s3.x.s3.eu-central-1.amazonaws.com", "/k", "b.s3.x", "k"},
		{"b.s3.cn-north-1.amazonaws.com.cn", "/k", "b", "k"},
		{"b.s3.eusc-de-east-1.amazonaws.eu", "/k", "b", "k"},
		{"b.s3.dualstack.eu-central-1.amazonaws.com", "/k", "b", "k"},
		{"sandbox.example.com", "/b/k", "b", "k"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://x/", nil)
		r.Host, r.URL.Path = tt.host, tt.path
		if bucket, key := Target(r); bucket != tt.bucket || key != tt.key {
			t.Errorf("%s%s: bucket %q, key %q", tt.host, tt.path, bucket, key)
		}
	}
}

func TestOperation(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]string{
		"GET /":                             "ListBuckets",
		"GET /b":                            "ListObjects",
		"GET /b/":                           "ListObjects",
		"GET /b?list-type=2":                "ListObjectsV2",
		"GET /b?versions":                   "ListObjectVersions",
		"GET /b?uploads":                    "ListMultipartUploads",
		"GET /b?policyStatus":               "GetBucketPolicyStatus",
		"PUT /b?lifecycle":                  "PutBucketLifecycleConfiguration",
		"DELETE /b?publicAccessBlock":       "DeletePublicAccessBlock",
		"HEAD /b":                           "HeadBucket",
		"PUT /b":                            "CreateBucket",
		"DELETE /b":                         "DeleteBucket",
		"POST /b?delete":                    "DeleteObjects",
		"POST /b":                           "PostObject",
		"GET /b/k":                          "GetObject",
		"GET /b/k?acl":                      "GetObjectAcl",
		"PUT /b/k?retention":                "PutObjectRetention",
		"GET /b/k?attributes":               "GetObjectAttributes",
		"GET /b/k?uploadId=1":               "ListParts",
		"PUT /b/k":                          "PutObject",
		"PUT /b/k?partNumber=1&uploadId=1":  "UploadPart",
		"POST /b/k?uploads":                 "CreateMultipartUpload",
		"POST /b/k?uploadId=1":              "CompleteMultipartUpload",
		"POST /b/k?restore":                 "RestoreObject",
		"POST /b/k?select&select-type=2":    "SelectObjectContent",
		"DELETE /b/k?uploadId=1":            "AbortMultipartUpload",
		"DELETE /b/k":                       "DeleteObject",
		"DELETE /b/k?tagging&versionId=abc": "DeleteObjectTagging",
		"PATCH /b/k":                        "Unknown",
		"OPTIONS /b":                        "Unknown",
		"PUT /":                             "Unknown",
	} {
		method, target, _ := strings.Cut(request, " ")
		if got := Operation(httptest.NewRequestWithContext(t.Context(), method, target, nil)); got != want {
			t.Errorf("%s is %s, want %s", request, got, want)
		}
	}
}

func TestPresignedParametersAreHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const signed = "/plain/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-SignedHeaders=host&x-amz-storage-class=STANDARD_IA&x-amz-tagging=a%3D1&x-amz-expected-bucket-owner="
	if answer, body := w.do("PUT", signed+owner, "hello"); answer.StatusCode != http.StatusOK {
		t.Fatalf("PUT: %d %s", answer.StatusCode, body)
	}
	if o := w.service.Objects("plain")[0]; o.StorageClass != "STANDARD_IA" || o.Tags["a"] != "1" {
		t.Errorf("stored %+v", o)
	}
	if answer, body := w.do("PUT", signed+stranger, "hello"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("another owner expected: %d %s", answer.StatusCode, body)
	}
	if answer, body := w.do("GET", signed+stranger, "", "X-Amz-Expected-Bucket-Owner", owner); answer.StatusCode != http.StatusOK {
		t.Errorf("the header counts before the parameter: %d %s", answer.StatusCode, body)
	}
}

func TestUnknownOperationIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer, body := w.do("PUT", "/plain?lifecycle", "")
	if answer.StatusCode != http.StatusNotImplemented || !strings.Contains(body, "the operation PutBucketLifecycleConfiguration<") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
}

func TestBucketWithoutName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"//", "//plain/k", "//plain"} {
		for _, method := range []string{"GET", "PUT"} {
			answer, body := w.do(method, target, "")
			if answer.StatusCode != http.StatusBadRequest || !strings.Contains(body, "<Code>InvalidBucketName<") {
				t.Errorf("%s %s: %d %s", method, target, answer.StatusCode, body)
			}
		}
	}
}

func TestErrorBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer, body := w.do("GET", "/plain/a%26b%01", "")
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>a&amp;b&#x1;</Key><RequestId>` +
		answer.Header.Get("X-Amz-Request-Id") + `</RequestId><HostId>` + answer.Header.Get("X-Amz-Id-2") + `</HostId></Error>`
	if body != want || answer.Header.Get("Content-Type") != "application/xml" {
		t.Errorf("%s\nwant %s", body, want)
	}
}

// trailed is a body whose trailer is known when it ends, as the front gives
// it.
type trailed struct {
	io.Reader
	trailer http.Header
	value   string
}

func (b trailed) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		b.trailer.Set("X-Amz-Checksum-Crc32", b.value)
	}
	return n, err
}

func (trailed) Close() error { return nil }

func TestTrailingChecksum(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for value, code := range map[string]string{"NhCmhg==": "", "AAAAAA==": "BadDigest", "AAAA": "InvalidRequest", "": "InvalidRequest"} {
		r := httptest.NewRequestWithContext(t.Context(), "PUT", "http://127.0.0.1/plain/k", nil)
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		r.Header.Set("Content-Encoding", "aws-chunked")
		r.Trailer = http.Header{}
		r.ContentLength, r.Body = 5, trailed{strings.NewReader("hello"), r.Trailer, value}
		answer := httptest.NewRecorder()
		w.service.ServeHTTP(answer, r)
		if (answer.Code == 200) != (code == "") || !strings.Contains(answer.Body.String(), code) {
			t.Errorf("%q: %d %s", value, answer.Code, answer.Body)
		}
	}
	if o := w.service.Objects("plain")[0]; o.Header.Get("Content-Encoding") != "" {
		t.Errorf("the framing is kept as the object's encoding: %v", o.Header)
	}
}

func TestBodyThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := &Error{Status: 403, Code: "SignatureDoesNotMatch", Message: "…"}
	for name, tt := range map[string]struct {
		length int64
		body   io.Reader
		code   string
	}{
		"short":     {6, strings.NewReader("hello"), "IncompleteBody"},
		"no length": {-1, strings.NewReader("hello"), "NotImplemented"},
		"huge":      {maxUpload + 1, strings.NewReader("hello"), "EntityTooLarge"},
		"cut":       {6, io.MultiReader(strings.NewReader("hel"), broken{io.ErrUnexpectedEOF}), "IncompleteBody"},
		"refused":   {6, io.MultiReader(strings.NewReader("hel"), broken{own}), "SignatureDoesNotMatch"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "PUT", "http://127.0.0.1/plain/k", io.NopCloser(tt.body))
		r.ContentLength = tt.length
		answer := httptest.NewRecorder()
		w.service.ServeHTTP(answer, r)
		if !strings.Contains(answer.Body.String(), "<Code>"+tt.code+"</Code>") {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
	if len(w.service.Objects("plain")) != 0 {
		t.Error("half an object was stored")
	}
	w.wantNoFiles()
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
