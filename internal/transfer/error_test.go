package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	api := func(status int, code string) error {
		err := error(&smithy.GenericAPIError{Code: code, Message: "m"})
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err}
	}
	for _, c := range []struct {
		err  error
		kind Kind
	}{
		{api(404, "NoSuchKey"), NotFound},
		{api(404, "NoSuchBucket"), NoBucket},
		{api(403, "AccessDenied"), Denied},
		{api(403, "Forbidden"), Denied},
		{api(403, "InvalidAccessKeyId"), BadCredentials},
		{api(400, "ExpiredToken"), Expired},
		{api(403, "InvalidObjectState"), Archived},
		{api(412, "PreconditionFailed"), Changed},
		{api(400, "BadDigest"), Corrupt},
		{api(400, "EntityTooLarge"), TooLarge},
		{api(301, "PermanentRedirect"), WrongRegion},
		{api(503, "SlowDown"), Unavailable},
		{api(500, "InternalError"), Unavailable},
		{api(409, "ConditionalRequestConflict"), Unavailable},
		{api(400, "AccessControlListNotSupported"), Refused},
		{api(501, "NotImplemented"), Refused},
		{api(403, "RequestTimeTooSkewed"), BadCredentials},
		{api(404, "?"), NotFound},
		{api(401, "?"), Denied},
		{api(412, "?"), Changed},
		{api(307, "?"), WrongRegion},
		{api(429, "?"), Unavailable},
		{api(599, "?"), Unavailable},
		{fmt.Errorf("write: %w", syscall.ENOSPC), DiskFull},
		{fmt.Errorf("write: %w", syscall.EDQUOT), DiskFull},
		{&smithyhttp.RequestSendError{Err: &timeout{}}, Unreachable},
		{&smithy.CanceledError{Err: context.Canceled}, Canceled},
		{context.DeadlineExceeded, Canceled},
		{errors.New("anything"), Unreachable},
	} {
		e := wantError(t, fault("get", Bucket{Name: "b"}, "k", c.err), c.kind)
		if !errors.Is(e, c.err) || e.Op != "get" || e.Bucket != "b" || e.Key != "k" {
			t.Errorf("%v became %+v", c.err, e)
		}
		if again := fault("put", Bucket{Name: "c"}, "l", e); again.Error() != e.Error() {
			t.Errorf("%v became %v", e, again)
		}
	}
}

// An error of the machine is not the file's, and may pass.
func TestBadFile(t *testing.T) {
	t.Parallel()
	for no, kind := range map[error]Kind{
		syscall.EMFILE: DiskFailed, syscall.EIO: DiskFailed, syscall.EROFS: DiskFailed, syscall.EFBIG: DiskFull,
		syscall.EACCES: BadFile, syscall.ENOENT: BadFile, errors.New("a link"): BadFile,
	} {
		e := wantError(t, fault("get", Bucket{}, "k", fileError(&fs.PathError{Op: "open", Path: "x", Err: no})), kind)
		if resumable(e) != (kind == DiskFailed) {
			t.Errorf("after %v another try goes on: %t", no, resumable(e))
		}
	}
}

// A page of a proxy's, and whatever is no error of S3's, is not taken for a
// refusal by policy or for the absence of an object. An error of S3's is, with
// characters that XML does not have.
func TestRefusalsThatAreNotS3s(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]map[int]Kind{
		"<html><body>blocked</body></html>": {400: Malformed, 403: Malformed, 404: Malformed, 407: Malformed, 412: Malformed, 429: Unavailable, 503: Unavailable},
		`{"message": "Forbidden"}`:          {403: Malformed, 404: Malformed},
		"no":                                {403: Malformed},
		"<ErrorResponse><Code>AccessDenied</Code></ErrorResponse>": {403: Malformed},
		"":                {403: Denied, 404: NotFound},
		"<Error></Error>": {403: Denied},
		"<!-- x --><Error><Code>AccessDenied</Code><Message>\x1b[31m</Message></Error>":                        {403: Denied, 400: Denied},
		"<?xml version=\"1.0\"?>\n<Error><Code>RequestTimeTooSkewed</Code><RequestId>\x1b</RequestId></Error>": {403: BadCredentials},
	} {
		for status, want := range want {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			}))
			t.Cleanup(server.Close)
			http1 := &http.Client{Transport: &http.Transport{}}
			t.Cleanup(http1.CloseIdleConnections)
			b := Bucket{Name: "b", Client: NewClient(ClientOptions{
				Credentials: credentials.NewStaticCredentialsProvider("AKIA", "s", ""), Endpoint: server.URL, PathStyle: true, HTTP: http1, Attempts: 1,
			})}
			_, err := b.Client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &b.Name})
			if got := KindOf(err); got != want {
				t.Errorf("%d %q: a listing is %s, want %s: %v", status, body, got, want, err)
			}
			_, err = source{b, Object{Key: "k", Size: 1}}.open(t.Context(), span{0, 1})
			if got := KindOf(err); got != want {
				t.Errorf("%d %q: an object is %s, want %s: %v", status, body, got, want, err)
			}
		}
	}
}
