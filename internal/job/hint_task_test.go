package job_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
)

// unfollowed are the hints of tasks that no job here follows, or that name no change.
var unfollowed = []string{
	"You: report this as a fault of rolecall's, with the log",
	"You: try again; if it stays so, the object is damaged",
	"You: try again when nothing writes to it any more",
	"You: divide them among tasks by narrower patterns",                                        // of a million objects
	"You: divide them among tasks by narrower patterns. Operator: give rolecall more --memory", // TestHeldNamesAreBounded
	"Operator: make room, or give a larger working directory",                                  // TestFullDiskLeavesNoHalfFile
	"Operator: look at the disk, and at how many files may be open; retries on the task try again by themselves",
	"You: remove it; its name begins with .rolecall- and ends in .part", // which rolecall itself could not
}

// place is where a case of TestTasksHints happens: a world, a directory, and what is
// between rolecall and S3.
type place struct {
	*world
	t     *testing.T
	dir   string
	front atomic.Pointer[func(http.ResponseWriter, *http.Request, http.Handler)]
}

func newPlace(t *testing.T, faults string) *place {
	t.Helper()
	p := &place{world: newWorld(t, faults), t: t, dir: t.TempDir()}
	next := p.server
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if front := p.front.Load(); front != nil {
			(*front)(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.server.URL = server.URL
	return p
}

func (p *place) has(bucket string, keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.put(p.t, bucket, map[string][]byte{key: media(1, 10)})
	}
}

// described has an object with so many bytes of metadata.
func (p *place) described(bucket, key string, size int) {
	p.t.Helper()
	_, err := p.owner(bucket).PutObject(p.t.Context(), &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: strings.NewReader("bytes"), Metadata: map[string]string{"a": strings.Repeat("v", size)},
	})
	p.must(err)
}

func (p *place) removed(bucket, key string) {
	p.t.Helper()
	if _, err := p.owner(bucket).DeleteObject(p.t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		p.t.Fatal(err)
	}
}

// aborted ends the uploads that are open.
func (p *place) aborted(bucket string) {
	p.t.Helper()
	for _, u := range p.uploads(p.t, bucket) {
		_, err := p.owner(bucket).AbortMultipartUpload(p.t.Context(), &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: u.Key, UploadId: u.UploadId})
		p.must(err)
	}
}

func (p *place) file(name string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(p.dir, name)), 0o700); err != nil {
		p.t.Fatal(err)
	}
	write(p.t, p.dir, name, media(1, 10))
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// TestTasksHints does what each hint of a task says, in each way that it names: then
// the job completes.
func TestTasksHints(t *testing.T) {
	t.Parallel()
	const (
		get, masters = "storage:get", "acme-masters"
		all          = `{"connection": "masters", "files": ["**"]}`
		curator      = `"role_arn": "arn:aws:iam::111122223333:role/curator"`
		delivered    = `{"connection": "delivery", "files": ["**"]}`
	)
	copies := func(to string, more ...string) string {
		return tool("storage:copy", `{"source": {"location": "s3://acme-masters/in/", `+curator+`}, "destination": {"location": "s3://acme-masters/`+to+`", `+curator+`}, "files": ["**"]`+strings.Join(more, "")+`}`)
	}
	long := strings.Repeat(strings.Repeat("d", 99)+"/", 10)
	type way struct {
		change func(p *place)
		tasks  string
	}
	nothing := func(*place) {}
	var mu sync.Mutex
	var done []string
	t.Run("all", func(t *testing.T) {
		for _, tc := range []struct {
			hint, faults string
			wrong        way
			followed     []way
			exists       bool // the object does, which stays a fault
		}{
			{hint: "You: give a shorter prefix", wrong: way{func(p *place) { p.has(masters, "in/"+long+"a") }, copies("copies/of/" + strings.Repeat("c", 40) + "/")}, followed: []way{{nothing, copies("c/")}}},
			{hint: "Customer: rename the object", wrong: way{func(p *place) { p.has(masters, "in/a/./b") }, copies("c/")}, followed: []way{
				{func(p *place) { p.removed(masters, "in/a/./b"); p.has(masters, "in/a/b") }, copies("c/")},
			}},
			{hint: "Customer: rename the object", wrong: way{func(p *place) { p.has(masters, "in/a/../b") }, tool(get, all)}, followed: []way{
				{func(p *place) { p.removed(masters, "in/a/../b"); p.has(masters, "in/a/b") }, tool(get, all)},
			}},
			{hint: "Customer: rename one of them", wrong: way{func(p *place) { p.has(masters, "in/a", "in/a/b") }, tool(get, all)}, followed: []way{
				{nothing, tool(get, `{"connection": "masters", "files": ["**"], "exclude": ["a/b"]}`)},
				{func(p *place) { p.removed(masters, "in/a/b"); p.has(masters, "in/c") }, tool(get, all)},
			}},
			{hint: "You: set overwrite to replace it, or deliver to another place", wrong: way{func(p *place) {
				p.put(t, "globex-delivery", map[string][]byte{"out/a": media(2, 9)})
				p.file("a")
			}, tool("storage:put", delivered)}, followed: []way{
				{nothing, tool("storage:put", `{"connection": "delivery", "path": "new/", "files": ["**"]}`)},
				{nothing, tool("storage:put", `{"connection": "delivery", "files": ["**"], "overwrite": true}`)},
			}},
			{hint: "You: look for what an earlier run left in its place", wrong: way{func(p *place) { p.has(masters, "in/a"); link(t, p.dir, "a") }, tool(get, all)}, followed: []way{
				{func(p *place) { p.must(os.Remove(filepath.Join(p.dir, "a"))) }, tool(get, all)},
			}},
			{hint: "file where it needs a directory", wrong: way{func(p *place) { p.has(masters, "in/a/b"); p.file("a") }, tool(get, all)}, followed: []way{
				{func(p *place) { p.must(os.Remove(filepath.Join(p.dir, "a"))) }, tool(get, all)},
			}},
			{hint: "You: or set marker to false", wrong: way{func(p *place) { p.described(masters, "in/a", 2040) }, copies("c/")}, followed: []way{
				{nothing, copies("c/", `, "marker": false`)},
				{func(p *place) { p.described(masters, "in/a", 1000) }, copies("d/")},
			}},
			{
				hint: "You: run it again when nothing removes objects there", faults: "  - {service: s3, operation: GetObject, error: NoSuchKey, times: 1}\n",
				wrong: way{func(p *place) { p.has(masters, "in/a") }, tool(get, all)}, followed: []way{{nothing, tool(get, all)}},
			},
			{hint: "You: set overwrite where nothing can be lost by it", wrong: way{func(p *place) {
				p.file("a")
				p.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					if r.Header.Get("If-None-Match") != "" {
						w.WriteHeader(http.StatusNotImplemented)
						_, _ = w.Write([]byte(`<Error><Code>NotImplemented</Code></Error>`))
						return
					}
					next.ServeHTTP(w, r)
				})
			}, tool("storage:put", `{"location": "s3://{keys}@globex-delivery/a", "s3_endpoint_url": "URL"}`)}, followed: []way{
				{nothing, tool("storage:put", `{"location": "s3://{keys}@globex-delivery/a", "s3_endpoint_url": "URL", "overwrite": true}`)},
			}},
			{hint: "Customer: store the object again", wrong: way{func(p *place) {
				p.has(masters, "in/a")
				p.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(&bent{w, r}, r) })
			}, tool(get, all)}, followed: []way{{func(p *place) { p.front.Store(nil); p.has(masters, "in/a") }, tool(get, all)}}},
			{hint: "Customer: do not use the object; remove it", wrong: way{func(p *place) {
				p.file("a")
				p.between(func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(&otherwise{w}, r) })
			}, tool("storage:put", delivered)}, followed: []way{
				{func(p *place) { p.front.Store(nil); p.removed("globex-delivery", "out/a") }, tool("storage:put", delivered)},
				{func(p *place) { p.front.Store(nil) }, tool("storage:put", `{"connection": "delivery", "files": ["**"], "overwrite": true}`)},
			}},
			{hint: "You: write patterns relative to the place; upper and lower case differ", wrong: way{func(p *place) { p.has(masters, "in/a.mov") }, tool(get, `{"connection": "masters", "files": ["in/*.MOV"]}`)}, followed: []way{
				{nothing, tool(get, `{"connection": "masters", "files": ["*.mov"]}`)},
			}},
			{hint: "You: remove from exclude what leaves out all that it matches, or remove it from files", wrong: way{
				func(p *place) { p.has(masters, "in/a.mov", "in/b.txt") }, tool(get, `{"connection": "masters", "files": ["*.mov", "*.txt"], "exclude": ["*.mov"]}`),
			}, followed: []way{
				{nothing, tool(get, `{"connection": "masters", "files": ["*.mov", "*.txt"]}`)},
				{nothing, tool(get, `{"connection": "masters", "files": ["*.txt"], "exclude": ["*.mov"]}`)},
			}},
			{hint: "Customer: abort it, or add a lifecycle rule", faults: "  - {service: s3, operation: AbortMultipartUpload, error: MethodNotAllowed}\n", wrong: way{func(p *place) {
				p.put(t, "globex-delivery", map[string][]byte{"out/a": {}})
				write(t, p.dir, "a", media(1, 20<<20))
			}, tool("storage:put", delivered)}}, // as in the next one, once S3 lets anybody
			{hint: "Customer: allow s3:AbortMultipartUpload", wrong: way{func(p *place) {
				p.put(t, "globex-delivery", map[string][]byte{"out/a": {}})
				write(t, p.dir, "a", media(1, 20<<20))
			}, tool("storage:put", `{"location": "s3://globex-delivery/out/", "files": ["**"], "role_arn": "arn:aws:iam::222233334444:role/timid"}`)}, followed: []way{
				{func(p *place) { p.aborted("globex-delivery") }, tool("storage:put", `{"location": "s3://globex-delivery/out/", "files": ["**"], "role_arn": "arn:aws:iam::222233334444:role/delivery"}`)},
			}, exists: true},
			{hint: "You: deliver a regular file; links are never followed", wrong: way{func(p *place) { link(t, p.dir, "a") }, tool("storage:put", delivered)}, followed: []way{
				{func(p *place) { p.must(os.Remove(filepath.Join(p.dir, "a"))); p.file("a") }, tool("storage:put", delivered)},
			}},
			{hint: "You: rename the file; keys in S3 are UTF-8", wrong: way{func(p *place) { p.file("a\xff") }, tool("storage:put", delivered)}, followed: []way{
				{func(p *place) { p.must(os.Rename(filepath.Join(p.dir, "a\xff"), filepath.Join(p.dir, "a"))) }, tool("storage:put", delivered)},
			}},
			{hint: "You: give it a shorter name or prefix", wrong: way{func(p *place) { p.file(long + "a") }, tool("storage:put", `{"connection": "delivery", "path": "`+strings.Repeat("p", 40)+`/", "files": ["**"]}`)}, followed: []way{
				{nothing, tool("storage:put", delivered)},
			}},
			{hint: "You: give a directory or file itself; links are never followed", wrong: way{func(p *place) { p.file("b/a"); p.must(os.Symlink("b", filepath.Join(p.dir, "l"))) }, tool("storage:put", `{"connection": "delivery", "base_dir": "l", "files": ["**"]}`)}, followed: []way{
				{nothing, tool("storage:put", `{"connection": "delivery", "base_dir": "b", "files": ["**"]}`)},
			}},
			{hint: "You: name a file that an earlier task of the job fetches or makes", wrong: way{func(p *place) { p.has(masters, "in/a") }, tool("storage:put", `{"connection": "delivery", "path": "b"}`)}, followed: []way{
				{nothing, tool(get, all) + "," + tool("storage:put", `{"connection": "delivery", "path": "a"}`)},
			}},
		} {
			t.Run(tc.hint, func(t *testing.T) {
				t.Parallel()
				p := newPlace(t, tc.faults)
				tc.wrong.change(p)
				report := p.run(t.Context(), t, p.dir, strings.ReplaceAll(tc.wrong.tasks, "URL", p.server.URL), nil)
				var hints []string
				for _, e := range report.Errors {
					hints = append(hints, e.Hint)
				}
				if !strings.Contains(strings.Join(hints, "\n"), tc.hint) {
					t.Fatalf("no error says so: %s", show(report))
				}
				mu.Lock()
				done = append(done, hints...)
				mu.Unlock()
				for _, way := range tc.followed {
					way.change(p)
					if report := p.run(t.Context(), t, p.dir, strings.ReplaceAll(way.tasks, "URL", p.server.URL), nil); report.Status != rolecall.Completed && (!tc.exists || len(report.Errors) != 1 || report.Errors[0].Code != rolecall.Conflict) {
						t.Errorf("by %q: %s", hints, show(report))
					}
				}
			})
		}
	})
	hinttest.Followed(t, "../task", done, unfollowed)
}

// between sets what is between rolecall and S3.
func (p *place) between(front func(http.ResponseWriter, *http.Request, http.Handler)) {
	p.front.Store(&front)
}

// bent changes the bytes of an object on its way.
type bent struct {
	http.ResponseWriter
	r *http.Request
}

func (b *bent) Write(data []byte) (int, error) {
	if b.Header().Get("ETag") == "" || b.r.Method != http.MethodGet {
		return b.ResponseWriter.Write(data)
	}
	other := append([]byte(nil), data...)
	other[0] ^= 1
	return b.ResponseWriter.Write(other)
}

// otherwise says another checksum of what was stored.
type otherwise struct{ http.ResponseWriter }

func (o *otherwise) WriteHeader(status int) {
	const name = "X-Amz-Checksum-Crc64nvme"
	if o.Header().Get(name) != "" {
		o.Header().Set(name, "AAAAAAAAAAA=")
	}
	o.ResponseWriter.WriteHeader(status)
}
