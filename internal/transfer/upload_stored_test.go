package transfer

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/crc64nvme"
)

const crc64Header = "X-Amz-Checksum-Crc64nvme"

// The checksum that S3 reports is compared with that of the bytes sent, and
// with the source's. The error has both, whichever is wrong.
func TestStored(t *testing.T) {
	t.Parallel()
	lie := strings.Repeat("A", 11) + "="
	// saying has one operation's answer lie; of HEAD only those for the source.
	saying := func(s *server, lying string) {
		s.setTamper(func(w http.ResponseWriter, r *http.Request, operation string, next http.HandlerFunc) {
			if operation == lying && (operation != "HeadObject" || strings.HasPrefix(r.URL.Path, "/origin/")) {
				w = &checksumFalsifier{ResponseWriter: w, value: lie}
			}
			next(w, r)
			if l, ok := w.(*checksumFalsifier); ok {
				l.flush()
			}
		})
	}
	for _, size := range []int{100, ioBuffer + 1, multipartFrom} {
		data := testBytes(size)
		right := sum{crc64: crc64nvme.Checksum(data)}.encoded()
		last := "PutObject"
		if size >= multipartFrom {
			last = "CompleteMultipartUpload"
		}
		for _, c := range []struct {
			name, lying   string
			do            func(s *server, from, to Bucket, o Object, root *os.Root) error
			bucket, op    string
			told, instead string
			there         bool // the object, which everyone can see
		}{
			{
				"put", last, func(_ *server, _, to Bucket, _ Object, root *os.Root) error {
					_, err := Put(t.Context(), to, "new", root, "file", PutOptions{Marker: "m"})
					return err
				}, "target", "put", lie, right, true,
			},
			{
				"copy", last, func(_ *server, from, to Bucket, o Object, _ *os.Root) error {
					_, err := Copy(t.Context(), from, o, to, "new", PutOptions{Marker: "m"})
					return err
				}, "target", "copy", lie, right, true,
			},
			{
				"copy within", "CopyObject", func(_ *server, from, to Bucket, o Object, _ *os.Root) error {
					_, err := Copy(t.Context(), from, o, to, "new", PutOptions{Marker: "m", CopyClient: to.Client})
					return err
				}, "target", "copy", lie, right, true,
			},
			{
				"source of a copy", "GetObject", func(s *server, from, to Bucket, o Object, _ *os.Root) error {
					if size >= multipartFrom {
						saying(s, "HeadObject")
					}
					_, err := Copy(t.Context(), from, o, to, "new", PutOptions{Marker: "m"})
					return err
				}, "origin", "copy", right, lie, false,
			},
			{
				"get", "GetObject", func(s *server, from, _ Bucket, o Object, root *os.Root) error {
					if size >= multipartFrom {
						saying(s, "HeadObject")
					}
					_, err := Get(t.Context(), from, o, root, "new", GetOptions{})
					return err
				}, "origin", "get", right, lie, false,
			},
		} {
			t.Run(fmt.Sprint(c.name, size), func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				from, to := s.bucket(t, "origin"), s.bucket(t, "target")
				root := newRoot(t)
				write(t, root, "file", data)
				o := s.store(t, "x", data)
				saying(s, c.lying)
				e := wantError(t, c.do(s, from, to, o, root), Corrupt)
				if e.Bucket != c.bucket || e.Op != c.op || !strings.Contains(e.Error(), "the CRC64NVME "+c.told+", not "+c.instead) {
					t.Errorf("got %v", e)
				}
				if d := cmp.Diff(&Mismatch{"CRC64NVME", c.instead, c.told, c.there}, e.Mismatch); d != "" {
					t.Error(d)
				}
				if there := len(s.Objects("target")) == 1; there != c.there || len(files(t, root)) != 1 {
					t.Errorf("an object: %t; files: %q", there, files(t, root))
				}
				s.setTamper(nil)
				noUploads(t, to)
			})
		}
	}
	t.Run("part", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		root := newRoot(t)
		write(t, root, "file", testBytes(multipartFrom))
		saying(s, "UploadPart")
		_, err := Put(t.Context(), s.bucket(t, "target"), "new", root, "file", PutOptions{})
		if e := wantError(t, err, Corrupt); !strings.Contains(e.Error(), "the part with the CRC64NVME "+lie) {
			t.Errorf("got %v", e)
		}
		s.setTamper(nil)
		if len(s.Objects("target")) > 0 || len(s.Uploads("target")) > 0 {
			t.Error("something is left")
		}
	})
}

// checksumFalsifier changes the CRC64NVME in an answer, in its header or in its
// body, which it buffers if that is XML.
type checksumFalsifier struct {
	http.ResponseWriter
	value  string
	status int
	held   []byte
}

func (l *checksumFalsifier) WriteHeader(status int) {
	if h := l.Header(); h.Get(crc64Header) != "" {
		h.Set(crc64Header, l.value)
	}
	l.status = status
	if l.Header().Get("Content-Type") != "application/xml" {
		l.ResponseWriter.WriteHeader(status)
	}
}

func (l *checksumFalsifier) Write(p []byte) (int, error) {
	if l.status == 0 {
		l.WriteHeader(http.StatusOK)
	}
	if l.Header().Get("Content-Type") != "application/xml" {
		return l.ResponseWriter.Write(p)
	}
	l.held = append(l.held, p...)
	return len(p), nil
}

func (l *checksumFalsifier) flush() {
	if len(l.held) == 0 {
		return
	}
	before, rest, _ := strings.Cut(string(l.held), "<ChecksumCRC64NVME>")
	_, after, _ := strings.Cut(rest, "</ChecksumCRC64NVME>")
	l.Header().Del("Content-Length")
	l.ResponseWriter.WriteHeader(l.status)
	l.ResponseWriter.Write([]byte(before + "<ChecksumCRC64NVME>" + l.value + "</ChecksumCRC64NVME>" + after)) //nolint:errcheck // the client is gone
}
