package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Signatures are the same as those of the AWS SDK's signer.
func TestSignature(t *testing.T) {
	t.Parallel()
	ours := &signer{}
	theirs := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	printable := rapid.StringMatching(`[ -~]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringN(1, 40, -1).Draw(t, "key")
		c := aws.Credentials{
			AccessKeyID:     rapid.StringMatching(`AKIA[A-Z0-9]{4}`).Draw(t, "id"),
			SecretAccessKey: rapid.String().Draw(t, "secret"), SessionToken: rapid.StringMatching(`[A-Za-z0-9+/=]{0,8}`).Draw(t, "token"),
		}
		at := &site{service: "s3", region: rapid.SampledFrom([]string{"us-east-1", "cn-north-1"}).Draw(t, "region")}
		now := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "time"), 0)
		length := rapid.Int64Range(0, 1<<40).Draw(t, "length")
		request := func() *http.Request {
			r := &http.Request{
				Method: http.MethodPut, Host: "b.s3.invalid", ContentLength: length, Header: http.Header{},
				URL: &url.URL{
					Scheme: "https", Host: "b.s3.invalid", Path: "/" + key, RawPath: "/" + httpbinding.EscapePath(key, false),
					RawQuery: "partNumber=7&uploadId=" + escape(key) + "&x-id=UploadPart",
				},
			}
			r.Header["X-Amz-Content-Sha256"] = []string{unsigned}
			r.Header["User-Agent"] = []string{"any"}
			r.Header["Expect"] = []string{"100-continue"}
			return r
		}
		value := printable.Draw(t, "marker")
		a, b := request(), request()
		for _, name := range append([]string{markerHeader, metadataPrefix + "Any"}, systemHeaders...) {
			a.Header[name], b.Header[name] = []string{value}, []string{value}
		}
		if length > 0 {
			a.Header["Content-Length"] = []string{strconv.FormatInt(length, 10)}
		}
		ours.sign(a, c, at, now)
		if err := theirs.SignHTTP(context.Background(), c, b, unsigned, at.service, at.region, now); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
			if a.Header.Get(name) != b.Header.Get(name) {
				t.Fatalf("%s: %q, the SDK has %q", name, a.Header.Get(name), b.Header.Get(name))
			}
		}
	})
}

// Requests have the same URL as the AWS SDK's, in every style and with unusual
// keys.
func TestWireAsTheSDK(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]ClientOptions{
		"AWS":          {Region: "eu-central-1"},
		"AWS in China": {Region: "cn-north-1"},
		"AWS by path":  {Region: "us-east-1", PathStyle: true},
		"path":         {Endpoint: "http://127.0.0.1:9000", PathStyle: true},
		"below a path": {Endpoint: "https://s3.invalid/base/dir", PathStyle: true},
		"host":         {Endpoint: "https://s3.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var last *http.Request
			o.Credentials = credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", "token")
			o.HTTP = doer(func(r *http.Request) (*http.Response, error) {
				last = r
				return answer(r, http.StatusOK, strings.NewReader(""), 0), nil
			})
			b := Bucket{Name: "a-bucket", Owner: owner, RequesterPays: true, Client: NewClient(o)}
			keys := []string{
				"plain", "a/b c+d%20e", "/", "//x", "x//y", "x/", "./x", "../x", "x/../y", "ü/日本", "~-_.!*'()", "?&=#;:@$,", "a\tb\nc\x01", `\"<>{}|^` + "`", "%", "%zz",
			}
			for _, key := range keys {
				resp, err := (source{b, Object{Key: key, ETag: `"e"`, VersionID: "v/+ 1"}}).open(t.Context(), span{})
				if err != nil {
					t.Fatal(key, err)
				}
				resp.Body.Close()
				ours := seen(last)
				out, err := b.Client.GetObject(t.Context(), &s3.GetObjectInput{
					Bucket: &b.Name, Key: &key, IfMatch: aws.String(`"e"`), VersionId: aws.String("v/+ 1"), ExpectedBucketOwner: b.owner(), RequestPayer: b.payer(),
				})
				if err != nil {
					t.Fatal(key, err)
				}
				out.Body.Close()
				if d := cmp.Diff(seen(last), ours); d != "" {
					t.Errorf("%q: %s", key, d)
				}
			}
		})
	}
}

// seen returns what S3 sees of a request that both make.
func seen(r *http.Request) []string {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "/")
	scope, _, _ = strings.Cut(scope, ",")
	all := []string{r.Method, r.URL.Scheme, r.URL.Host, r.URL.RequestURI(), scope}
	for _, name := range []string{"If-Match", "X-Amz-Expected-Bucket-Owner", "X-Amz-Request-Payer", "X-Amz-Security-Token", "Range"} {
		all = append(all, r.Header.Get(name))
	}
	return all
}

// A wrong clock is noticed and corrected.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := doer(func(r *http.Request) (*http.Response, error) {
			asked++
			there := time.Now().Add(-time.Hour)
			if date, err := time.Parse(signingTime, r.Header.Get("X-Amz-Date")); err != nil || date.Sub(there).Abs() > time.Minute {
				text := `<Error><Code>RequestTimeTooSkewed</Code></Error>`
				return answer(r, http.StatusForbidden, strings.NewReader(text), len(text), "Date", there.UTC().Format(http.TimeFormat)), nil
			}
			return answer(r, http.StatusOK, strings.NewReader("abcdefgh"), 8), nil
		}).bucket()
		for range 2 {
			if err := readAll(t.Context(), source{b, Object{Key: "x", Size: 8}}, io.Discard); err != nil {
				t.Error(err)
			}
		}
		if asked != 3 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// Requests that were signed at the same time, by the same wrong clock, all pass
// at their second attempt.
func TestWrongClockOfSeveral(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-25 * time.Minute, 25 * time.Minute, -48 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			const many = 8
			var first sync.WaitGroup // all are signed before one is answered
			first.Add(many)
			var asked atomic.Int64
			b := doer(func(r *http.Request) (*http.Response, error) {
				if asked.Add(1) <= many {
					first.Done()
					first.Wait()
				}
				there := time.Now().Add(off)
				if date, err := time.Parse(signingTime, r.Header.Get("X-Amz-Date")); err != nil || date.Sub(there).Abs() > 15*time.Minute {
					text := `<Error><Code>RequestTimeTooSkewed</Code></Error>`
					return answer(r, http.StatusForbidden, strings.NewReader(text), len(text), "Date", there.UTC().Format(http.TimeFormat)), nil
				}
				return answer(r, http.StatusOK, strings.NewReader("abcdefgh"), 8), nil
			}).bucket()
			var all sync.WaitGroup
			for range many {
				all.Go(func() {
					if err := readAll(t.Context(), source{b, Object{Key: "x", Size: 8}}, io.Discard); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if n := asked.Load(); n != 2*many {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// A connection that only drips, in either direction, is closed.
func TestFloor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := doer(func(r *http.Request) (*http.Response, error) {
			asked++
			return answer(r, http.StatusOK, &endless{done: r.Context().Done(), pause: 10 * time.Millisecond}, multipartFrom), nil
		}).bucket()
		b.NoChecksums = true
		began := time.Now()
		err := readAll(t.Context(), source{b, Object{Key: "x", Size: multipartFrom}}, io.Discard)
		if kindOf(err) == Canceled || err == nil || asked > maxFailures || time.Since(began) > (maxFailures+1)*2*stallLimit {
			t.Errorf("%v after %d requests and %v", err, asked, time.Since(began))
		}
	})
}

// The time that this side takes is not counted against the connection.
func TestSlowHere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := doer(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut {
				_, err := io.Copy(io.Discard, r.Body)
				return answer(r, http.StatusOK, strings.NewReader(""), 0), err
			}
			return answer(r, http.StatusOK, strings.NewReader("abcdefgh"), 8), nil
		}).bucket()
		in := source{b, Object{Key: "x", Size: 8}}.stream(t.Context(), span{0, 8}, checksum{})
		for range 4 {
			if _, err := in.Read(make([]byte, 2)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * stallLimit) // of the bubble's fake clock
		}
		u := upload{to: b, key: "x", size: ioBuffer + 1, sourceProperties: func() (http.Header, error) { return http.Header{}, nil }, check: func(sum) error { return nil }, open: func(context.Context, span) content {
			return &slow{memoryContent{Reader: bytes.NewReader(make([]byte, ioBuffer+1))}}
		}}
		if _, err := u.run(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

type slow struct{ memoryContent }

func (s *slow) Read(p []byte) (int, error) {
	time.Sleep(2 * stallLimit) // of the bubble's fake clock
	return s.memoryContent.Read(p)
}

// A body is its content in its frame, however it is read.
func TestBody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "data")
		d := newDigest(checksum{})
		d.Write(data) //nolint:errcheck // a digest cannot fail
		b := &body{from: memoryContent{bytes.NewReader(data), d.sum()}, left: int64(len(data)), cancel: func() {}}
		framing := rapid.Bool().Draw(t, "framed")
		want := string(data)
		if framing {
			b.addTrailer()
			want = strconv.FormatInt(int64(len(data)), 16) + "\r\n" + want + "\r\n0\r\nx-amz-checksum-crc64nvme:" + d.sum().encoded() + "\r\n\r\n"
			if framedLength(int64(len(data))) != int64(len(want)) {
				t.Fatalf("the length is given as %d", framedLength(int64(len(data))))
			}
		}
		var got []byte
		for {
			p := make([]byte, rapid.IntRange(1, 50).Draw(t, "room"))
			n, err := b.Read(p)
			got = append(got, p[:n]...)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// Bytes that are not right never arrive whole.
func TestBodyNotReady(t *testing.T) {
	t.Parallel()
	b := &body{from: memoryContent{Reader: bytes.NewReader(make([]byte, 10))}, left: 10, cancel: func() {}, check: func(sum) error { return io.ErrNoProgress }}
	if got, err := io.ReadAll(b); !errors.Is(err, io.ErrNoProgress) || len(got) == 10 {
		t.Error(len(got), err)
	}
	b = &body{from: memoryContent{Reader: bytes.NewReader(make([]byte, 10))}, left: 10, cancel: func() {}}
	b.Close()
	if n, err := b.Read(make([]byte, 10)); n > 0 || !errors.Is(err, errClosed) {
		t.Error(n, err)
	}
	b = &body{from: memoryContent{Reader: bytes.NewReader(make([]byte, 5))}, left: 10, cancel: func() {}}
	if _, err := io.ReadAll(b); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}
