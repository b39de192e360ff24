package transfer

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/crc64nvme"

	"github.com/rolecall/rolecall/internal/journal"
)

// serverSideCopy checks what a copy promises where S3 copies on its side.
func serverSideCopy(t *testing.T, from, to Bucket) {
	root := newRoot(t)
	sizes := []int{0, 1, multipartFrom + 1, copyMultipartFrom + 3}
	if to.Owner == "" {
		// versitygw reports the checksum of the whole for each part that it copies.
		sizes = sizes[:3]
	}
	for _, size := range sizes {
		data := testBytes(size)
		key := fmt.Sprintf("in/%d +&ü.bin", size)
		write(t, root, "up.mov", data)
		if _, err := Put(t.Context(), from, key, root, "up.mov", PutOptions{Marker: "job/1"}); err != nil {
			t.Fatal(err)
		}
		var told counter
		options := PutOptions{Marker: "job/2", Progress: told.add, CopyClient: to.Client}
		got, err := Copy(t.Context(), from, Object{Key: key}, to, "out/"+key, options)
		if err != nil {
			t.Fatal(err)
		}
		want := Result{Bytes: int64(size), CRC64: crc64nvme.Checksum(data), Parts: 1, Verified: "CRC64NVME"}
		if size >= copyMultipartFrom {
			want.Parts = 3
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error("copy ", size, d)
		}
		h, err := head(t.Context(), to, Object{Key: "out/" + key})
		if err != nil || h.marker != "job/2" || h.http.Get("Content-Type") != "video/quicktime" || h.sum.name != "CRC64NVME" {
			t.Errorf("%d bytes arrive as %+v, %v", size, h, err)
		}
		if told.total() != int64(size) {
			t.Errorf("%d bytes were reported of %d", told.total(), size)
		}
		if got, err = Copy(t.Context(), from, Object{Key: key}, to, "out/"+key, options); err != nil || !got.Already || got.CRC64 != want.CRC64 {
			t.Errorf("%d bytes again: %+v, %v", size, got, err)
		}
		if told.total() != 2*int64(size) {
			t.Errorf("%d bytes were reported of twice %d", told.total(), size)
		}
		options.Marker = "job/3"
		if got, err = Copy(t.Context(), from, Object{Key: key}, to, "out/"+key, options); err != nil || !got.Already {
			t.Errorf("%d bytes by another job: %+v, %v", size, got, err)
		}
		write(t, root, "up.mov", append(testBytes(size), 1))
		if _, err := Put(t.Context(), from, key, root, "up.mov", PutOptions{Overwrite: true}); err != nil {
			t.Fatal(err)
		}
		_, err = Copy(t.Context(), from, Object{Key: key}, to, "out/"+key, options)
		if e := wantError(t, err, Exists); e.Bucket != to.Name {
			t.Errorf("there already: %v", err)
		}
		noUploads(t, to)
	}
	_, err := Copy(t.Context(), from, Object{Key: "none", ETag: `"x"`}, to, "none", PutOptions{CopyClient: to.Client})
	if e := wantError(t, err, NotFound); e.Bucket != from.Name {
		t.Errorf("a missing source: %v", err)
	}
}

// If S3 refuses to copy, the object is streamed, and S3 is not asked again for
// the next object.
func TestCopyIsStreamedWhereItMust(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation, code string
		status          int
		size            int
		asked           int // for two objects
	}{
		"denied":            {"CopyObject", "AccessDenied", http.StatusForbidden, 100, 1},
		"not implemented":   {"CopyObject", "NotImplemented", http.StatusNotImplemented, 100, 2},
		"parts denied":      {"UploadPartCopy", "AccessDenied", http.StatusForbidden, copyMultipartFrom, 0},
		"checksum not told": {"UploadPartCopy", "", 0, copyMultipartFrom, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			from, to := s.bucket(t, "origin"), s.bucket(t, "target")
			data := testBytes(c.size)
			o := s.store(t, "x", data)
			s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
				switch {
				case operation != c.operation:
					next(w, r)
				case c.code != "":
					refuse(w, r, c.status, c.code)
				default:
					fmt.Fprint(w, `<CopyPartResult><ETag>"x"</ETag></CopyPartResult>`)
				}
			})
			for i := range 2 {
				var told counter
				got, err := Copy(t.Context(), from, o, to, fmt.Sprint(i), PutOptions{CopyClient: to.Client, Progress: told.add, Journal: journal.New()})
				if err != nil || got.Bytes != int64(c.size) || got.Verified != "CRC64NVME" || told.total() != got.Bytes {
					t.Fatalf("%+v, %d bytes reported, %v", got, told.total(), err)
				}
				if c.asked == 0 {
					break // large enough once
				}
			}
			if n := s.count(c.operation); c.asked > 0 && n != c.asked {
				t.Errorf("%d times %s", n, c.operation)
			}
			noUploads(t, to)
		})
	}
}

// The error of a copy says whether the source or the destination is at fault,
// and what may pass is tried again.
func TestServerSideCopyFails(t *testing.T) {
	t.Parallel()
	first := func(n int64, fail http.HandlerFunc) tamper {
		var seen atomic.Int64
		return func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			if (operation == "CopyObject" || operation == "UploadPartCopy") && seen.Add(1) <= n {
				fail(w, r)
				return
			}
			next(w, r)
		}
	}
	refusing := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { refuse(w, r, status, code) }
	}
	for name, c := range map[string]struct {
		size   int
		meddle func(s *server) tamper
		kind   Kind // empty: it succeeds in the end
		bucket string
	}{
		"error behind a good status": {100, func(*server) tamper { return first(1, refusing(http.StatusOK, "InternalError")) }, "", ""},
		"part fails behind one":      {copyMultipartFrom, func(*server) tamper { return first(2, refusing(http.StatusOK, "SlowDown")) }, "", ""},
		"archived":                   {100, func(*server) tamper { return first(9, refusing(http.StatusForbidden, "InvalidObjectState")) }, Archived, "origin"},
		"no such bucket":             {100, func(*server) tamper { return first(9, refusing(http.StatusNotFound, "NoSuchBucket")) }, NoBucket, "target"},
		"changed": {100, func(s *server) tamper {
			return first(1, func(w http.ResponseWriter, r *http.Request) {
				if err := s.PutObject("origin", "x", bytes.NewReader([]byte("other"))); err != nil {
					t.Error(err)
				}
				s.serve(w, r)
			})
		}, Changed, "origin"},
		"changed between parts": {copyMultipartFrom, func(s *server) tamper {
			return first(2, func(w http.ResponseWriter, r *http.Request) {
				if err := s.PutObject("origin", "x", bytes.NewReader([]byte("other"))); err != nil {
					t.Error(err)
				}
				s.serve(w, r)
			})
		}, Changed, "origin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			from, to := s.bucket(t, "origin"), s.bucket(t, "target")
			to.Client = withoutPauses(to.Client)
			o := s.store(t, "x", testBytes(c.size))
			s.setTamper(c.meddle(s))
			got, err := Copy(t.Context(), from, o, to, "y", PutOptions{CopyClient: to.Client})
			if c.kind == "" {
				if err != nil || got.Bytes != o.Size || s.count("GetObject") > 0 {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if e := wantError(t, err, c.kind); e.Bucket != c.bucket || e.Op != "copy" {
				t.Errorf("got %v", e)
			}
			if len(s.Objects("target")) > 0 || len(s.Uploads("target")) > 0 {
				t.Error("something is left")
			}
		})
	}
}

// A request to copy names the source's version, the marker, both owners and the
// options of the destination.
func TestServerSideCopyRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	from, to := s.bucket(t, "origin"), s.bucket(t, "target")
	for _, size := range []int{100, copyMultipartFrom} {
		o := s.store(t, "a b+c/?", testBytes(size))
		var mu sync.Mutex
		sent := map[string]http.Header{}
		s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			mu.Lock()
			sent[operation] = r.Header.Clone()
			mu.Unlock()
			next(w, r)
		})
		_, err := Copy(t.Context(), from, o, to, "y", PutOptions{
			CopyClient: to.Client, Marker: "job", StorageClass: "GLACIER_IR", Encryption: Encryption{Type: "AES256"}, ACL: "bucket-owner-full-control", Overwrite: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		begin, move := "CopyObject", "CopyObject"
		if size >= copyMultipartFrom {
			begin, move = "CreateMultipartUpload", "UploadPartCopy"
		}
		for name, want := range map[string]string{
			markerHeader: "job", "X-Amz-Storage-Class": "GLACIER_IR", "X-Amz-Server-Side-Encryption": "AES256", "X-Amz-Acl": "bucket-owner-full-control",
			"X-Amz-Checksum-Algorithm": "CRC64NVME", "X-Amz-Expected-Bucket-Owner": owner, "If-None-Match": "",
		} {
			if got := sent[begin].Get(name); got != want {
				t.Errorf("%s has %s %q", begin, name, got)
			}
		}
		for name, want := range map[string]string{
			"X-Amz-Copy-Source": "origin/a%20b%2Bc/%3F", "X-Amz-Copy-Source-If-Match": o.ETag, "X-Amz-Source-Expected-Bucket-Owner": owner,
			"X-Amz-Expected-Bucket-Owner": owner,
		} {
			if got := sent[move].Get(name); got != want {
				t.Errorf("%s has %s %q", move, name, got)
			}
		}
	}
}

// Another attempt resumes with the parts that S3 copied.
func TestServerSideCopyResumes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	from, to := s.bucket(t, "origin"), s.bucket(t, "target")
	to.Client = withoutPauses(to.Client)
	data := testBytes(copyMultipartFrom + 1)
	o := s.store(t, "x", data)
	var told counter
	two := make(chan struct{})
	options := PutOptions{CopyClient: to.Client, Marker: "job", Journal: journal.New(), Progress: func(n int64) {
		if told.n.Add(n) == 2*copyPartSize { // by one part only
			close(two)
		}
	}}
	s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
		if operation == "UploadPartCopy" && r.URL.Query().Get("partNumber") == "3" {
			<-two
			refuse(w, r, http.StatusServiceUnavailable, "SlowDown")
			return
		}
		next(w, r)
	})
	_, err := Copy(t.Context(), from, o, to, "y", options)
	wantKind(t, err, Unavailable)
	s.setTamper(nil)
	options.Progress = nil
	before := s.count("UploadPartCopy")
	got, err := Copy(t.Context(), from, o, to, "y", options)
	want := Result{Bytes: o.Size, CRC64: crc64nvme.Checksum(data), Parts: 3, Verified: "CRC64NVME", Kept: 2 * copyPartSize}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if n := s.count("UploadPartCopy") - before; n != 1 || s.count("CreateMultipartUpload") != 1 || s.count("GetObject") > 0 {
		t.Errorf("%d parts were copied again", n)
	}
	noUploads(t, to)
}
