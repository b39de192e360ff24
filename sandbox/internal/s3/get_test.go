package s3

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "k", "0123456789")
	w.put("plain", "empty", "")
	const etag, modified = `"781e5e245d69b566979b86e28d23f2c7"`, "Sat, 21 Nov 2026 10:00:00 GMT"
	const before, after = "Sat, 21 Nov 2026 09:59:59 GMT", "Sat, 21 Nov 2026 10:00:01 GMT"
	for name, tt := range map[string]struct {
		target string
		header []string
		status int
		body   string // or the error's code
		span   string
	}{
		"whole":                 {"k", nil, 200, "0123456789", ""},
		"from":                  {"k", []string{"Range", "bytes=4-"}, 206, "456789", "bytes 4-9/10"},
		"from to":               {"k", []string{"Range", "bytes=4-5"}, 206, "45", "bytes 4-5/10"},
		"past the end":          {"k", []string{"Range", "bytes=8-99"}, 206, "89", "bytes 8-9/10"},
		"suffix":                {"k", []string{"Range", "bytes=-3"}, 206, "789", "bytes 7-9/10"},
		"long suffix":           {"k", []string{"Range", "bytes=-30"}, 206, "0123456789", "bytes 0-9/10"},
		"no suffix":             {"k", []string{"Range", "bytes=-0"}, 416, "InvalidRange", "bytes */10"},
		"outside":               {"k", []string{"Range", "bytes=10-"}, 416, "InvalidRange", "bytes */10"},
		"of nothing":            {"empty", []string{"Range", "bytes=0-"}, 416, "InvalidRange", "bytes */0"},
		"several":               {"k", []string{"Range", "bytes=0-1,3-4"}, 200, "0123456789", ""},
		"backwards":             {"k", []string{"Range", "bytes=5-4"}, 200, "0123456789", ""},
		"another unit":          {"k", []string{"Range", "lines=0-1"}, 200, "0123456789", ""},
		"match":                 {"k", []string{"If-Match", etag}, 200, "0123456789", ""},
		"match one of":          {"k", []string{"If-Match", `"x", ` + etag}, 200, "0123456789", ""},
		"no match":              {"k", []string{"If-Match", `"x"`}, 412, "PreconditionFailed", ""},
		"none match":            {"k", []string{"If-None-Match", etag}, 304, "", ""},
		"none match other":      {"k", []string{"If-None-Match", `"x"`}, 200, "0123456789", ""},
		"modified":              {"k", []string{"If-Modified-Since", before}, 200, "0123456789", ""},
		"not modified":          {"k", []string{"If-Modified-Since", modified}, 304, "", ""},
		"unmodified":            {"k", []string{"If-Unmodified-Since", after}, 200, "0123456789", ""},
		"not unmodified":        {"k", []string{"If-Unmodified-Since", before}, 412, "PreconditionFailed", ""},
		"match beats date":      {"k", []string{"If-Match", etag, "If-Unmodified-Since", before}, 200, "0123456789", ""},
		"none match beats date": {"k", []string{"If-None-Match", etag, "If-Modified-Since", before}, 304, "", ""},
		"part one":              {"k?partNumber=1", nil, 206, "0123456789", "bytes 0-9/10"},
		"part two":              {"k?partNumber=2", nil, 416, "InvalidPartNumber", ""},
		"part zero":             {"k?partNumber=0", nil, 400, "InvalidArgument", ""},
		"part zero of nothing":  {"none?partNumber=0", nil, 400, "InvalidArgument", ""},
		"part and range":        {"k?partNumber=1", []string{"Range", "bytes=0-1"}, 400, "InvalidRequest", ""},
		"missing":               {"none", nil, 404, "NoSuchKey", ""},
		"missing version":       {"k?versionId=" + strings.Repeat("0", 32), nil, 404, "NoSuchVersion", ""},
		"malformed version":     {"k?versionId=1", nil, 400, "InvalidArgument", ""},
		"the null version":      {"k?versionId=null", nil, 200, "0123456789", ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer, body := w.do("GET", "/plain/"+tt.target, "", tt.header...)
			fits := body == tt.body
			if tt.status >= 400 {
				fits = strings.Contains(body, "<Code>"+tt.body+"</Code>")
			}
			if answer.StatusCode != tt.status || !fits || answer.Header.Get("Content-Range") != tt.span {
				t.Errorf("GET: %d %q %q", answer.StatusCode, body, answer.Header.Get("Content-Range"))
			}
			head, body := w.do("HEAD", "/plain/"+tt.target, "", tt.header...)
			if head.StatusCode != tt.status || body != "" || head.Header.Get("Content-Range") != tt.span {
				t.Errorf("HEAD: %d %q %q", head.StatusCode, body, head.Header.Get("Content-Range"))
			}
			if tt.status < 300 && head.ContentLength != answer.ContentLength {
				t.Errorf("HEAD says %d bytes, GET %d", head.ContentLength, answer.ContentLength)
			}
		})
	}
}

func TestArchivedObjectsAreNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "cold", "x", func(in *awss3.PutObjectInput) { in.StorageClass = types.StorageClassDeepArchive })
	_, err := w.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("plain"), Key: aws.String("cold")})
	w.wantCode(err, "InvalidObjectState")
	_, err = w.client.CopyObject(t.Context(), &awss3.CopyObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("warm"), CopySource: aws.String("plain/cold"),
	})
	w.wantCode(err, "InvalidObjectState")
	head, _ := w.do("HEAD", "/plain/cold", "")
	if head.StatusCode != http.StatusOK || head.Header.Get("X-Amz-Storage-Class") != "DEEP_ARCHIVE" {
		t.Errorf("HEAD: %d %v", head.StatusCode, head.Header)
	}
}

// TestMetadataInLowerCase looks at the bytes: Go's client would hide the case.
func TestMetadataInLowerCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do("PUT", "/plain/k", "x", "X-Amz-Meta-Job-Id", "J 1")
	w.do("PUT", "/second/copied", "", "X-Amz-Copy-Source", "plain/k")
	w.do("PUT", "/second/replaced", "", "X-Amz-Copy-Source", "plain/k", "X-Amz-Metadata-Directive", "REPLACE", "X-Amz-Meta-Job-Id", "J 1")
	for _, request := range []string{"GET /plain/k", "HEAD /plain/k", "GET /second/copied", "GET /second/replaced"} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, request+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), "\r\nx-amz-meta-job-id: J 1\r\n") {
			t.Errorf("%s: %v\n%s", request, err, answer)
		}
	}
}
