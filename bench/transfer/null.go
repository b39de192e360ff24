package main

import (
	"crypto/md5" //nolint:gosec // what an ETag is
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/crc64nvme"
)

// nullServer is an S3 server that costs next to nothing. Objects are one
// repeated pattern. Of what is written it keeps only the name, the size and
// what HEAD returns. It checks no signatures.
type nullServer struct {
	pattern     []byte
	patternFile *patternFile // nil: answers are copied
	log         io.Writer    // of unknown requests
	modified    string       // modification time of all objects

	unknowns atomic.Int64

	mu      sync.Mutex
	buckets map[string]*bucket
	uploads map[string]*pending
	last    int // upload or ETag
}

type bucket struct {
	objects map[string]object
	sorted  []string // keys; nil: to be sorted again
}

type object struct {
	size   int64
	etag   string
	crc64  string // as S3 writes it; empty: unknown
	header http.Header
}

// pending is a multipart upload.
type pending struct {
	header http.Header
	parts  map[int]object
}

// sourceBucket has the sets of objects to read, each below its name.
const sourceBucket = "source"

const patternSize = 1 << 20

func newNullServer(sets []set, log io.Writer) *nullServer {
	n := &nullServer{
		pattern: make([]byte, patternSize), log: log, modified: time.Now().UTC().Format(http.TimeFormat),
		buckets: map[string]*bucket{}, uploads: map[string]*pending{},
	}
	rand.NewChaCha8([32]byte{}).Read(n.pattern) //nolint:errcheck // it cannot fail
	source := &bucket{objects: map[string]object{}}
	for _, s := range sets {
		o := n.object(s.size)
		for _, name := range s.names() {
			source.objects[s.name+"/"+name] = o
		}
	}
	n.buckets[sourceBucket] = source
	return n
}

// object returns an object of the size, with an ETag like S3's: the MD5 of
// small ones, which some clients verify, but not of large ones.
func (n *nullServer) object(size int64) object {
	sum := crc64nvme.New()
	n.write(sum, 0, size) //nolint:errcheck // a checksum cannot fail
	o := object{size: size, crc64: base64.StdEncoding.EncodeToString(sum.Sum(nil))}
	if size > patternSize {
		o.etag = fmt.Sprintf(`"%x-%d"`, md5.Sum(n.pattern), max(1, size>>23)) //nolint:gosec // what an ETag is
	} else {
		o.etag = fmt.Sprintf(`"%x"`, md5.Sum(n.pattern[:size])) //nolint:gosec // as above
	}
	return o
}

// write writes size bytes of the endless pattern from off.
func (n *nullServer) write(w io.Writer, off, size int64) error {
	for size > 0 {
		from := off % patternSize
		length := min(patternSize-from, size)
		if _, err := w.Write(n.pattern[from : from+length]); err != nil {
			return err
		}
		off, size = off+length, size-length
	}
	return nil
}

// ServeHTTP dispatches the operation.
func (n *nullServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	var query url.Values
	if r.URL.RawQuery != "" {
		query = r.URL.Query()
	}
	w.Header()["X-Amz-Request-Id"] = []string{"0"}
	switch {
	case name == "":
		n.listBuckets(w)
	case key == "":
		n.onBucket(w, r, name, query)
	case query.Has("uploads"), query.Has("uploadId"):
		n.onUpload(w, r, name+"/"+key, query)
	case r.Method == http.MethodGet && query.Has("tagging"):
		reply(w, "<Tagging><TagSet></TagSet></Tagging>")
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		n.read(w, r, name, key)
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") == "" &&
		(len(query) == 0 || query.Has("x-id") || query.Has("X-Amz-Signature")):
		n.put(w, r, name, key)
	case r.Method == http.MethodDelete:
		n.remove(name, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		n.unknown(w, r)
	}
}

func (n *nullServer) onBucket(w http.ResponseWriter, r *http.Request, name string, query url.Values) {
	switch {
	case r.Method == http.MethodGet && query.Get("list-type") == "2":
		n.list(w, name, query)
	case r.Method == http.MethodGet && query.Has("location"):
		reply(w, "<LocationConstraint></LocationConstraint>")
	case r.Method == http.MethodGet && query.Has("versioning"):
		reply(w, "<VersioningConfiguration></VersioningConfiguration>")
	case r.Method == http.MethodGet && query.Has("object-lock"):
		fail(w, http.StatusNotFound, "ObjectLockConfigurationNotFoundError")
	case r.Method == http.MethodHead:
		w.Header().Set("X-Amz-Bucket-Region", "us-east-1")
	case r.Method == http.MethodPut: // a bucket is created with its first object
	case r.Method == http.MethodDelete:
		n.mu.Lock()
		delete(n.buckets, name)
		n.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		n.unknown(w, r)
	}
}

// unknown logs a request, since a client that needs the operation might be
// measured wrongly.
func (n *nullServer) unknown(w http.ResponseWriter, r *http.Request) {
	if n.unknowns.Add(1) <= 10 {
		fmt.Fprintf(n.log, "null: no answer for %s %s\n", r.Method, r.URL)
	}
	fail(w, http.StatusNotImplemented, "NotImplemented")
}

func (n *nullServer) find(name, key string) (object, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	b := n.buckets[name]
	if b == nil {
		return object{}, false
	}
	o, ok := b.objects[key]
	return o, ok
}

func (n *nullServer) remove(name, key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if b := n.buckets[name]; b != nil {
		delete(b.objects, key)
		b.sorted = nil
	}
}

// store makes the object visible.
func (n *nullServer) store(name, key string, o object) {
	n.mu.Lock()
	defer n.mu.Unlock()
	b := n.buckets[name]
	if b == nil {
		b = &bucket{objects: map[string]object{}}
		n.buckets[name] = b
	}
	b.objects[key], b.sorted = o, nil
}

func (n *nullServer) next() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	return n.last
}

func (n *nullServer) read(w http.ResponseWriter, r *http.Request, name, key string) {
	o, ok := n.find(name, key)
	if !ok {
		fail(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	h := w.Header()
	for name, values := range o.header {
		h[name] = values
	}
	h["Etag"], h["Last-Modified"], h["Accept-Ranges"] = []string{o.etag}, []string{n.modified}, []string{"bytes"}
	if match := r.Header.Get("If-Match"); match != "" && match != o.etag {
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	off, size, status := int64(0), o.size, http.StatusOK
	if asked := r.Header.Get("Range"); asked != "" && r.Method == http.MethodGet {
		if off, size, ok = within(asked, o.size); !ok {
			fail(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
		status = http.StatusPartialContent
		h["Content-Range"] = []string{fmt.Sprintf("bytes %d-%d/%d", off, off+size-1, o.size)}
	} else if o.crc64 != "" && strings.EqualFold(r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		h["X-Amz-Checksum-Crc64nvme"], h["X-Amz-Checksum-Type"] = []string{o.crc64}, []string{"FULL_OBJECT"}
	}
	h["Content-Length"] = []string{strconv.FormatInt(size, 10)}
	if h["Content-Type"] == nil {
		h["Content-Type"] = []string{"binary/octet-stream"}
	}
	w.WriteHeader(status)
	switch {
	case r.Method == http.MethodHead:
	case n.patternFile != nil && r.TLS == nil && size >= zeroCopyFrom:
		n.patternFile.send(w, off, size) //nolint:errcheck // the client went away
	default:
		n.write(w, off, size) //nolint:errcheck // as above
	}
}

// within parses a Range of one run of bytes.
func within(asked string, size int64) (off, n int64, ok bool) {
	first, last, ok := strings.Cut(strings.TrimPrefix(asked, "bytes="), "-")
	if !ok {
		return 0, 0, false
	}
	end := size - 1
	off, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	if last != "" {
		if end, err = strconv.ParseInt(last, 10, 64); err != nil {
			return 0, 0, false
		}
	}
	end = min(end, size-1)
	return off, end - off + 1, off < size && off <= end
}

func (n *nullServer) put(w http.ResponseWriter, r *http.Request, name, key string) {
	if _, there := n.find(name, key); there && r.Header.Get("If-None-Match") == "*" {
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	if o, ok := n.receive(w, r); ok {
		o.header = storedHeader(r.Header)
		n.store(name, key, o)
	}
}

// receive discards a body and returns the object that it would be.
func (n *nullServer) receive(w http.ResponseWriter, r *http.Request) (object, bool) {
	o := object{size: r.ContentLength, crc64: r.Header.Get("X-Amz-Checksum-Crc64nvme")}
	if decoded, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64); err == nil {
		o.size = decoded
	}
	if err := discard(r.Body); err != nil || o.size < 0 {
		fail(w, http.StatusBadRequest, "IncompleteBody")
		return o, false
	}
	// The MD5 if the client sent it, else something that cannot be
	// mistaken for one, as S3 returns for objects that are encrypted with KMS.
	if sum, err := base64.StdEncoding.DecodeString(r.Header.Get("Content-Md5")); err == nil && len(sum) == md5.Size {
		o.etag = `"` + hex.EncodeToString(sum) + `"`
	} else {
		o.etag = fmt.Sprintf(`"%032x-1"`, n.next())
	}
	w.Header()["Etag"] = []string{o.etag}
	if o.crc64 != "" {
		w.Header()["X-Amz-Checksum-Crc64nvme"] = []string{o.crc64}
	}
	return o, true
}

// storedHeader returns the headers of an object that HEAD returns.
func storedHeader(sent http.Header) http.Header {
	h := http.Header{}
	for name, values := range sent {
		if strings.HasPrefix(name, "X-Amz-Meta-") || name == "Content-Type" {
			h[name] = slices.Clone(values)
		}
	}
	return h
}
