package transfer

import (
	"bytes"
	"io"
	"net/http"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
)

// What an answer may have, unless it is an object: a tenant chooses some of
// the servers, and one may well send without end. A full page of the longest
// keys, each escaped, has less than 4 MiB.
const (
	listingLimit = 8 * mib
	errorLimit   = 64 << 10
	answerLimit  = mib
	answerTime   = 10 * time.Minute // S3 may take minutes to complete an upload, and sends blanks meanwhile
)

// markupLimit is how many elements and attributes an answer may have, counted by
// < and =: decoded, short ones take thirty times their bytes. A full page of
// pageSize entries has at most 30,000.
const markupLimit = 50_000

// bounded fails answers that are too long. The AWS SDK reads them to their
// ends, mostly into memory.
type bounded struct{ next HTTPClient }

// Do sends the request and bounds its answer.
func (b bounded) Do(req *http.Request) (*http.Response, error) {
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
	if limit != listingLimit { // whose keys are escaped
		resp.Body = &legible{ReadCloser: resp.Body}
	}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left   int64 // bytes
	markup int
}

// Read reads until a limit is passed.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	b.left -= int64(n)
	b.markup -= bytes.Count(p[:n], []byte{'<'}) + bytes.Count(p[:n], []byte{'='})
	if b.left < 0 || b.markup < 0 {
		b.left, b.markup = -1, -1 // the next one is refused as well
		return 0, tooLong()
	}
	return n, err
}
