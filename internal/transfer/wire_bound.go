package transfer

import (
	"bytes"
	"io"
	"net/http"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
)

// Limits for answers that are not objects. Tenants choose some of the servers,
// which may send without end. A full page of the longest
// keys, each escaped, has less than 4 MiB.
const (
	listingLimit = 8 * mib
	errorLimit   = 64 << 10
	answerLimit  = mib
	answerTime   = 10 * time.Minute // S3 may take minutes to complete an upload, and sends spaces meanwhile
)

// markupLimit is how many elements and attributes an answer may have, counted
// by < and =. Decoded, short ones take thirty times their bytes. A full page of
// pageSize entries has at most 30,000.
const markupLimit = 50_000

// boundedClient fails on answers that are too long, which the AWS SDK would
// read to their ends, mostly into memory.
type boundedClient struct{ next HTTPClient }

// Do sends the request and limits the answer.
func (b boundedClient) Do(req *http.Request) (*http.Response, error) {
	resp, err := b.next.Do(req)
	if err != nil {
		return resp, err
	}
	limit := int64(answerLimit)
	switch operation := awsmiddleware.GetOperationName(req.Context()); {
	case resp.StatusCode >= http.StatusMultipleChoices:
		limit = errorLimit
	case operation == "GetObject":
		return resp, nil
	case operation == "ListObjectsV2", operation == "ListMultipartUploads":
		limit = listingLimit
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: limit, markup: markupLimit}
	if limit != listingLimit { // listings have escaped keys
		resp.Body = &xmlFilter{ReadCloser: resp.Body}
	}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left   int64 // bytes
	markup int
}

// Read returns an error once a limit is exceeded.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	b.left -= int64(n)
	b.markup -= bytes.Count(p[:n], []byte{'<'}) + bytes.Count(p[:n], []byte{'='})
	if b.left < 0 || b.markup < 0 {
		b.left, b.markup = -1, -1 // later calls fail as well
		return 0, tooLong()
	}
	return n, err
}
