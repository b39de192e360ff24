package transfer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall/internal/journal"
)

// endless is a body that continues until its request is canceled. It counts
// what is read.
type endless struct {
	done  <-chan struct{}
	pause time.Duration // before each byte; zero: as many as there is room for
	taken int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := len(p)
	if e.pause > 0 {
		n = min(n, 1)
		select {
		case <-e.done:
			return 0, io.ErrUnexpectedEOF
		case <-time.After(e.pause):
		}
	}
	for i := range p[:n] {
		p[i] = ' '
	}
	e.taken += int64(n)
	return n, nil
}

// A server that sends without end is refused. The answer is not read into
// memory, and not requested again.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	write(t, root, "small", testBytes(10))
	write(t, root, "big", testBytes(multipartFrom))
	for name, c := range map[string]struct {
		status int
		limit  int64
		do     func(Bucket) error
	}{
		"listing": {http.StatusOK, listingLimit, func(b Bucket) error {
			for _, err := range List(t.Context(), b, "") {
				return err
			}
			return nil
		}},
		"refused get": {http.StatusForbidden, answerLimit, func(b Bucket) error {
			_, err := Get(t.Context(), b, Object{Key: "k", Size: 10, ETag: `"e"`}, root, "k", GetOptions{})
			return err
		}},
		"failing get": {http.StatusServiceUnavailable, answerLimit, func(b Bucket) error {
			_, err := Get(t.Context(), b, Object{Key: "k", Size: 10, ETag: `"e"`}, root, "k", GetOptions{})
			return err
		}},
		"put": {http.StatusOK, answerLimit, func(b Bucket) error {
			_, err := Put(t.Context(), b, "k", root, "small", PutOptions{})
			return err
		}},
		"begin of parts": {http.StatusOK, answerLimit, func(b Bucket) error {
			_, err := Put(t.Context(), b, "k", root, "big", PutOptions{Overwrite: true})
			return err
		}},
		"tag": {http.StatusOK, answerLimit, func(b Bucket) error { return Tag(t.Context(), b, "k", nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			stream := &endless{}
			b := doer(func(r *http.Request) (*http.Response, error) {
				asked++
				return answer(r, c.status, stream, -1), nil
			}).bucket()
			wantKind(t, c.do(b), Malformed)
			if asked != 1 || stream.taken > c.limit+ioBuffer {
				t.Errorf("%d bytes were taken in %d requests", stream.taken, asked)
			}
		})
	}
}

// Decoded, markup takes many times its bytes. An answer of nothing else is
// refused before it fills the memory; a full page is not.
func TestMarkupIsBounded(t *testing.T) {
	t.Parallel()
	type fill struct {
		around, entry string
		many          int
	}
	listing := func(b Bucket) error {
		for _, err := range List(t.Context(), b, "") {
			if err != nil {
				return err
			}
		}
		return nil
	}
	owner := func(name string) string {
		return "<" + name + ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>1</ID><DisplayName>n</DisplayName></` + name + ">"
	}
	for name, c := range map[string]struct {
		fill    fill
		do      func(Bucket) error
		refused bool
	}{
		"objects":    {fill{"<ListBucketResult>%s</ListBucketResult>", "<Contents/>", markupLimit}, listing, true},
		"attributes": {fill{"<ListBucketResult%s></ListBucketResult>", ` a=""`, markupLimit}, listing, true},
		"nesting":    {fill{"<ListBucketResult>%s", "<a>", markupLimit}, listing, true},
		"uploads": {fill{"<ListMultipartUploadsResult>%s</ListMultipartUploadsResult>", "<Upload/>", markupLimit}, func(b Bucket) error {
			_, err := Sweep(t.Context(), b, SweepOptions{Journal: journal.New(), Session: "s"})
			return err
		}, true},
		"parts": {fill{"<ListPartsResult>%s</ListPartsResult>", "<Part/>", markupLimit}, func(b Bucket) error {
			return upload{to: b, key: "x"}.keepParts(t.Context(), &openUpload{}, nil, journal.Unfinished{Upload: "u"})
		}, true},
		"tags": {fill{"<Tagging><TagSet>%s</TagSet></Tagging>", "<Tag/>", markupLimit}, func(b Bucket) error {
			_, _, err := tagsOf(t.Context(), source{b, Object{Key: "x"}}, http.Header{taggingCount: {"1"}})
			return err
		}, true},
		"a full page of objects": {fill{"<ListBucketResult>%s</ListBucketResult>", "<Contents><Key>%04d</Key><LastModified>2026-11-22T00:00:00Z</LastModified>" +
			"<ETag>&quot;e&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>1</Size>" +
			"<StorageClass>GLACIER</StorageClass>" + owner("Owner") + "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>" +
			"<RestoreExpiryDate>2026-11-22T00:00:00Z</RestoreExpiryDate></RestoreStatus></Contents>", pageSize}, listing, false},
		"a full page of uploads": {fill{"<ListMultipartUploadsResult>%s</ListMultipartUploadsResult>", "<Upload><Key>%04d</Key><UploadId>a==</UploadId>" +
			owner("Initiator") + owner("Owner") + "<StorageClass>STANDARD</StorageClass><Initiated>2026-11-22T00:00:00Z</Initiated>" +
			"<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType></Upload>", pageSize}, func(b Bucket) error {
			_, err := Sweep(t.Context(), b, SweepOptions{Journal: journal.New(), Session: "s"})
			return err
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var entries strings.Builder
			for i := range c.fill.many {
				entry := c.fill.entry
				if strings.Contains(entry, "%") {
					entry = fmt.Sprintf(entry, i)
				}
				entries.WriteString(entry)
			}
			page := fmt.Sprintf(c.fill.around, entries.String())
			b := doer(func(r *http.Request) (*http.Response, error) {
				q := r.URL.Query()
				if size := q.Get("max-keys") + q.Get("max-parts") + q.Get("max-uploads"); size != strconv.Itoa(pageSize) && !q.Has("tagging") {
					t.Errorf("a page of %q is asked for", size)
				}
				return answer(r, http.StatusOK, strings.NewReader(page), len(page)), nil
			}).bucket()
			err := c.do(b)
			if refused := err != nil && strings.Contains(err.Error(), tooLong().Error()); refused != c.refused || !refused && err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A server that drips any answer blocks a transfer for little longer than
// stallLimit in each attempt: every byte of every answer has to keep up with
// stallFloor. Only while S3 completes an upload or copies may it drip spaces, and
// not for ever.
func TestDrippingAnswersEnd(t *testing.T) {
	t.Parallel()
	text := "x"
	for name, c := range map[string]struct {
		most time.Duration // of one attempt
		do   func(context.Context, Bucket) error
	}{
		"listing": {2 * stallLimit, func(ctx context.Context, b Bucket) error {
			for _, err := range List(ctx, b, "") {
				return err
			}
			return nil
		}},
		"uploads": {2 * stallLimit, func(ctx context.Context, b Bucket) error {
			_, err := b.Client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &text})
			return err
		}},
		"parts": {2 * stallLimit, func(ctx context.Context, b Bucket) error {
			_, err := b.Client.ListParts(ctx, &s3.ListPartsInput{Bucket: &text, Key: &text, UploadId: &text})
			return err
		}},
		"tags": {2 * stallLimit, func(ctx context.Context, b Bucket) error {
			_, err := b.Client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &text, Key: &text})
			return err
		}},
		"tagged": {2 * stallLimit, func(ctx context.Context, b Bucket) error { return Tag(ctx, b, "x", map[string]string{"a": "b"}) }},
		"begun": {2 * stallLimit, func(ctx context.Context, b Bucket) error {
			_, err := b.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &text, Key: &text})
			return err
		}},
		"put": {2 * stallLimit, func(ctx context.Context, b Bucket) error {
			_, err := b.Client.wire.put(ctx, request{bucket: b, key: "x", header: http.Header{}, length: 1, buffered: []byte("x"), hash: unsigned})
			return err
		}},
		"completed": {answerTime + stallLimit, func(ctx context.Context, b Bucket) error {
			_, err := b.Client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &text, Key: &text, UploadId: &text})
			return err
		}},
		"copied": {answerTime + stallLimit, func(ctx context.Context, b Bucket) error {
			_, err := b.Client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &text, Key: &text, CopySource: &text})
			return err
		}},
		"region": {2 * stallLimit, func(ctx context.Context, b Bucket) error {
			_, err := RegionOf(ctx, RegionQuestion{Bucket: "x", Endpoint: "http://s3.invalid", Home: "us-east-1", HTTP: silent{}})
			return err
		}},
	} {
		for _, status := range []int{http.StatusOK, http.StatusForbidden} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					began, asked := time.Now(), 0
					b := doer(func(r *http.Request) (*http.Response, error) {
						asked++
						return answer(r, status, &endless{done: r.Context().Done(), pause: time.Second / 2}, -1), nil
					}).bucket()
					err := c.do(t.Context(), b)
					if KindOf(err) != Stalled {
						t.Errorf("%s: %v", KindOf(err), err)
					}
					if took := time.Since(began); took > attempts*(c.most+maxBackoff) {
						t.Errorf("%d attempts took %v", asked, took)
					}
				})
			})
		}
	}
}

// silent never answers.
type silent struct{}

func (silent) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// One byte for each connection is no progress.
func TestDrippingObjectsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := doer(func(r *http.Request) (*http.Response, error) {
			asked++
			left := multipartFrom - asked + 1
			resp := answer(r, http.StatusOK, io.LimitReader(&endless{}, 1), left)
			if got := r.Header.Get("Range"); got != "" {
				resp.StatusCode = http.StatusPartialContent
				resp.Header.Set("Content-Range", "bytes "+got[len("bytes="):]+"/"+strconv.Itoa(multipartFrom))
			}
			return resp, nil
		}).bucket()
		err := readAll(t.Context(), source{b, Object{Key: "x", Size: multipartFrom, ETag: `"e"`}}, io.Discard)
		if kindOf(err) != Unreachable || asked != maxFailures {
			t.Errorf("%v after %d requests", err, asked)
		}
	})
}
