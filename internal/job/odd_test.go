package job_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

// oddAnswers are answers to reading one object, as they stand on the wire.
var oddAnswers = map[string]string{
	"301":              "301 Moved Permanently\r\nContent-Length: 0",
	"302":              "302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0",
	"307":              "307 Temporary Redirect\r\nLocation: /c\r\nContent-Length: 0",
	"redirect":         refusal("301 Moved Permanently", "PermanentRedirect"),
	"400":              refusal("400 Bad Request", "InvalidRequest"),
	"wrong region":     refusal("400 Bad Request", "AuthorizationHeaderMalformed"),
	"gone key":         refusal("400 Bad Request", "KMS.NotFoundException"),
	"403":              refusal("403 Forbidden", "AccessDenied"),
	"404":              refusal("404 Not Found", "NoSuchKey"),
	"no bucket":        refusal("404 Not Found", "NoSuchBucket"),
	"page":             "404 Not Found\r\nContent-Length: 6\r\n\r\n<html>",
	"405":              refusal("405 Method Not Allowed", "MethodNotAllowed"),
	"405 of a marker":  "405 Method Not Allowed\r\nx-amz-delete-marker: true\r\nContent-Length: 0",
	"407":              "407 Proxy Authentication Required\r\nContent-Length: 0",
	"410":              "410 Gone\r\nContent-Length: 0",
	"412":              refusal("412 Precondition Failed", "PreconditionFailed"),
	"416":              refusal("416 Range Not Satisfiable", "InvalidRange"),
	"418":              "418 Teapot\r\nContent-Length: 0",
	"501":              refusal("501 Not Implemented", "NotImplemented"),
	"archived":         refusal("403 Forbidden", "InvalidObjectState"),
	"204":              "204 No Content\r\nETag: \"e\"",
	"206":              "206 Partial Content\r\nETag: \"e\"\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nabcde",
	"304":              "304 Not Modified\r\nETag: \"e\"",
	"longer":           "200 OK\r\nETag: \"e\"\r\nContent-Length: 10\r\n\r\nabcdeabcde",
	"shorter":          "200 OK\r\nETag: \"e\"\r\nContent-Length: 3\r\n\r\nabc",
	"empty":            "200 OK\r\nETag: \"e\"\r\nContent-Length: 0",
	"another":          "200 OK\r\nETag: \"f\"\r\nContent-Length: 5\r\n\r\nabcde",
	"no length":        "200 OK\r\nETag: \"e\"\r\nConnection: close\r\n\r\nabcde",
	"chunks":           "200 OK\r\nETag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n",
	"bad length":       "200 OK\r\nETag: \"e\"\r\nContent-Length: -5\r\n\r\nabcde",
	"two lengths":      "200 OK\r\nETag: \"e\"\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
	"huge header":      "200 OK\r\nETag: \"e\"\r\nX-Amz-Meta-A: " + strings.Repeat("y", 1_500_000) + "\r\nContent-Length: 5\r\n\r\nabcde",
	"many headers":     "200 OK\r\nETag: \"e\"\r\n" + strings.Repeat("X-Amz-Meta-A: y\r\n", 100_000) + "Content-Length: 5\r\n\r\nabcde",
	"garbage":          "\x00\x01\x02 OK",
	"header garbage":   "200 OK\r\n\x7f\x00: \x01\r\nContent-Length: 5\r\n\r\nabcde",
	"checksum":         "200 OK\r\nETag: \"e\"\r\nx-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\nx-amz-checksum-type: FULL_OBJECT\r\nContent-Length: 5\r\n\r\nabcde",
	"short checksum":   "200 OK\r\nETag: \"e\"\r\nx-amz-checksum-sha256: AAAA\r\nContent-Length: 5\r\n\r\nabcde",
	"not a checksum":   "200 OK\r\nETag: \"e\"\r\nx-amz-checksum-crc32: !!!!\r\nContent-Length: 5\r\n\r\nabcde",
	"unknown encoding": "200 OK\r\nETag: \"e\"\r\nTransfer-Encoding: br\r\n\r\nabcde",
}

func refusal(status, code string) string {
	body := "<Error><Code>" + code + "</Code><Message>m</Message></Error>"
	return fmt.Sprintf("%s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// oddServer lists a, b and c, and answers oddly for a, by the bucket's name.
func oddServer(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case r.URL.Query().Has("list-type"):
			fmt.Fprintf(w, "<ListBucketResult><Name>%s</Name><IsTruncated>false</IsTruncated>", name)
			for _, key := range []string{"a", "b", "c"} {
				fmt.Fprintf(w, "<Contents><Key>%s</Key><Size>5</Size><ETag>&quot;e&quot;</ETag></Contents>", key)
			}
			fmt.Fprint(w, "</ListBucketResult>")
		case key == "a" && r.Method != http.MethodHead:
			conn, out, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			answer := oddAnswers[strings.ReplaceAll(name, "-", " ")]
			if !strings.HasPrefix(answer, "\x00") {
				answer = "HTTP/1.1 " + answer
			}
			if !strings.Contains(answer, "\r\n\r\n") {
				answer += "\r\n\r\n"
			}
			_, _ = out.WriteString(answer) // the client may have closed the connection
			_ = out.Flush()
		default:
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Content-Length", "5")
			if r.Method != http.MethodHead {
				fmt.Fprint(w, "abcde")
			}
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// Whatever a server answers for one object that it lists, the others are fetched
// and copied, and it is named, with how to leave it out.
func TestOneOddAnswerCostsNoOtherObject(t *testing.T) {
	t.Parallel()
	server := oddServer(t)
	w := newWorld(t, "")
	for name := range oddAnswers {
		source := fmt.Sprintf(`"location": "s3://%s/", "role_arn": "arn:aws:iam::111122223333:role/media", "s3_endpoint_url": %q`, strings.ReplaceAll(name, " ", "-"), server.URL)
		for what, tasks := range map[string]string{
			"get":  tool("storage:get", `{`+source+`, "files": ["*"]}`),
			"copy": tool("storage:copy", fmt.Sprintf(`{"source": {%s}, "destination": {"connection": "delivery", "path": "%s/"}, "files": ["*"]}`, source, strings.ReplaceAll(name, " ", "-"))),
		} {
			t.Run(what+" "+name, func(t *testing.T) {
				t.Parallel()
				report := w.run(t.Context(), t, t.TempDir(), tasks, nil)
				if report.Status != rolecall.Failed || report.Tasks[0].Files != 2 || len(report.Errors) != 1 || !strings.HasSuffix(report.Errors[0].Hint, "You: name it in exclude to leave it out") {
					t.Error(show(report))
				}
				notes := slices.DeleteFunc(report.Tasks[0].Notes, func(n rolecall.Note) bool { return n.Kind != rolecall.Skipped })
				if len(notes) != 1 || notes[0].Key != "a" {
					t.Errorf("notes %+v", notes)
				}
			})
		}
	}
}
