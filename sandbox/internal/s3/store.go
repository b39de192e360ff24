package s3

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// newID returns n random bytes in hex.
func newID(n int) string {
	id := make([]byte, n)
	rand.Read(id)
	return hex.EncodeToString(id)
}

// store keeps all buckets: metadata in memory, bytes in files.
type store struct {
	dir     string
	counter atomic.Int64 // names the files

	mu      sync.RWMutex
	buckets map[string]*bucket
}

func newStore(dir string) *store {
	return &store{dir: dir, buckets: map[string]*bucket{}}
}

func (st *store) bucket(name string) *bucket {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.buckets[name]
}

func (st *store) all() map[string]*bucket {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return maps.Clone(st.buckets)
}

// SetBucket adds a bucket, or changes the configuration of the one of its name.
func (s *Service) SetBucket(cfg Bucket) {
	cfg.Partition = cmp.Or(cfg.Partition, "aws")
	cfg.Ownership = cmp.Or(cfg.Ownership, ownerEnforced)
	cfg.Encryption.Type = cmp.Or(cfg.Encryption.Type, "AES256")
	if cfg.ObjectLock {
		cfg.Versioning = versioningEnabled
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b := s.store.buckets[cfg.Name]
	if b == nil {
		b = &bucket{created: s.clock(), objects: map[string][]*object{}, uploads: map[string]*upload{}, completed: map[string]*upload{}}
		s.store.buckets[cfg.Name] = b
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cfg = cfg
}

// bucket keeps objects and open uploads. Its lock guards all fields.
type bucket struct {
	mu      sync.RWMutex
	cfg     Bucket
	created time.Time
	keys    []string             // of objects, sorted
	objects map[string][]*object // versions of a key, the current one last; never empty
	uploads map[string]*upload   // open

	completed    map[string]*upload // the last ones
	completedIDs []string           // of completed, in order
}

func (b *bucket) config() Bucket {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.cfg
}

// object is one version of a key. It never changes once it is in a bucket;
// a change of its tags or lock puts a changed copy in its place.
type object struct {
	key, version string // version is "null" in a bucket without versioning
	deleted      bool   // a delete marker
	modified     time.Time
	etag         string // without quotes
	size         int64
	body         *body
	parts        []*part // of a multipart upload, in order
	checksum     checksum
	restored     time.Time // until when an archived object's copy can be read
	settings
}

// settings is what a write sets of an object in addition to its bytes.
type settings struct {
	header     http.Header // Content-Type and such, and x-amz-meta-*
	tags       []tag
	class      string
	encryption Encryption
	owner      string // account
	acl        string
	lock       lock
}

// find returns the version of a key, the current one if version is empty. It
// may be a delete marker. The caller releases it.
func (b *bucket) find(key, version string) *object {
	b.mu.RLock()
	defer b.mu.RUnlock()
	versions := b.objects[key]
	if version == "" && len(versions) > 0 {
		return versions[len(versions)-1].retain()
	}
	for _, o := range versions {
		if o.version == version {
			return o.retain()
		}
	}
	return nil
}

// current returns the current version, or nil if the key has none or is
// deleted. The caller holds the bucket's lock.
func (b *bucket) current(key string) *object {
	versions := b.objects[key]
	if len(versions) == 0 || versions[len(versions)-1].deleted {
		return nil
	}
	return versions[len(versions)-1]
}

// put makes o the current version of its key and sets its version id. The
// caller holds the bucket's lock.
func (b *bucket) put(o *object) {
	o.version = "null"
	if b.cfg.Versioning == versioningEnabled {
		o.version = newID(16)
	}
	if _, ok := b.objects[o.key]; !ok {
		i, _ := slices.BinarySearch(b.keys, o.key)
		b.keys = slices.Insert(b.keys, i, o.key)
	}
	b.remove(o.key, o.version)
	b.objects[o.key] = append(b.objects[o.key], o)
}

// remove removes a version, and leaves the key with an empty list of versions
// if it was the last. The caller holds the bucket's lock.
func (b *bucket) remove(key, version string) *object {
	versions := b.objects[key]
	i := slices.IndexFunc(versions, func(o *object) bool { return o.version == version })
	if i < 0 {
		return nil
	}
	gone := versions[i]
	b.objects[key] = slices.Delete(versions, i, i+1)
	gone.release()
	return gone
}

// prune forgets a key without versions. The caller holds the bucket's lock.
func (b *bucket) prune(key string) {
	if len(b.objects[key]) > 0 {
		return
	}
	delete(b.objects, key)
	if i, ok := slices.BinarySearch(b.keys, key); ok {
		b.keys = slices.Delete(b.keys, i, i+1)
	}
}

// replace replaces an object by a changed copy, if it still exists.
func (b *bucket) replace(old *object, change func(*object)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.objects[old.key], old)
	if i < 0 {
		return
	}
	changed := *old
	change(&changed)
	b.objects[old.key][i] = &changed
}

func (o *object) retain() *object {
	if o.body != nil {
		o.body.refs.Add(1)
	}
	return o
}

func (o *object) release() {
	if o != nil && o.body != nil {
		o.body.release()
	}
}

// body is bytes in one or more files, which are removed with the last
// reference.
type body struct {
	files []blob
	refs  atomic.Int32
}

type blob struct {
	path string
	size int64
}

func newBody(files ...blob) *body {
	b := &body{files: files}
	b.refs.Store(1)
	return b
}

func (b *body) release() {
	if b.refs.Add(-1) > 0 {
		return
	}
	for _, f := range b.files {
		os.Remove(f.path)
	}
}

func (b *body) size() (n int64) {
	for _, f := range b.files {
		n += f.size
	}
	return n
}

// write stores what fill writes in a new file.
func (st *store) write(fill func(io.Writer) error) (*body, error) {
	path := filepath.Join(st.dir, fmt.Sprintf("%016x", st.counter.Add(1)))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	err = fill(f)
	size, seekErr := f.Seek(0, io.SeekCurrent)
	if err = errors.Join(err, seekErr, f.Close()); err != nil {
		os.Remove(path)
		return nil, err
	}
	return newBody(blob{path, size}), nil
}

// copyRange writes n bytes of the body from offset.
func (b *body) copyRange(w io.Writer, offset, n int64) error {
	for _, f := range b.files {
		if offset >= f.size {
			offset -= f.size
			continue
		}
		if n == 0 {
			return nil
		}
		take := min(n, f.size-offset)
		if err := f.copyRange(w, offset, take); err != nil {
			return err
		}
		offset, n = 0, n-take
	}
	return nil
}

func (f blob) copyRange(w io.Writer, offset, n int64) error {
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := in.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	_, err = io.CopyN(w, in, n)
	return err
}
