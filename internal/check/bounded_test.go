package check

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/transfer"
)

// A server that names things at a length that S3 has not is none of S3's, and
// what it says reaches no report.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]transfer.Kind{1024: "", 1025: transfer.Malformed, 0: ""} {
		name := strings.Repeat("x", length)
		client := s3.New(s3.Options{
			Region: "eu-central-1", Credentials: aws.AnonymousCredentials{},
			HTTPClient: smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
				body := "<InitiateMultipartUploadResult><UploadId>" + name + "</UploadId></InitiateMultipartUploadResult>"
				if r.Method == http.MethodGet {
					body = "<ListBucketResult><Contents><Key>" + name + "</Key></Contents></ListBucketResult>"
				}
				header := http.Header{"X-Amz-Version-Id": {name}}
				return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
			}),
		})
		w := &work{Access: &access.Access{}}
		w.Connection.Bucket, w.reading, w.writing = "acme", client, client
		_, err := w.listAs(t.Context(), "", nil, "")
		if got := kindOf(err); got != want {
			t.Errorf("a key of %d: %q, %v", length, got, err)
		}
		_, _, err = w.createBy(t.Context(), client, form{})
		if got := kindOf(err); got != want && (length > 0 || got != transfer.Malformed) {
			t.Errorf("an upload's id of %d: %q, %v", length, got, err)
		}
		_, err = w.store(t.Context(), form{})
		if got := kindOf(err); got != want {
			t.Errorf("a version of %d: %q, %v", length, got, err)
		}
	}
}

func kindOf(err error) transfer.Kind {
	if err == nil {
		return ""
	}
	return transfer.KindOf(err)
}
