package transfer

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/crc64nvme"

	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/workdir"
)

// resumes is part of the conformance suite: each transfer fails when some of
// its parts are stored, and another process resumes it.
func resumes(t *testing.T, from, to Bucket) {
	const size = 5*partSize + 5 // six parts
	root := newRoot(t)
	data := testBytes(size)
	write(t, root, "up", data)
	if _, err := Put(t.Context(), from, "big", root, "up", PutOptions{}); err != nil {
		t.Fatal(err)
	}
	o, err := Head(t.Context(), from, "big")
	if err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func(context.Context, func(int64), *journal.Journal) (Result, error){
		"put": func(ctx context.Context, progress func(int64), j *journal.Journal) (Result, error) {
			return Put(ctx, to, "put", root, "up", PutOptions{Marker: "job-1/0", Journal: j, Progress: progress})
		},
		"copy": func(ctx context.Context, progress func(int64), j *journal.Journal) (Result, error) {
			return Copy(ctx, from, o, to, "copy", PutOptions{Marker: "job-1/1", Journal: j, Progress: progress})
		},
		"get": func(ctx context.Context, progress func(int64), j *journal.Journal) (Result, error) {
			return Get(ctx, from, o, root, "down/file", GetOptions{Marker: "job-1/2", Journal: j, Progress: progress})
		},
	} {
		j := openJournal(t, root)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := do(ctx, func(int64) {
			if partsNoted(root) > 0 {
				cancel()
			}
		}, j)
		cancel()
		wantKind(t, err, Canceled)
		crash(t, j)
		j = openJournal(t, root)
		kept := partsNoted(root)
		var told counter
		result, err := do(t.Context(), told.add, j)
		if err != nil || result.CRC64 != crc64nvme.Checksum(data) || told.total() != size {
			t.Fatalf("%s: %+v, %d bytes told, %v", name, result, told.total(), err)
		}
		if want := int64(kept) * partSize; result.Kept != want && result.Kept != want-partSize+5 {
			t.Errorf("%s: kept %d bytes of %d parts", name, result.Kept, kept)
		}
		if name != "get" {
			got := fmt.Sprintf("check/%s", name)
			if _, err := Get(t.Context(), to, Object{Key: name}, root, got, GetOptions{}); err != nil {
				t.Error(err)
			}
		}
		crash(t, j)
		j = openJournal(t, root)
		again, err := do(t.Context(), told.add, j)
		if err != nil || !again.Earlier || again.CRC64 != result.CRC64 || again.Parts != result.Parts || told.total() != 2*size {
			t.Errorf("%s again: %+v, %v", name, again, err)
		}
		if err := j.Remove(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"check/put", "check/copy", "down/file"} {
		if got, err := root.ReadFile(name); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
	noUploads(t, to)
	if got := files(t, root); !slices.Equal(got, []string{"check/copy", "check/put", "down/file", "up"}) {
		t.Error("left behind: ", got)
	}
}

// fixture is the start of the tests here: a put, a copy or a get of three
// parts, of which the first attempt sent two.
type fixture struct {
	*server
	root *os.Root
	data []byte
	o    Object
	j    *journal.Journal
	kept counter // what is reported as kept
	// plain has the buckets on a server that is not AWS's.
	plain bool
}

const resumed = 2*partSize + 5

func newFixture(t *testing.T) *fixture {
	t.Helper()
	s := newServer(t)
	f := &fixture{server: s, root: newRoot(t), data: testBytes(resumed)}
	f.o = s.store(t, "big", f.data)
	write(t, f.root, "up", f.data)
	f.j = openJournal(t, f.root)
	t.Cleanup(func() { f.j.Close() })
	return f
}

func (f *fixture) bucket(t *testing.T, name string) Bucket {
	b := f.server.bucket(t, name)
	b.NoChecksums, b.LookFirst = f.plain, f.plain
	return b
}

func (f *fixture) put(t *testing.T) (Result, error) {
	return Put(t.Context(), f.bucket(t, "target"), "x", f.root, "up", PutOptions{Marker: "job-1/0", Journal: f.j, Kept: f.kept.add})
}

func (f *fixture) copy(t *testing.T) (Result, error) {
	return Copy(t.Context(), f.bucket(t, "origin"), f.o, f.bucket(t, "target"), "x", PutOptions{Marker: "job-1/0", Journal: f.j, Kept: f.kept.add})
}

func (f *fixture) get(t *testing.T) (Result, error) {
	return Get(t.Context(), f.bucket(t, "origin"), f.o, f.root, "down/x", GetOptions{Marker: "job-1/0", Journal: f.j, Kept: f.kept.add})
}

// cut makes an attempt fail at its last part.
func (f *fixture) cut(t *testing.T, try func(*testing.T) (Result, error)) {
	t.Helper()
	f.setTamper(func(w http.ResponseWriter, r *http.Request, _ string, next http.HandlerFunc) {
		if r.URL.Query().Get("partNumber") != "3" && !strings.HasPrefix(r.Header.Get("Range"), fmt.Sprintf("bytes=%d-", 2*partSize)) {
			next(w, r)
			return
		}
		// Nothing reports when the others are recorded, so the test has to poll.
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for partsNoted(f.root) < 2 && r.Context().Err() == nil && t.Context().Err() == nil {
			<-tick.C
		}
		refuse(w, r, http.StatusForbidden, "AccessDenied")
	})
	_, err := try(t)
	wantKind(t, err, Denied)
	f.setTamper(nil)
	f.kept.n.Store(0)
	if n := partsNoted(f.root); n != 2 {
		t.Fatalf("%d parts are noted, not 2", n)
	}
}

// crash continues in another process.
func (f *fixture) crash(t *testing.T) {
	t.Helper()
	crash(t, f.j)
	f.j = openJournal(t, f.root)
}

// whole checks that a transfer resumed after two parts, and that everything is
// right.
func (f *fixture) whole(t *testing.T, r Result, err error, kept int64) {
	t.Helper()
	if err != nil || r.Kept != kept || r.CRC64 != crc64nvme.Checksum(f.data) {
		t.Fatalf("kept %d: %+v, %v", kept, r, err)
	}
	if told := f.kept.total(); kept > 0 && told != kept {
		t.Errorf("told of %d bytes kept, not %d", told, kept)
	}
	f.clean(t)
}

// clean checks that nothing is left.
func (f *fixture) clean(t *testing.T) {
	t.Helper()
	if left := f.Uploads("target"); len(left) > 0 {
		t.Error("left the uploads ", left)
	}
	for _, name := range files(t, f.root) {
		if workdir.IsTemporary(name) {
			t.Error("left ", name)
		}
	}
}

func TestResumeThenRetract(t *testing.T) {
	t.Parallel()
	for name, try := range fixtures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			try := try(f)
			f.cut(t, try)
			f.crash(t)
			if err := f.j.Retract(t.Context()); err != nil || partsNoted(f.root) != 2 {
				t.Error("another process's was retracted: ", err)
			}
			f.cut(t, try) // resumes it
			if err := f.j.Retract(t.Context()); err != nil {
				t.Error(err)
			}
			f.clean(t)
			f.crash(t)
			r, err := try(t)
			f.whole(t, r, err, 0)
		})
	}
}

func fixtures() map[string]func(*fixture) func(*testing.T) (Result, error) {
	return map[string]func(*fixture) func(*testing.T) (Result, error){
		"put":  func(f *fixture) func(*testing.T) (Result, error) { return f.put },
		"copy": func(f *fixture) func(*testing.T) (Result, error) { return f.copy },
		"get":  func(f *fixture) func(*testing.T) (Result, error) { return f.get },
	}
}

// The sum of the whole is joined from those of kept parts, by the function of
// the source's own checksum.
func TestResumeOtherChecksum(t *testing.T) {
	t.Parallel()
	for change, kept := range map[string]int64{"": 2 * partSize, `,"other":"[^"]*"`: 0} {
		f := newFixture(t)
		if _, err := f.bucket(t, "origin").Client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("origin"), Key: aws.String("big"), Body: bytes.NewReader(f.data), ChecksumAlgorithm: "CRC32C",
		}); err != nil {
			t.Fatal(err)
		}
		f.cut(t, f.copy)
		f.rewrite(t, func(text string) string { return regexp.MustCompile(change).ReplaceAllString(text, "") })
		r, err := f.copy(t)
		f.whole(t, r, err, kept)
		if r.Verified != "CRC32C" {
			t.Errorf("verified %q", r.Verified)
		}
	}
}

// On a server without S3's checksums, parts are kept by their ETags.
func TestResumePlain(t *testing.T) {
	t.Parallel()
	for name, try := range fixtures() {
		f := newFixture(t)
		f.plain = true
		try := try(f)
		f.cut(t, try)
		f.crash(t)
		r, err := try(t)
		f.whole(t, r, err, 2*partSize)
		f.checkObject(t, name)
		f.crash(t)
		if r, err := try(t); err != nil || !r.Earlier {
			t.Errorf("%s again: %+v, %v", name, r, err)
		}
	}
}

// A process that dies during a small object leaves a file that the next one
// uses.
func TestResumeSmall(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.data = testBytes(100)
	f.o = f.store(t, "big", f.data)
	id := source{Bucket: f.bucket(t, "origin"), Object: f.o}.entryID("down/x", GetOptions{Journal: f.j, Marker: "job-1/0"})
	write(t, f.root, "down/"+workdir.Temporary(id.String()), testBytes(50))
	r, err := f.get(t)
	f.whole(t, r, err, 0)
	f.checkObject(t, "get")
}
