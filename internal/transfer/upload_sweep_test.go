package transfer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall/internal/journal"
)

func (f *fixture) began(t *testing.T, key string) {
	t.Helper()
	_, err := f.bucket(t, "target").Client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("target"), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) uploads() []string {
	var keys []string
	for _, u := range f.Uploads("target") {
		keys = append(keys, u.Key)
	}
	slices.Sort(keys)
	return keys
}

const sessionName = "acme.job"

func (f *fixture) sweep(ctx context.Context, b Bucket, prefix, marker, session string) (int, error) {
	return Sweep(ctx, b, SweepOptions{Journal: f.j, Prefix: prefix, Marker: marker, Session: session})
}

// The journal's own uploads stay, and so do those that others began and those
// elsewhere.
func TestSweep(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := f.bucket(t, "target")
	f.cut(t, f.put)
	for _, key := range []string{"x", "lost é+%/", "y/lost"} {
		f.began(t, key)
	}
	for prefix, want := range map[string]int{"y/other": 0, "y/": 1} {
		if n, err := f.sweep(t.Context(), b, prefix, "job-1/0", sessionName); n != want || err != nil {
			t.Errorf("%s: %d, %v", prefix, n, err)
		}
	}
	for _, session := range []string{"someone.else", ""} {
		if n, err := f.sweep(t.Context(), b, "", "job-1/0", session); n != 0 || err != nil {
			t.Errorf("of the session %q: %d, %v", session, n, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := f.sweep(over, b, "", "job-1/0", sessionName); n != 0 || KindOf(err) != Canceled {
		t.Errorf("after the end: %d, %v", n, err)
	}
	if n, err := f.sweep(t.Context(), b, "", "job-1/0", sessionName); n != 2 || err != nil {
		t.Errorf("aborted %d, %v", n, err)
	}
	if got := f.uploads(); !slices.Equal(got, []string{"x"}) {
		t.Error("there are ", got)
	}
	r, err := f.put(t)
	f.whole(t, r, err, 2*partSize)
}

// An upload that nobody resumes, because its file is gone, is aborted when its
// step is done, even if uploads may not be listed.
func TestSweepLeft(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := f.bucket(t, "target")
	f.cut(t, f.put)
	f.crash(t)
	f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "ListMultipartUploads" {
			refuse(w, r, http.StatusForbidden, "AccessDenied")
			return
		}
		next(w, r)
	})
	for _, c := range []struct {
		prefix, marker string
		want           int
	}{{"", "job-1/1", 0}, {"y/", "job-1/0", 0}, {"", "job-1/0", 1}, {"", "job-1/0", 0}} {
		n, err := f.sweep(t.Context(), b, c.prefix, c.marker, sessionName)
		if n != c.want {
			t.Errorf("%+v: aborted %d", c, n)
		}
		wantKind(t, err, Denied)
	}
	f.clean(t)
}

// A listing that never ends, or leaves the prefix, does no harm.
func TestSweepHostile(t *testing.T) {
	t.Parallel()
	one := func(key, id string) string {
		return `<Upload><Key>` + key + `</Key><UploadId>` + id + `</UploadId><Initiator><ID>arn:aws:sts::111122223333:assumed-role/r/` + sessionName + `</ID></Initiator></Upload>`
	}
	still, on := func(int) string { return "a" }, func(page int) string { return fmt.Sprint(page) }
	for name, c := range map[string]struct {
		next    func(page int) string // after this one
		uploads string
		kind    Kind
	}{
		"stands still": {still, "", Malformed},
		"bad key":      {still, one("%zz", "u"), Malformed},
		"never ends":   {on, "", ""},
		"elsewhere": {on, one("other/x", "u") + one("y/", "") + one("y/", strings.Repeat("u", maxUpload+1)) + one("y/"+strings.Repeat("k", maxKey), "u") +
			`<Upload><Key>y/</Key><UploadId>u</UploadId></Upload>`, ""},
	} {
		synctest.Test(t, func(t *testing.T) { // without real time, so that no page is late
			pages := 0
			b := doer(func(r *http.Request) (*http.Response, error) {
				if r.Method != http.MethodGet || !r.URL.Query().Has("uploads") {
					t.Error("asked for ", r.Method, r.URL)
				}
				pages++
				text := fmt.Sprintf(`<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>%s<NextKeyMarker>%s</NextKeyMarker></ListMultipartUploadsResult>`, c.uploads, c.next(pages))
				return answer(r, http.StatusOK, strings.NewReader(text), len(text)), nil
			}).bucket()
			n, err := Sweep(t.Context(), b, SweepOptions{Journal: journal.New(), Prefix: "y/", Marker: "job-1/0", Session: sessionName})
			switch {
			case n != 0:
				t.Errorf("%s: aborted %d", name, n)
			case c.kind != "":
				wantKind(t, err, c.kind)
			case err != nil || pages != maxUploadPages:
				t.Errorf("%s: %d pages, %v", name, pages, err)
			}
		})
	}
}

// An upload whose id is about to be recorded is not taken for lost.
func TestSweepMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := f.bucket(t, "target")
	f.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "CreateMultipartUpload" {
			held := &holding{ResponseWriter: w}
			next(held, r)
			if n, err := f.sweep(t.Context(), b, "", "job-1/0", sessionName); n != 0 || err != nil {
				t.Errorf("aborted %d, %v", n, err)
			}
			held.release()
			return
		}
		next(w, r)
	})
	r, err := f.put(t)
	f.whole(t, r, err, 0)
}

// holding delays an answer.
type holding struct {
	http.ResponseWriter
	status int
	body   []byte
}

func (h *holding) WriteHeader(status int) { h.status = status }

func (h *holding) Write(p []byte) (int, error) {
	h.body = append(h.body, p...)
	return len(p), nil
}

func (h *holding) release() {
	if h.status > 0 {
		h.ResponseWriter.WriteHeader(h.status)
	}
	h.ResponseWriter.Write(h.body) //nolint:errcheck // the client is there
}
