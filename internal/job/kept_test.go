package job_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
)

// What a copy does not keep of its source is said of each object, whether S3
// copies or the bytes are streamed.
func TestCopySaysWhatItDrops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/plain": media(1, 10)})
	bucket := "acme-masters"
	for _, key := range []string{"in/moved", "in/moved too"} {
		if _, err := w.owner(bucket).PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &bucket, Key: &key, WebsiteRedirectLocation: new("/elsewhere"), Body: strings.NewReader("x"),
		}); err != nil {
			t.Fatal(err)
		}
	}
	for name, destination := range map[string]string{
		"streamed": `{"connection": "delivery"}`, "by S3": `{"location": "s3://acme-masters/copies/", "role_arn": "arn:aws:iam::111122223333:role/curator"}`,
	} {
		tasks := tool("storage:copy", `{"source": {"location": "s3://acme-masters/in/", "role_arn": "arn:aws:iam::111122223333:role/curator"}, "destination": `+destination+`, "files": ["*"]}`)
		report := w.run(t.Context(), t, t.TempDir(), tasks, nil)
		var lost []string
		for _, n := range report.Tasks[0].Notes {
			if n.Kind == rolecall.Lost && strings.Contains(n.Message, "its website redirect is not kept") {
				lost = append(lost, n.Key)
			}
		}
		if report.Status != rolecall.Completed || len(lost) != 2 {
			t.Errorf("%s: %q of %s", name, lost, show(report))
		}
	}
}

// An object under a customer's own key (SSE-C) is named with the reason, and the
// others are fetched and copied.
func TestCustomersKeysAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a": media(1, 10), "in/b": media(2, 10), "in/sealed": media(3, 10)})
	to, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(to)
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/in/sealed") && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
			rw.Header().Set("Content-Type", "application/xml")
			rw.WriteHeader(http.StatusBadRequest)
			if r.Method == http.MethodGet {
				fmt.Fprint(rw, `<?xml version="1.0"?><Error><Code>InvalidRequest</Code><Message>The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.</Message></Error>`)
			}
			return
		}
		forward.ServeHTTP(rw, r)
	}))
	t.Cleanup(proxy.Close)
	for name, tasks := range map[string]string{
		"get":          tool("storage:get", `{"connection": "masters", "files": ["*"]}`),
		"get by name":  tool("storage:get", `{"connection": "masters", "files": ["a", "b", "sealed"]}`),
		"copy":         tool("storage:copy", `{"source": {"connection": "masters"}, "destination": {"connection": "delivery"}, "files": ["*"]}`),
		"get excluded": tool("storage:get", `{"connection": "masters", "files": ["*"], "exclude": ["sealed"]}`),
	} {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		a := w.access(t)
		a.S3Endpoint = proxy.URL
		report := job.Run(t.Context(), job.Job{ID: job.NewID(), Plan: w.plan(t, tasks), Dir: root}, a, nil)
		if err := root.Close(); err != nil {
			t.Fatal(err)
		}
		if report.Tasks[0].Files != 2 {
			t.Errorf("%s: %s", name, show(report))
		}
		if strings.Contains(name, "excluded") {
			if report.Status != rolecall.Completed {
				t.Errorf("%s: %s", name, show(report))
			}
			continue
		}
		if len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Message, "in/sealed") || !strings.Contains(report.Errors[0].Message+report.Errors[0].Hint, "SSE-C") ||
			!strings.Contains(report.Errors[0].Hint, "exclude") {
			t.Errorf("%s: %s", name, show(report))
		}
	}
}
