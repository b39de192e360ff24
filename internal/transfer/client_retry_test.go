package transfer

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// answered returns an answer of S3 with an error status, as a client's error.
func answered(status int, header ...string) error {
	r, err := http.NewRequest(http.MethodGet, "http://s3.invalid/b", http.NoBody)
	if err != nil {
		panic(err)
	}
	return responseError(answer(r, status, strings.NewReader(""), 0, header...))
}

func TestRetryDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRetryer(credentials.NewStaticCredentialsProvider("a", "b", ""), 0)
		for _, c := range []struct {
			retryAfter  string
			least, most time.Duration
		}{
			{"", 0, time.Second},
			{"7", 7 * time.Second, 8 * time.Second},
			{time.Now().Add(5 * time.Second).UTC().Format(http.TimeFormat), 5 * time.Second, 6 * time.Second},
			{"3600", maxRetryAfter, maxRetryAfter + time.Second}, // a server may not delay a job for long
			{"-5", 0, time.Second},
			{"99999999999999999999", 0, time.Second},
			{time.Unix(0, 0).UTC().Format(http.TimeFormat), 0, time.Second},
			{"soon", 0, time.Second},
		} {
			var lowest, highest time.Duration = time.Hour, 0
			for range 1000 {
				d, err := r.RetryDelay(1, answered(http.StatusServiceUnavailable, "Retry-After", c.retryAfter))
				if err != nil {
					t.Fatal(err)
				}
				lowest, highest = min(lowest, d), max(highest, d)
			}
			if lowest < c.least || highest > c.most || highest-lowest < time.Second/2 {
				t.Errorf("Retry-After: %q makes pauses of %v to %v", c.retryAfter, lowest, highest)
			}
		}
		for attempt, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 6: maxBackoff, 1000: maxBackoff} {
			if d, err := r.RetryDelay(attempt, io.ErrUnexpectedEOF); err != nil || d < 0 || d > most {
				t.Errorf("%v, %v after attempt %d", d, err, attempt)
			}
		}
	})
}

func TestThrottled(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{429: true, 503: true, 500: false, 404: false} {
		if got := throttled(answered(status)); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
	r := newRetryer(nil, 0)
	for status, want := range map[int]bool{429: true, 503: true, 500: true, 404: false, 403: false} {
		if got := r.IsErrorRetryable(answered(status)); got != want {
			t.Errorf("%d: tried again: %v", status, got)
		}
	}
}

// The error after the last attempt has the number of attempts and their time,
// whoever sent the request.
func TestExhausted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := doer(func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusServiceUnavailable, strings.NewReader(""), 0, "Retry-After", "10"), nil
		}).bucket()
		_, err := Head(t.Context(), b, "x")
		_, wired := Get(t.Context(), b, Object{Key: "x", Size: 1, ETag: `"e"`}, newRoot(t), "x", GetOptions{})
		for _, err := range []error{err, wired} {
			e := wantError(t, err, Unavailable)
			if e.Attempts != attempts || e.Took < (attempts-1)*10*time.Second || e.Took > 150*time.Second {
				t.Errorf("%d attempts in %v", e.Attempts, e.Took)
			}
			if !strings.Contains(e.Error(), "after 8 attempts in 1m") && !strings.Contains(e.Error(), "after 8 attempts in 2m") {
				t.Error(e)
			}
		}
		refused := doer(func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusForbidden, strings.NewReader(""), 0), nil
		}).bucket()
		_, err = Head(t.Context(), refused, "x")
		if e := wantError(t, err, Denied); e.Attempts != 0 {
			t.Errorf("%d attempts at what is denied", e.Attempts)
		}
	})
}

// An answer that breaks off after a good status is requested again. One that is
// not XML is not.
func TestAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const whole = `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`
		asked := 0
		b := doer(func(r *http.Request) (*http.Response, error) {
			if asked++; asked == 1 {
				return answer(r, http.StatusOK, io.MultiReader(strings.NewReader(whole[:30]), broken{}), len(whole)), nil
			}
			return answer(r, http.StatusOK, strings.NewReader(whole), len(whole)), nil
		}).bucket()
		for _, err := range List(t.Context(), b, "") {
			if err != nil {
				t.Error(err)
			}
		}
		if asked != 2 {
			t.Errorf("asked %d times", asked)
		}
		asked = 0
		nonsense := doer(func(r *http.Request) (*http.Response, error) {
			asked++
			return answer(r, http.StatusOK, strings.NewReader("<a></b>"), 7), nil
		}).bucket()
		var last error
		for _, last = range List(t.Context(), nonsense, "") {
		}
		if last == nil || asked != 1 {
			t.Errorf("%v after %d requests", last, asked)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// An error is one whatever the status before it says, and one that says why is not
// asked for again.
func TestErrorsBehindAGoodStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		kind  Kind
		asked int
	}{
		"AccessDenied": {Denied, 1}, "NoSuchBucket": {NoBucket, 1}, "AllAccessDisabled": {Denied, 1}, "MethodNotAllowed": {Refused, 1},
		"PermanentRedirect": {WrongRegion, 1}, "AuthorizationHeaderMalformed": {WrongRegion, 1}, "InvalidObjectState": {Archived, 1},
		"SlowDown": {Unavailable, attempts}, "InternalError": {Unavailable, attempts}, "Unheard": {Unavailable, attempts},
	} {
		for name, do := range map[string]func(context.Context, Bucket) error{
			"listing": func(ctx context.Context, b Bucket) error { _, _, err := ListFirst(ctx, b, "x"); return err },
			"tag":     func(ctx context.Context, b Bucket) error { return Tag(ctx, b, "x", map[string]string{"a": "b"}) },
			"begun": func(ctx context.Context, b Bucket) error {
				_, err := b.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("b"), Key: aws.String("x")})
				return err
			},
		} {
			t.Run(code+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					asked := 0
					b := doer(func(r *http.Request) (*http.Response, error) {
						asked++
						return answer(r, http.StatusOK, strings.NewReader("<Error><Code>"+code+"</Code><Message>m</Message></Error>"), -1), nil
					}).bucket()
					if err := do(t.Context(), b); KindOf(err) != want.kind || asked != want.asked {
						t.Errorf("%s after %d requests, want %s after %d: %v", KindOf(err), asked, want.kind, want.asked, err)
					}
				})
			})
		}
	}
}
