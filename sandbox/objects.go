package sandbox

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/sandbox/internal/s3"
)

// s3Buckets returns the buckets as package s3 takes them.
func (d *directory) s3Buckets() []s3.Bucket {
	var out []s3.Bucket
	for _, b := range d.buckets {
		e := s3.Encryption(b.Encryption)
		if e.Key != "" && !strings.HasPrefix(e.Key, "arn:") {
			e.Key = "arn:" + b.account.partition + ":kms:" + b.Region + ":" + b.account.id + ":key/" + e.Key
		}
		made := s3.Bucket{
			Name: b.name, Account: b.account.id, Partition: b.account.partition, Region: b.Region,
			Encryption: e, Ownership: cmp.Or(b.Ownership, "BucketOwnerEnforced"),
			RequesterPays: b.RequesterPays, ObjectLock: b.ObjectLock,
		}
		if b.Versioning {
			made.Versioning = "Enabled"
		}
		if b.ObjectLock {
			made.Retention = s3.Retention{Mode: "GOVERNANCE", Days: 1}
		}
		out = append(out, made)
	}
	return out
}

// Object is the current version of an object in a bucket.
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

// Upload is a multipart upload that is neither completed nor aborted.
type Upload struct {
	ID, Key   string
	Initiated time.Time
	Parts     int
}

// PutObject stores an object as the bucket's owner would. Like the other
// methods for buckets' contents, it asks no policy. It returns an error if there
// is no such bucket, if the key is empty, longer than 1,024 bytes or not UTF-8,
// or if r or the disk fails; then nothing is stored.
func (s *Server) PutObject(bucket, key string, r io.Reader) error { return s.s3.Put(bucket, key, r) }

// ReadObject writes an object's bytes to w, whatever its storage class. The error
// wraps os.ErrNotExist if there is no such object, or only a delete marker;
// it is another one if there is no such bucket, or if w or the disk fails.
func (s *Server) ReadObject(bucket, key string, w io.Writer) error {
	return s.s3.Read(bucket, key, w)
}

// Objects returns the objects of a bucket, sorted by key; none when there is
// no such bucket.
func (s *Server) Objects(bucket string) []Object {
	var out []Object
	for _, o := range s.s3.Objects(bucket) {
		out = append(out, Object{o.Key, o.Size, o.ETag, o.Modified, o.Header, o.StorageClass, Encryption(o.Encryption), o.Tags})
	}
	return out
}

// Uploads returns the multipart uploads of a bucket, sorted by key.
func (s *Server) Uploads(bucket string) []Upload {
	var out []Upload
	for _, u := range s.s3.Uploads(bucket) {
		out = append(out, Upload(u))
	}
	return out
}

// S3Operation returns the name of the S3 operation that a request is for, such
// as "PutObject". It is for tests that stand between a client and the server.
func S3Operation(r *http.Request) string { return s3.Operation(r) }

// loadObjects puts the files of each bucket's directory into it. Links are
// left out, so that nothing outside the directory gets in.
func (s *Server) loadObjects(cfg *Config) error {
	var faults rolecall.Errors
	for id, a := range sorted(cfg.Accounts) {
		for name, b := range sorted(a.Buckets) {
			if b.Objects == "" {
				continue
			}
			dir := b.Objects
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(cfg.dir, dir)
			}
			if err := s.loadDirectory(name, dir, b.StorageClass); err != nil {
				faults.Add(strict.Pointer("accounts", id, "buckets", name, "objects"), err.Error(),
					"You: give a directory, relative to the config's own")
			}
		}
	}
	return faults.Err()
}

func (s *Server) loadDirectory(bucket, dir, class string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file, err := root.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := s.s3.Put(bucket, path, file); err != nil {
			return fmt.Errorf("put %s: %w", path, err)
		}
		if class == "" {
			return nil
		}
		return s.s3.SetStorageClass(bucket, path, class)
	})
}
