package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/transfer"
)

// ours does the work by internal/transfer as tasks do it: everything is
// listed and named before anything moves, nothing is overwritten, what is
// written carries a marker, checksums are verified, and progress is counted.
func ours(ctx context.Context, args []string, _ io.Writer) error {
	var o order
	if err := o.parse("ours", args); err != nil {
		return err
	}
	return o.profiled(func() error {
		clients := guard.NewClients(nil)
		defer clients.Close()
		j := job{order: o, clients: clients}
		j.write = transfer.PutOptions{Marker: "bench/0", Progress: j.moved}
		switch o.direction {
		case "down":
			return j.down(ctx)
		case "up":
			return j.up(ctx)
		default:
			return j.relay(ctx)
		}
	})
}

type job struct {
	order
	clients guard.Clients
	write   transfer.PutOptions
	bytes   atomic.Int64
}

func (j *job) moved(n int64) { j.bytes.Add(n) }

func (j *job) bucket(name, access, secret string) transfer.Bucket {
	keys := aws.Credentials{AccessKeyID: access, SecretAccessKey: secret}
	return transfer.Bucket{
		Name: name, NoChecksums: j.plain, LookFirst: j.plain,
		Client: transfer.NewClient(transfer.ClientOptions{
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil }),
			Endpoint:    j.url, PathStyle: true, HTTP: j.clients.Operator, UserAgent: "bench",
		}),
	}
}

func (j *job) source() transfer.Bucket { return j.bucket(sourceBucket, j.access, j.secret) }

func (j *job) list(ctx context.Context) ([]transfer.Object, error) {
	var objects []transfer.Object
	for o, err := range transfer.List(ctx, j.source(), j.set+"/") {
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

func (j *job) down(ctx context.Context) error {
	root, err := os.OpenRoot(j.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	objects, err := j.list(ctx)
	if err != nil {
		return err
	}
	from := j.source()
	return transfer.Each(ctx, sequence(objects), transferSize, func(ctx context.Context, o transfer.Object) error {
		_, err := transfer.Get(ctx, from, o, root, strings.TrimPrefix(o.Key, j.set+"/"), transfer.GetOptions{Progress: j.moved})
		return err
	})
}

func (j *job) relay(ctx context.Context) error {
	objects, err := j.list(ctx)
	if err != nil {
		return err
	}
	from, to := j.source(), j.bucket(j.sink, j.toAccess, j.toSecret)
	return transfer.Each(ctx, sequence(objects), transferSize, func(ctx context.Context, o transfer.Object) error {
		_, err := transfer.Copy(ctx, from, o, to, o.Key, j.write)
		return err
	})
}

func (j *job) up(ctx context.Context) error {
	root, err := os.OpenRoot(j.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var files []transfer.Object
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
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
	if err != nil {
		return err
	}
	to := j.bucket(j.sink, j.access, j.secret)
	return transfer.Each(ctx, sequence(files), transferSize, func(ctx context.Context, f transfer.Object) error {
		_, err := transfer.Put(ctx, to, j.set+"/"+f.Key, root, f.Key, j.write)
		return err
	})
}

func transferSize(o transfer.Object) int64 { return o.Size }

// sequence gives the items without an error.
func sequence[T any](items []T) func(func(T, error) bool) {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}
