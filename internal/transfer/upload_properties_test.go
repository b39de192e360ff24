package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

// carryProperties checks that copies keep the source's properties, whichever
// way they are made, and that uploads have a Content-Type.
func carryProperties(t *testing.T, from, to Bucket) {
	root := newRoot(t)
	want := http.Header{
		"Content-Type": {"video/mp4; codecs=\"avc1.4d002a\""}, "Cache-Control": {"max-age=60,  public"}, "Content-Encoding": {"gzip"},
		"Content-Disposition": {`attachment; filename="a b.mp4"`}, "Content-Language": {"de, en"}, "Expires": {"Fri, 01 Jan 2027 00:00:00 GMT"},
		"X-Amz-Meta-Title": {"=?UTF-8?B?w7w=?="}, "X-Amz-Meta-Job-Id": {"a: b, c"}, markerHeader: {"job/2"},
	}
	for key, size := range map[string]int{"none": 0, "dir/": 0, "held": 100, "streamed": ioBuffer + 1, "in parts": multipartFrom} {
		in := &s3.PutObjectInput{
			Bucket: &from.Name, Key: &key, Body: bytes.NewReader(testBytes(size)), ContentType: aws.String(want.Get("Content-Type")),
			CacheControl: aws.String(want.Get("Cache-Control")), ContentEncoding: aws.String("gzip"),
			ContentDisposition: aws.String(want.Get("Content-Disposition")), ContentLanguage: aws.String("de, en"),
			Expires:  aws.Time(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)),
			Metadata: map[string]string{"title": want.Get("X-Amz-Meta-Title"), "job-id": "a: b, c", "rolecall": "job/1"},
		}
		if _, err := from.Client.PutObject(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		source, err := head(t.Context(), from, Object{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		for way, options := range map[string]PutOptions{"here/": {Marker: "job/2"}, "within/": {Marker: "job/2", CopyClient: to.Client}} {
			if _, err := Copy(t.Context(), from, source.Object, to, way+key, options); err != nil {
				t.Fatal(way, key, err)
			}
			copied, err := head(t.Context(), to, Object{Key: way + key})
			if err != nil {
				t.Fatal(err)
			}
			expected := want
			if strings.HasSuffix(key, "/") { // a server may treat it as a directory, with a type of its own
				expected = propertiesOf(source)
				expected[markerHeader] = want[markerHeader]
			}
			if d := cmp.Diff(expected, propertiesOf(copied)); d != "" {
				t.Errorf("%s%s: %s", way, key, d)
			}
		}
	}
	for name, want := range map[string]string{"a.MOV": "video/quicktime", "a.tar.gz": "application/gzip", "ts": "application/octet-stream", "a.": "application/octet-stream"} {
		for _, size := range []int{1, ioBuffer + 1, multipartFrom} {
			write(t, root, name, testBytes(size))
			if _, err := Put(t.Context(), from, fmt.Sprint(size, name), root, name, PutOptions{}); err != nil {
				t.Fatal(err)
			}
			put, err := head(t.Context(), from, Object{Key: fmt.Sprint(size, name)})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(http.Header{"Content-Type": {want}}, propertiesOf(put)); d != "" {
				t.Errorf("%s of %d: %s", name, size, d)
			}
		}
	}
}

// propertiesOf returns an object's properties with its marker, but without
// aws-chunked, which a server may have stored.
func propertiesOf(h headResult) http.Header {
	out := http.Header{}
	for name, values := range h.http {
		if slices.Contains(systemHeaders, name) || strings.HasPrefix(name, metadataPrefix) {
			out[name] = values
		}
	}
	if out.Set("Content-Encoding", withoutChunked(out.Get("Content-Encoding"))); out.Get("Content-Encoding") == "" {
		out.Del("Content-Encoding")
	}
	return out
}

// Keeping the properties costs no request, and nothing else that the source's
// server sends reaches the destination.
func TestCopyKeepsNothingElse(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var mu sync.Mutex
	var sent []http.Header
	s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		switch operation {
		case "GetObject", "HeadObject":
			for _, name := range []string{
				"X-Amz-Acl", "X-Amz-Storage-Class", "X-Amz-Tagging", "X-Amz-Grant-Read", "X-Amz-Website-Redirect-Location", "X-Amz-Copy-Source",
				"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Security-Token", "Authorization", markerHeader,
			} {
				w.Header().Set(name, "hostile")
			}
			w.Header().Set("Content-Encoding", "AWS-chunked, br")
		case "PutObject", "CreateMultipartUpload":
			mu.Lock()
			sent = append(sent, r.Header.Clone())
			mu.Unlock()
		}
		next(w, r)
	})
	from, to := s.bucket(t, "origin"), s.bucket(t, "target")
	for _, size := range []int{0, 100, ioBuffer + 1, multipartFrom} {
		key := fmt.Sprint(size)
		o := s.store(t, key, testBytes(size))
		heads, gets := s.count("HeadObject"), s.count("GetObject")
		if _, err := Copy(t.Context(), from, o, to, key, PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if heads, gets = s.count("HeadObject")-heads, s.count("GetObject")-gets; size < multipartFrom && (heads > 0 || gets != 1) {
			t.Errorf("%d bytes took %d HEAD and %d GET", size, heads, gets)
		}
	}
	for _, h := range sent {
		for name, values := range h {
			if strings.Contains(values[0], "hostile") {
				t.Error("sent ", name)
			}
		}
	}
	for _, o := range s.Objects("target") {
		if o.Header.Get("Content-Encoding") != "br" || o.StorageClass != "STANDARD" {
			t.Errorf("%+v", o)
		}
	}
	if len(sent) != 4 {
		t.Errorf("%d objects were written", len(sent))
	}
}

// Properties that S3 would refuse are refused before anything is sent, and the
// copy's error names the end at fault.
func TestCopyCannotCarry(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	from, to := s.bucket(t, "origin"), s.bucket(t, "target")
	for _, size := range []int{0, 100, ioBuffer + 1, multipartFrom} {
		o := s.store(t, "x", testBytes(size))
		for _, c := range []struct {
			name   string
			length int
			kind   Kind
			bucket string
		}{
			{"X-Amz-Meta-A", maxMetadata - len("a") - len("rolecall") - len("job"), "", ""},
			{"X-Amz-Meta-A", maxMetadata - len("a") - len("rolecall") - len("job") + 1, Refused, "target"},
			{"Cache-Control", maxHeaderBytes + 1, Malformed, "origin"},
		} {
			s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				if operation == "GetObject" || operation == "HeadObject" {
					w.Header().Set(c.name, strings.Repeat("v", c.length))
				}
				next(w, r)
			})
			_, err := Copy(t.Context(), from, o, to, "y", PutOptions{Marker: "job", Overwrite: true})
			var e *Error
			if c.kind == "" && err == nil {
				continue
			}
			if !errors.As(err, &e) || e.Kind != c.kind || e.Bucket != c.bucket || e.Op != "copy" {
				t.Errorf("%d bytes, %s of %d: %v", size, c.name, c.length, err)
			}
		}
		if len(s.Uploads("target")) > 0 {
			t.Error("an upload is left")
		}
	}
}

func TestCopiedHeaders(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]http.Header{
		"line feed":       {"Content-Type": {"a\nX-Amz-Acl: public-read"}},
		"carriage return": {"X-Amz-Meta-A": {"a\rb"}},
		"NUL":             {"Expires": {"\x00"}},
		"DEL":             {"Content-Language": {"\x7f"}},
		"tab":             {"Cache-Control": {"a\tb"}},
		"name":            {"X-Amz-Meta-A: b\r\nX-Amz-Acl": {"a"}},
		"no name":         {"X-Amz-Meta-": {"a"}},
		"foreign name":    {"X-Amz-Meta-ü": {"a"}},
		"long":            {"X-Amz-Meta-" + strings.Repeat("a", maxHeaderBytes): {"a"}},
		"many":            {"X-Amz-Meta-A": {strings.Repeat("a", maxHeaderBytes/2)}, "X-Amz-Meta-B": {strings.Repeat("a", maxHeaderBytes/2)}},
	} {
		got, err := copiedHeaders(in)
		var e *Error
		if !errors.As(err, &e) || e.Kind != Malformed {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	got, err := copiedHeaders(http.Header{
		"x-amz-meta-lower": {"1"}, "x-amz-meta-ROLECALL": {"theirs"}, "X-Amz-Meta-Two": {"1", "2"}, "X-Amz-Meta-Empty": {""},
		"Content-Encoding": {"aws-chunked", "gzip"}, "Expires": {""}, "Etag": {"x"}, "X-Amz-Acl": {"x"},
	})
	want := http.Header{
		"X-Amz-Meta-Lower": {"1"}, "X-Amz-Meta-Two": {"1,2"}, "X-Amz-Meta-Empty": {""}, "Content-Encoding": {"gzip"},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
}
