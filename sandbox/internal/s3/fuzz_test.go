package s3

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-1", "bytes=-5", "bytes=5-", "bytes=0-1,2-3", "bytes=--1", "bytes=99999999999999999999-", "items=1-2"} {
		f.Add(seed, int64(10))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		first, last, ok := parseRange(header)
		if !ok || size < 0 {
			return
		}
		offset, length, ok := resolveRange(first, last, size)
		if ok && (offset < 0 || length <= 0 || offset > size-length) {
			t.Errorf("%q of %d: %d bytes from %d", header, size, length, offset)
		}
		if offset, length, err := copyRange(header, size); err == nil && (offset < 0 || length <= 0 || offset > size-length) {
			t.Errorf("copy %q of %d: %d bytes from %d", header, size, length, offset)
		}
	})
}

func FuzzParseCopySource(f *testing.F) {
	for _, seed := range []string{"b/k", "/b/k", "b/k?versionId=1", "b/a%2Fb", "b/%zz", "b", "/", "b//k", "b/../x", "b/k?x=y", "%2Fb/k"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		bucket, key, _, err := parseCopySource(header)
		if err == nil && (bucket == "" || key == "" || strings.Contains(bucket, "/") || !utf8.ValidString(key) || len(key) > 1024) {
			t.Errorf("%q: bucket %q, key %q", header, bucket, key)
		}
	})
}

func FuzzParseXML(f *testing.F) {
	for _, seed := range []string{
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"x\"</ETag></Part></CompleteMultipartUpload>",
		"<Delete><Quiet>true</Quiet><Object><Key>a</Key><VersionId>null</VersionId></Object></Delete>",
		"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
		"<!DOCTYPE x [<!ENTITY a \"b\">]><Delete><Object><Key>&a;</Key></Object></Delete>", "<Delete>", "<a/><b/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if parts, err := parseComplete(data); err == nil {
			for i, p := range parts {
				if p.PartNumber < 1 || p.PartNumber > maxParts || i > 0 && p.PartNumber <= parts[i-1].PartNumber {
					t.Errorf("part %d", p.PartNumber)
				}
			}
		}
		if asked, err := parseDelete(data); err == nil && (len(asked.Objects) == 0 || len(asked.Objects) > maxDeletes) {
			t.Errorf("%d objects", len(asked.Objects))
		}
		var tags tagging
		if parseXML(data, &tags) == nil && checkTags(tags.Tags) == nil && len(tags.Tags) > maxTags {
			t.Errorf("%d tags", len(tags.Tags))
		}
	})
}

func FuzzParseTagging(f *testing.F) {
	for _, seed := range []string{"a=1", "a=1&b=2", "a", "=", "a=%zz", "a=1&a=2", "%00=1", "a+b=c+d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		tags, err := parseTagging(header)
		if err != nil {
			return
		}
		back := make([]string, 0, len(tags))
		for _, tag := range tags {
			back = append(back, url.QueryEscape(tag.Key)+"="+url.QueryEscape(tag.Value))
		}
		again, err := parseTagging(strings.Join(back, "&"))
		if err != nil || !slices.Equal(again, tags) {
			t.Errorf("%q: %v, then %v, %v", header, tags, again, err)
		}
	})
}

// FuzzRequest: whatever is sent, the answer is S3's and the Service lives.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET /plain?list-type=2&prefix=a&delimiter=/", "GET /plain/k?partNumber=1", "PUT /plain/k", "PUT /plain/k?tagging",
		"POST /plain/k?uploads", "POST /plain?delete", "DELETE /plain/k?versionId=null", "GET /?x=%zz", "HEAD /plain/..%2f",
		"PUT /plain/k?partNumber=1&uploadId=x", "GET /plain?uploads&key-marker=a", "GET /versioned?versions",
	} {
		method, target, _ := strings.Cut(seed, " ")
		f.Add(method, target, "X-Amz-Copy-Source", "plain/k", "body")
		f.Add(method, target, "Range", "bytes=0-", "")
	}
	f.Fuzz(func(t *testing.T, method, target, name, value, body string) {
		where, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		service, err := New(Config{Buckets: []Bucket{{Name: "plain", Account: owner}, {Name: "versioned", Versioning: versioningEnabled}}, Authority: &authority{}, Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := service.Put("plain", "k", strings.NewReader("hello")); err != nil {
			t.Fatal(err)
		}
		r := &http.Request{
			Method: method, URL: where, Host: "127.0.0.1", Header: http.Header{}, ContentLength: int64(len(body)),
			Body: io.NopCloser(strings.NewReader(body)),
		}
		r.Header.Set(name, value)
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, r)
		if answer.Code < 200 || answer.Code > 501 || answer.Code == http.StatusInternalServerError {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
}
