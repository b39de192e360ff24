package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/transfer"
)

// ours does the work by internal/transfer as tasks do it: objects move while
// the rest is listed, everything is recorded in a journal, nothing is
// overwritten, objects are written with a marker, checksums are verified, and
// progress is counted.
func ours(ctx context.Context, args []string, _ io.Writer) error {
	var o options
	if err := o.parse("ours", args); err != nil {
		return err
	}
	return o.profiled(func() (err error) {
		clients := guard.NewClients(nil)
		defer clients.Close()
		j := job{options: o, clients: clients, limits: transfer.NewLimits(transfer.DefaultMemory)}
		if j.root, err = os.OpenRoot(j.dir); err != nil {
			return err
		}
		defer j.root.Close()
		if j.journal, err = journal.Open(j.root, ownDir+"/bench.journal", "bench", make([]byte, journal.KeyBytes)); err != nil {
			return err
		}
		return errors.Join(j.move(ctx), j.journal.Remove())
	})
}

const (
	ownDir = ".rolecall" // below the working directory
	marker = "bench/0"
)

type job struct {
	options
	clients guard.Clients
	limits  *transfer.Limits
	root    *os.Root
	journal *journal.Journal
	bytes   atomic.Int64
}

func (j *job) move(ctx context.Context) error {
	write := transfer.PutOptions{Marker: marker, Progress: j.moved, Journal: j.journal}
	read := transfer.GetOptions{Marker: marker, Progress: j.moved, Journal: j.journal}
	prefix := j.set + "/"
	switch j.direction {
	case "down":
		from := j.source()
		return j.each(ctx, j.listObjects(ctx), func(ctx context.Context, o transfer.Object) error {
			_, err := transfer.Get(ctx, from, o, j.root, strings.TrimPrefix(o.Key, prefix), read)
			return err
		})
	case "up":
		to := j.bucket(j.sink, j.access, j.secret)
		return j.each(ctx, j.walkFiles(), func(ctx context.Context, f transfer.Object) error {
			_, err := transfer.Put(ctx, to, prefix+f.Key, j.root, f.Key, write)
			return err
		})
	default:
		from, to := j.source(), j.bucket(j.sink, j.toAccess, j.toSecret)
		return j.each(ctx, j.listObjects(ctx), func(ctx context.Context, o transfer.Object) error {
			_, err := transfer.Copy(ctx, from, o, to, o.Key, write)
			return err
		})
	}
}

func (j *job) moved(n int64) { j.bytes.Add(n) }

func (j *job) each(ctx context.Context, items iter.Seq2[transfer.Object, error], do func(context.Context, transfer.Object) error) error {
	return transfer.Each(ctx, items, func(o transfer.Object) int64 { return o.Size }, do)
}

func (j *job) bucket(name, access, secret string) transfer.Bucket {
	keys := aws.Credentials{AccessKeyID: access, SecretAccessKey: secret}
	return transfer.Bucket{
		Name: name, NoChecksums: j.plain, LookFirst: j.plain,
		Client: transfer.NewClient(transfer.ClientOptions{
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil }),
			Endpoint:    j.url, PathStyle: true, HTTP: j.clients.Operator, UserAgent: "bench", Limits: j.limits,
		}),
	}
}

func (j *job) source() transfer.Bucket { return j.bucket(sourceBucket, j.access, j.secret) }

const (
	firstBatch  = 1_000 // objects, before any moves
	maxPrefetch = 10_000
)

// listObjects returns the objects of the set while the rest is listed.
func (j *job) listObjects(ctx context.Context) iter.Seq2[transfer.Object, error] {
	return func(yield func(transfer.Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ready := make(chan transfer.Object, maxPrefetch)
		var failed error
		go func() {
			defer close(ready)
			failed = prefetch(ctx, transfer.List(ctx, j.source(), j.set+"/"), ready)
		}()
		for o := range ready {
			if !yield(o, nil) {
				return
			}
		}
		if failed != nil {
			yield(transfer.Object{}, failed)
		}
	}
}

func prefetch(ctx context.Context, all iter.Seq2[transfer.Object, error], ready chan<- transfer.Object) error {
	var queue []transfer.Object
	flush := func() error {
		for _, o := range queue {
			select {
			case ready <- o:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		queue = queue[:0]
		return nil
	}
	count := 0
	for o, err := range all {
		if err != nil {
			return err
		}
		queue = append(queue, o)
		if count++; count < firstBatch {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return flush()
}

// walkFiles returns the directory's files, after all are found.
func (j *job) walkFiles() iter.Seq2[transfer.Object, error] {
	return func(yield func(transfer.Object, error) bool) {
		var files []transfer.Object
		err := fs.WalkDir(j.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && name == ownDir {
				return fs.SkipDir
			}
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			files = append(files, transfer.Object{Key: name, Size: info.Size()})
			return nil
		})
		for _, f := range files {
			if err == nil && !yield(f, nil) {
				return
			}
		}
		if err != nil {
			yield(transfer.Object{}, err)
		}
	}
}
