package sandbox

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/sandbox/s3"
)

// s3Buckets are the buckets as package s3 wants them.
func (d *directory) s3Buckets() []s3.Bucket {
	var out []s3.Bucket
	for _, b := range d.buckets {
		e := s3.Encryption{Algorithm: b.Encryption.Type, Key: b.Encryption.Key, BucketKey: b.Encryption.BucketKey}
		if e.Key != "" && !strings.HasPrefix(e.Key, "arn:") {
			e.Key = "arn:" + b.account.partition + ":kms:" + b.Region + ":" + b.account.id + ":key/" + e.Key
		}
		out = append(out, s3.Bucket{
			Name: b.name, Account: b.account.id, Partition: b.account.partition, Region: b.Region,
			Encryption: e, Versioning: b.Versioning, Ownership: cmp.Or(b.Ownership, "BucketOwnerEnforced"),
			RequesterPays: b.RequesterPays, ObjectLock: b.ObjectLock,
		})
	}
	return out
}

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
					"give a directory, relative to the config's own")
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
