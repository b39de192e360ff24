package transfer

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	"github.com/rolecall/rolecall/internal/bound"
)

// Limits for answers that are not objects. Tenants choose some of the servers,
// which may send without end. A full page of the longest
// keys, each escaped, has less than 4 MiB, one of parts half of one.
const (
	listingLimit = 4 * mib
	longLimit    = mib
	answerLimit  = 64 << 10
	answerTime   = 10 * time.Minute // S3 may take minutes to complete an upload, and sends spaces meanwhile
)

// markupLimit is how many elements and attributes an answer may have, counted
// by < and =. Decoded, short ones take thirty times their bytes. A full page of
// pageSize entries has at most 30,000.
const markupLimit = 50_000

// boundedClient fails on answers that are too long, which the AWS SDK would
// read to their ends, mostly into memory, and bounds how many are read at once.
type boundedClient struct {
	next   HTTPClient
	limits *Limits
}

// Do sends the request when there is room for its answer, and limits that.
func (b boundedClient) Do(req *http.Request) (*http.Response, error) {
	operation := awsmiddleware.GetOperationName(req.Context())
	limit, room, cost := b.room(req, operation)
	if err := room.Acquire(req.Context(), cost); err != nil {
		return nil, err
	}
	resp, err := b.next.Do(req)
	if err != nil {
		room.Release(cost)
		return resp, err
	}
	body := &boundedBody{ReadCloser: resp.Body, left: limit, markup: markupLimit, release: sync.OnceFunc(func() { room.Release(cost) })}
	resp.Body = body
	switch {
	case resp.StatusCode >= http.StatusMultipleChoices:
		body.left = answerLimit
	case operation == "GetObject": // read as it comes
		body.left, body.markup = math.MaxInt64-1, math.MaxInt
		return resp, nil
	case limit == listingLimit: // listings have escaped keys
		return resp, nil
	}
	resp.Body = &xmlFilter{ReadCloser: body, verify: func(text []byte) error { return refusalOfS3(resp, text) }}
	return resp, nil
}

// room returns how long the answer to a request may be, and what it takes of
// which share.
func (b boundedClient) room(req *http.Request, operation string) (limit int64, room *bound.Share, cost int64) {
	switch {
	case operation == "ListObjectsV2" && req.URL.Query().Get("max-keys") == "1":
		return answerLimit, b.limits.requests, 1
	case operation == "ListObjectsV2" && req.Context().Value(pageRoom{}) != nil: // taken by the lister
		return listingLimit, b.limits.pages, 0
	case operation == "ListObjectsV2", operation == "ListMultipartUploads":
		return listingLimit, b.limits.answers, pageCost
	case operation == "ListParts":
		return longLimit, b.limits.answers, answerCost
	default:
		return answerLimit, b.limits.requests, 1
	}
}

// pageRoom is the key of a context whose listings have room already.
type pageRoom struct{}

type boundedBody struct {
	io.ReadCloser
	left    int64 // bytes
	markup  int
	release func()
}

// Close closes the answer and gives back its room.
func (b *boundedBody) Close() error {
	b.release()
	return b.ReadCloser.Close()
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
