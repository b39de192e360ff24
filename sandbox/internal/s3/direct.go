package s3

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"
)

// Object is the current version of an object.
type Object struct {
	Key          string
	Size         int64
	ETag         string // without quotes
	Modified     time.Time
	Header       http.Header // Content-Type, x-amz-meta-* and such
	StorageClass string
	Encryption   Encryption
	Tags         map[string]string
}

// Upload is an open multipart upload.
type Upload struct {
	ID, Key   string
	Initiated time.Time
	Parts     int
}

// Put stores an object as the bucket's owner would, without asking the
// Authority.
func (s *Service) Put(bucket, key string, r io.Reader) error {
	b := s.store.bucket(bucket)
	if b == nil {
		return errNoSuchBucket(bucket)
	}
	if key == "" {
		return errInvalidURI()
	}
	if err := checkKey(key); err != nil {
		return err
	}
	cfg := b.config()
	set := settings{
		header: http.Header{"Content-Type": {"binary/octet-stream"}}, class: "STANDARD",
		encryption: cfg.Encryption, owner: cfg.Account,
	}
	if set.encryption.kms() {
		set.encryption.Key = keyARN(cfg, cfg.Account, set.encryption.Key)
	}
	sums := newSummer(defaultChecksum)
	stored, err := s.store.write(func(w io.Writer) error {
		_, err := io.Copy(sums.tee(w), r)
		return err
	})
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	got := received{stored, stored.size(), sums.etag(), sums.checksum()}
	o := got.object(key, set)
	o.modified = s.clock()
	o.lock = o.lock.withDefault(cfg, o.modified)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(o)
	return nil
}

// SetStorageClass changes an object's storage class, as a lifecycle rule
// would.
func (s *Service) SetStorageClass(bucket, key, class string) error {
	b := s.store.bucket(bucket)
	if b == nil {
		return errNoSuchBucket(bucket)
	}
	if !slices.Contains(storageClasses, class) {
		return errInvalidStorageClass()
	}
	o := b.find(key, "")
	defer o.release()
	if o == nil || o.deleted {
		return fmt.Errorf("object %q: %w", key, os.ErrNotExist)
	}
	b.replace(o, func(o *object) { o.class = class })
	return nil
}

// StorageClasses returns the storage classes that an object can have.
func StorageClasses() []string { return slices.Clone(storageClasses) }

// Objects returns the current objects of a bucket, by key; none if there is no
// such bucket.
func (s *Service) Objects(bucket string) []Object {
	b := s.store.bucket(bucket)
	if b == nil {
		return nil
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	var out []Object
	for _, key := range b.keys {
		o := b.current(key)
		if o == nil {
			continue
		}
		tags := map[string]string{}
		for _, t := range o.tags {
			tags[t.Key] = t.Value
		}
		out = append(out, Object{key, o.size, o.etag, o.modified, o.header.Clone(), o.class, o.encryption, tags})
	}
	return out
}

// Read writes an object's bytes to w. The error is os.ErrNotExist if there is
// no such object.
func (s *Service) Read(bucket, key string, w io.Writer) error {
	b := s.store.bucket(bucket)
	if b == nil {
		return errNoSuchBucket(bucket)
	}
	o := b.find(key, "")
	defer o.release()
	if o == nil || o.deleted {
		return fmt.Errorf("object %q: %w", key, os.ErrNotExist)
	}
	return o.body.copyRange(w, 0, o.size)
}

// Uploads returns the open multipart uploads of a bucket, by key.
func (s *Service) Uploads(bucket string) []Upload {
	b := s.store.bucket(bucket)
	if b == nil {
		return nil
	}
	var out []Upload
	for _, u := range b.openUploads() {
		b.mu.RLock()
		out = append(out, Upload{u.id, u.key, u.initiated, len(u.parts)})
		b.mu.RUnlock()
	}
	return out
}
