package job_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

// Each failure says where, and who must act.
func TestFailuresNameWhoMustAct(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "  - {service: s3, operation: GetObject, bucket: acme-glacier, error: InvalidObjectState, times: 1}\n")
	w.put(t, "acme-masters", map[string][]byte{"in/a.mov": media(1, 10), "in/b.mov": media(2, 10)})
	w.put(t, "acme-glacier", map[string][]byte{"a.mov": media(1, 10)})
	w.put(t, "acme-archive", map[string][]byte{"a.mov": media(1, 10), "closed/a.mov": media(1, 10)})
	w.put(t, "globex-delivery", map[string][]byte{"out/a.mov": media(3, 10)})
	role := func(name string) string { return `"role_arn": "arn:aws:iam::111122223333:role/` + name + `"` }
	fetched := tool("storage:get", `{"connection": "masters", "files": ["*.mov"]}`) + ","
	for _, tc := range []struct {
		name, tasks   string
		code          rolecall.Code
		pointer       string
		message, hint string
	}{
		{
			"an archived object", tool("storage:get", `{"location": "s3://acme-glacier/a.mov", `+role("media")+`}`), rolecall.Conflict,
			"/tasks/0/parameters", "is archived", "Customer: restore it",
		},
		{
			"nothing matches", tool("storage:get", `{"connection": "masters", "files": ["*.mov", "*.mxf"]}`), rolecall.NotFound,
			"/tasks/0/parameters/files/1", `"*.mxf" matches nothing in s3://acme-masters/in/`, "case",
		},
		{
			"a named object is missing", tool("storage:get", `{"connection": "masters", "files": ["a.mov", "c.mov"]}`), rolecall.NotFound,
			"/tasks/0/parameters/files/1", `no object "s3://acme-masters/in/c.mov"`, "",
		},
		{
			"one object is missing", tool("storage:get", `{"connection": "masters", "path": "c.mov"}`), rolecall.NotFound,
			"/tasks/0/parameters", `no object "s3://acme-masters/in/c.mov"`, "",
		},
		{
			"missing or denied, who can tell", tool("storage:get", `{"location": "s3://acme-masters/in/c.mov", `+role("unlisted")+`}`), rolecall.Forbidden,
			"/tasks/0/parameters", "may not be read; without s3:ListBucket", "You: look for a typing mistake in the key first",
		},
		{
			"listing is denied, and S3 says why", tool("storage:get", `{"location": "s3://acme-masters/in/", "files": ["*"], `+role("unlisted")+`}`), rolecall.Forbidden,
			"/tasks/0/parameters", "the permissions policy of arn:aws:iam::111122223333:role/unlisted does not allow s3:ListBucket", "Customer: add s3:ListBucket",
		},
		{
			"the bucket policy denies", tool("storage:get", `{"location": "s3://acme-archive/closed/", "files": ["*"], `+role("media")+`}`), rolecall.Forbidden,
			"/tasks/0/parameters", `the bucket policy of "acme-archive" denies s3:GetObject`, "Customer: remove the Deny",
		},
		{
			"a role that may do nothing", tool("storage:get", `{"location": "s3://acme-masters/in/a.mov", `+role("nothing")+`}`), rolecall.Forbidden,
			"/tasks/0/parameters", "the permissions policy of arn:aws:iam::111122223333:role/nothing does not allow s3:GetObject", "You: look for",
		},
		{
			"S3 is silent to strangers", fetched + tool("storage:put", `{"location": "s3://globex-delivery/out/", "files": ["a.mov"], "bucket_owner": "222233334444", `+role("media")+`}`), rolecall.Forbidden,
			"/tasks/1/parameters", `the bucket policy of "globex-delivery" (account 222233334444)`, "Customer: allow the caller in the bucket policy",
		},
		{
			"not the owner", fetched + tool("storage:put", `{"location": "s3://globex-delivery/out/", "files": ["a.mov"], `+role("media")+`}`), rolecall.Forbidden,
			"/tasks/1/parameters", "does not belong to account 111122223333", "Customer: ",
		},
		{
			"the key's permissions are missing", fetched + tool("storage:put", `{"connection": "keyless", "files": ["b.mov"]}`), rolecall.Forbidden,
			"/tasks/1/parameters", "kms:GenerateDataKey", "kms:GenerateDataKey",
		},
		{
			"what exists is not replaced", fetched + tool("storage:put", `{"connection": "delivery", "files": ["*.mov"]}`), rolecall.Conflict,
			"/tasks/1/parameters", "of 2 files are delivered", "You: set overwrite",
		},
		{
			"no such bucket", tool("storage:get", `{"location": "s3://acme-nowhere/a", `+role("media")+`}`), rolecall.NotFound,
			"/tasks/0/parameters", `no bucket "acme-nowhere"`, "",
		},
		{
			"the wrong region", tool("storage:get", `{"location": "https://acme-masters.s3.eu-west-1.amazonaws.com/in/a.mov", `+role("media")+`}`), rolecall.Invalid,
			"/tasks/0/parameters", `"acme-masters" is in the region eu-central-1, not eu-west-1`, "correct the region",
		},
		{
			"a role that nobody made", tool("storage:get", `{"location": "s3://acme-masters/in/a.mov", `+role("nobody")+`}`), rolecall.Forbidden,
			"/tasks/0/parameters/role_arn", "role/nobody", "",
		},
		{
			"an endpoint inside the house", tool("storage:get", `{"location": "s3://acme-masters/in/a.mov", "s3_endpoint_url": "http://10.0.0.1:1", `+role("media")+`}`), rolecall.Forbidden,
			"/tasks/0/parameters/s3_endpoint_url", "the endpoint may not be reached", "network.allow",
		},
		{
			"the acl's permission is missing", fetched + tool("storage:put", `{"connection": "delivery", "path": "new/", "files": ["a.mov"], "acl": "public-read"}`), rolecall.Forbidden,
			"/tasks/1/parameters", `does not allow s3:PutObjectAcl`, "arn:aws:s3:::globex-delivery/out/new/*",
		},
		{
			"an acl where the owner enforces", fetched + tool("storage:put", `{"location": "s3://{keys}@globex-delivery/x/", "files": ["a.mov"], "acl": "public-read"}`), rolecall.Invalid,
			"/tasks/1/parameters", `takes no ACLs`, "",
		},
		{
			"a policy may demand a header", fetched + tool("storage:put", `{"location": "s3://globex-delivery/out/", "files": ["a.mov"], "bucket_owner": "222233334444", "acl": "private", `+role("media")+`}`), rolecall.Forbidden,
			"/tasks/1/parameters", `S3 refuses to write`, ". You: set encryption, storage_class in the step, if the bucket's policy demands it",
		},
		{
			"the requester may have to pay", tool("storage:get", `{"location": "s3://globex-delivery/out/", "files": ["*"], "bucket_owner": "222233334444", `+role("media")+`}`), rolecall.Forbidden,
			"/tasks/0/parameters", `; it is a Requester Pays bucket, and the request does not agree to pay`, ". You: set requester_pays in the step, if it is a Requester Pays bucket",
		},
		{
			"the requester may have to pay for one object", tool("storage:get", `{"location": "s3://globex-delivery/out/a.mov", "bucket_owner": "222233334444", `+role("media")+`}`), rolecall.Forbidden,
			"/tasks/0/parameters", `; it is a Requester Pays bucket, and the request does not agree to pay`, ". You: set requester_pays in the step, if it is a Requester Pays bucket",
		},
		{
			"a pattern in the place of a delivery", tool("storage:put", `{"connection": "delivery", "path": "new/*.mov"}`), rolecall.NotFound,
			"/tasks/0/parameters", `there is no "*.mov" in the working directory`, "You: write patterns into files",
		},
		{
			"a pattern in a location", tool("storage:get", `{"location": "s3://acme-masters/in/*.mov", `+role("media")+`}`), rolecall.NotFound,
			"/tasks/0/parameters", `no object "s3://acme-masters/in/*.mov"`, "You: write patterns into files",
		},
		{
			"a pattern before the files", tool("storage:get", `{"location": "s3://acme-masters/in/*/", "files": ["*.mov"], `+role("media")+`}`), rolecall.NotFound,
			"/tasks/0/parameters/files/0", `matches nothing`, "You: write patterns into files",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			report := w.run(t.Context(), t, t.TempDir(), tc.tasks, nil)
			if report.Status != rolecall.Failed || len(report.Errors) == 0 {
				t.Fatal(show(report))
			}
			e := report.Errors[0]
			if e.Code != tc.code || e.Pointer != tc.pointer || !strings.Contains(e.Message, tc.message) || !strings.Contains(e.Hint, tc.hint) {
				t.Errorf("want %s at %s: %q, hint %q; got %s", tc.code, tc.pointer, tc.message, tc.hint, show(report))
			}
		})
	}
}

func TestExistsNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a.mov": {}, "in/a.mov.bak": {}, "in/b.mov.bak": {}, "in/s/c.mov": {}})
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:exists", `{"connection": "masters", "files": ["a.mov", "**/c.mov", "s/*"]}`)+","+
		tool("storage:exists", `{"connection": "masters", "path": "a.mov"}`)+","+
		tool("storage:exists", `{"connection": "masters", "files": ["a.mov", "b.mov", "*.mxf"]}`), nil)
	want := []string{`/tasks/2/parameters/files/2: "*.mxf" matches nothing in s3://acme-masters/in/`, `/tasks/2/parameters/files/1: there is no object "s3://acme-masters/in/b.mov"`}
	if diff := cmp.Diff(strings.Join(want, "\n"), report.Errors.Error()); diff != "" {
		t.Error(diff)
	}
	if report.Tasks[0].Files != 3 || report.Tasks[1].Files != 1 || report.Tasks[2].Files != 1 || report.Errors[0].Code != rolecall.NotFound {
		t.Error(show(report))
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a.mov": {}, "in/b.mov": {}, "in/c.txt": {}, "in/d/e": {}})
	place := `"location": "s3://acme-masters/in/", "role_arn": "arn:aws:iam::111122223333:role/media"`
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:tag_s3", `{`+place+`, "files": ["*.mov", "d/e"], "tags": {"state": "done"}}`)+","+
		tool("storage:tag_s3", `{`+place+`, "files": ["c.txt"], "tags": {"state": "new"}}`), nil)
	if report.Status != rolecall.Completed || report.Tasks[0].Files != 3 {
		t.Fatal(show(report))
	}
	bucket := "acme-masters"
	for key, want := range map[string]string{"in/a.mov": "done", "in/b.mov": "done", "in/c.txt": "new", "in/d/e": "done"} {
		out, err := w.owner(bucket).GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
		if err != nil || len(out.TagSet) != 1 || *out.TagSet[0].Value != want {
			t.Errorf("%s: %v, %v", key, out, err)
		}
	}
}

func TestOverwriteReplaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "acme-masters", map[string][]byte{"in/a.mov": media(1, 10)})
	w.put(t, "globex-delivery", map[string][]byte{"out/a.mov": media(2, 20)})
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:get", `{"connection": "masters", "path": "a.mov"}`)+","+
		tool("storage:put", `{"connection": "delivery", "path": "a.mov", "overwrite": true}`), nil)
	if got := w.objects(t, "globex-delivery")["out/a.mov"]; report.Status != rolecall.Completed || !bytes.Equal(got, media(1, 10)) {
		t.Error(show(report))
	}
}

// What a role does not let be taken back is told.
func TestUploadsThatCannotBeAborted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "globex-delivery", map[string][]byte{"out/big": {}})
	dir := t.TempDir()
	write(t, dir, "big", media(1, 20<<20))
	report := w.run(t.Context(), t, dir, tool("storage:put", `{"location": "s3://globex-delivery/out/big", "role_arn": "arn:aws:iam::222233334444:role/timid"}`), nil)
	if len(w.uploads(t, "globex-delivery")) != 1 {
		t.Error("there is nothing to tell")
	}
	if len(report.Errors) != 2 || report.Errors[0].Code != rolecall.Conflict || report.Errors[1].Code != rolecall.Forbidden ||
		!strings.Contains(report.Errors[1].Message, `upload of "s3://globex-delivery/out/big" could not be aborted`) || !strings.Contains(report.Errors[1].Hint, "allow s3:AbortMultipartUpload") {
		t.Error(show(report))
	}
}

// A server that a tenant names may replace what is there although it is asked
// not to.
func TestEndpointsAreLookedAtFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	var written atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			written.Add(1)
			rw.Header().Set("ETag", `"e"`)
		case strings.HasSuffix(r.URL.Path, "/new"):
			rw.WriteHeader(http.StatusNotFound)
		default:
			rw.Header().Set("Content-Length", "3")
		}
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write(t, dir, "old", nil)
	write(t, dir, "new", nil)
	put := func(name, more string) rolecall.JobReport {
		return w.run(t.Context(), t, dir, tool("storage:put", fmt.Sprintf(
			`{"location": "s3://elsewhere/%s", "role_arn": "arn:aws:iam::111122223333:role/media", "s3_endpoint_url": %q%s}`, name, server.URL, more)), nil)
	}
	if report := put("old", ""); len(report.Errors) != 1 || report.Errors[0].Code != rolecall.Conflict || written.Load() > 0 {
		t.Errorf("%d are written, %s", written.Load(), show(report))
	}
	for name, more := range map[string]string{"old": `, "overwrite": true`, "new": ""} {
		if report := put(name, more); report.Status != rolecall.Completed {
			t.Errorf("%s: %s", name, show(report))
		}
	}
	if n := written.Load(); n != 2 {
		t.Errorf("%d are written", n)
	}
}
