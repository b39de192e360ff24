package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall/internal/transfer"
)

// target is the server that all clients use.
type target struct {
	null           bool
	url            string
	ca             string // file of the authority's certificate; empty: no TLS
	access, secret string // for both ends of a relay: clients treat two remotes as unrelated, whatever their keys
	client         *transfer.Client
	stop           func()
}

// start starts the server as a separate process.
func (s *session) start(ctx context.Context) (*target, error) {
	t := &target{access: "AKIABENCHBENCH000001", secret: "bench-secret-0000000000"}
	data := filepath.Join(s.dir, "server")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	t.url = "http://" + address
	var args, env []string
	switch s.server {
	case "null":
		t.null = true
		args = append([]string{s.self, "serve", "-listen", address, "-late", s.late.String(), "-rate", fmt.Sprint(s.rate)}, s.stock.args()...)
		if s.tls {
			t.url, t.ca = "https://"+address, filepath.Join(s.dir, "authority.pem")
			args = append(args, "-tls", t.ca)
		}
	case "versitygw":
		args = []string{"versitygw", "--access", t.access, "--secret", t.secret, "--port", address, "--quiet", "--keep-alive", "posix", data}
	case "minio":
		args = []string{"minio", "server", "--quiet", "--address", address, data}
		env = []string{"MINIO_ROOT_USER=" + t.access, "MINIO_ROOT_PASSWORD=" + t.secret, "MINIO_BROWSER=off"}
	default:
		return nil, fmt.Errorf("no server %q", s.server)
	}
	if s.tls && !t.null {
		return nil, errors.New("only the null server speaks TLS")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // what to run is the caller's choice
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t.stop = func() {
		cmd.Process.Signal(os.Interrupt) //nolint:errcheck // it has ended
		cmd.Wait()                       //nolint:errcheck // nothing depends on how it ended
	}
	t.client = transfer.NewClient(transfer.ClientOptions{
		Endpoint: t.url, PathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: t.access, SecretAccessKey: t.secret}, nil
		}),
	})
	if err := t.wait(ctx, address); err != nil {
		t.stop()
		return nil, err
	}
	if t.ca != "" {
		// The variable is read at the first connection.
		if err := os.Setenv("SSL_CERT_FILE", t.ca); err != nil {
			t.stop()
			return nil, err
		}
	}
	return t, nil
}

// freeAddress returns an address that nobody listens on. If another process
// takes it before the server does, the run fails.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// wait waits until the server accepts connections.
func (t *target) wait(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		}
	}
}

func (t *target) make(ctx context.Context, bucket string) error {
	_, err := t.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	return err
}

// fill uploads a directory's files to the bucket that clients read. The null
// server has them already.
func (t *target) fill(ctx context.Context, self, set, dir string) error {
	if t.null {
		return nil
	}
	if err := t.make(ctx, sourceBucket); err != nil {
		var there *types.BucketAlreadyOwnedByYou
		if !errors.As(err, &there) {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, self, "ours", "-plain", "-direction", "up", "-url", t.url, "-set", set, "-dir", dir, //nolint:gosec // this program
		"-sink", sourceBucket, "-access", t.access, "-secret", t.secret)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// tally counts the objects in a bucket.
func (t *target) tally(ctx context.Context, bucket string) (count int, bytes int64, err error) {
	for o, err := range transfer.List(ctx, transfer.Bucket{Client: t.client, Name: bucket}, "") {
		if err != nil {
			return 0, 0, err
		}
		count, bytes = count+1, bytes+o.Size
	}
	return count, bytes, nil
}

// remove removes a bucket and its objects. It only logs a failure: what is left
// costs nothing but memory.
func (t *target) remove(ctx context.Context, bucket string) {
	err := t.empty(ctx, bucket)
	if err == nil {
		_, err = t.client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(bucket)})
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "remove %s: %v\n", bucket, err)
	}
}

func (t *target) empty(ctx context.Context, bucket string) error {
	if t.null {
		return nil
	}
	var batch []types.ObjectIdentifier
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		_, err := t.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: aws.String(bucket), Delete: &types.Delete{Objects: batch, Quiet: aws.Bool(true)},
		})
		batch = batch[:0]
		return err
	}
	for o, err := range transfer.List(ctx, transfer.Bucket{Client: t.client, Name: bucket}, "") {
		if err != nil {
			return err
		}
		if batch = append(batch, types.ObjectIdentifier{Key: aws.String(o.Key)}); len(batch) == 1000 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// tally counts the files in a directory.
func tally(dir string) (count int, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		count, bytes = count+1, bytes+info.Size()
		return nil
	})
	return count, bytes, err
}
