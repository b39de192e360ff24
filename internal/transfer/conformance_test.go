package transfer

import (
	"bytes"
	"context"
	"fmt"
	"go/build"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/minio/crc64nvme"
)

func TestSandbox(t *testing.T) {
	t.Parallel()
	conformance(t, func(t *testing.T) (Bucket, Bucket) {
		s := newServer(t)
		return s.bucket(t, "origin"), s.bucket(t, "target")
	})
}

// TestVersity runs the suite on an S3 server that is not ours.
func TestVersity(t *testing.T) {
	t.Parallel()
	conformance(t, func(t *testing.T) (Bucket, Bucket) {
		client := versity(t)
		// It answers AccessDenied for an expected owner that is not one of its
		// accounts, so none is sent.
		from, to := Bucket{Client: client, Name: "origin"}, Bucket{Client: client, Name: "target"}
		for _, b := range []Bucket{from, to} {
			if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(b.Name)}); err != nil {
				t.Fatal(err)
			}
		}
		return from, to
	})
}

// versity starts a server on a Unix socket.
func versity(t *testing.T) *Client {
	t.Helper()
	binary := tool(t, "versitygw")
	dir, err := os.MkdirTemp("", "vgw") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	var output bytes.Buffer
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "--port", socket, "--access", "AKIAEXAMPLE", "--secret", "secret",
		"--quiet", "--keep-alive", "posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))
	cmd.Stdout, cmd.Stderr = &output, &output
	for _, sub := range []string{"meta", "data"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() //nolint:errcheck // killed below
	}()
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-ended
		if t.Failed() {
			t.Log(output.String())
		}
	})
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	// It does not report when it listens, so the test has to try.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := dial(t.Context(), "", "")
		if err == nil {
			conn.Close()
			break
		}
		select {
		case <-ended:
			t.Fatal("versitygw ended: ", output.String())
		case <-tick.C:
		}
	}
	transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return NewClient(ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		Endpoint:    "http://s3.invalid", PathStyle: true, HTTP: &http.Client{Transport: transport},
	})
}

func tool(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{os.Getenv("GOBIN"), filepath.Join("..", "..", ".bin"), filepath.Join(build.Default.GOPATH, "bin")} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); dir != "" && err == nil {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
	}
	t.Fatalf("%s is not installed: run make deps", name)
	return ""
}

// conformance checks what transfers promise, on an S3 server with two empty
// buckets.
func conformance(t *testing.T, start func(*testing.T) (from, to Bucket)) {
	for name, test := range map[string]func(*testing.T, Bucket, Bucket){
		"round trip": roundTrip, "overwrite": overwrite, "list": listing, "missing": missing,
		"changed": changed, "abort": aborts, "tag": tags, "no checksums": noChecksums, "carry": carryProperties, "resume": resumes, "within": serverSideCopy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := start(t)
			test(t, from, to)
		})
	}
}

func roundTrip(t *testing.T, from, to Bucket) {
	root := newRoot(t)
	for _, size := range []int{0, 1, 4096, 5 * mib, multipartFrom - 1, multipartFrom, 2*partSize + 1, 20*mib + 3} {
		data := testBytes(size)
		key := fmt.Sprintf("in/%d.bin", size)
		write(t, root, "up", data)
		var told counter
		put, err := Put(t.Context(), from, key, root, "up", PutOptions{Marker: "job/1", Progress: told.add})
		if err != nil {
			t.Fatal(err)
		}
		copied, err := Copy(t.Context(), from, Object{Key: key}, to, "out/"+key, PutOptions{Marker: "job/2", Progress: told.add})
		if err != nil {
			t.Fatal(err)
		}
		o, err := Head(t.Context(), to, "out/"+key)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("down/%d/file", size)
		got, err := Get(t.Context(), to, o, root, name, GetOptions{Progress: told.add})
		if err != nil {
			t.Fatal(err)
		}
		parts := 1
		if size >= multipartFrom {
			parts = (size + partSize - 1) / partSize
		}
		want := Result{Bytes: int64(size), CRC64: crc64nvme.Checksum(data), Parts: parts}
		if d := cmp.Diff(want, put); d != "" {
			t.Error("put ", size, d)
		}
		want.Verified = "CRC64NVME"
		if d := cmp.Diff(want, copied); d != "" {
			t.Error("copy ", size, d)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error("get ", size, d)
		}
		if read, err := root.ReadFile(name); err != nil || !bytes.Equal(read, data) {
			t.Errorf("%d bytes do not come back: %v", size, err)
		}
		if told.total() != 3*int64(size) {
			t.Errorf("%d bytes were reported of three times %d", told.total(), size)
		}
	}
}

func overwrite(t *testing.T, from, to Bucket) {
	root := newRoot(t)
	for _, size := range []int{10, multipartFrom} {
		key := fmt.Sprint(size)
		data := testBytes(size)
		write(t, root, "file", data)
		put := func(b Bucket, o PutOptions) (Result, error) { return Put(t.Context(), b, key, root, "file", o) }
		for _, b := range []Bucket{from, to} {
			if _, err := put(b, PutOptions{Marker: "m"}); err != nil {
				t.Fatal(err)
			}
		}
		for name, do := range map[string]func(PutOptions) (Result, error){
			"put":  func(o PutOptions) (Result, error) { return put(from, o) },
			"copy": func(o PutOptions) (Result, error) { return Copy(t.Context(), from, Object{Key: key}, to, key, o) },
		} {
			if r, err := do(PutOptions{Marker: "m"}); err != nil || !r.Already || r.CRC64 != crc64nvme.Checksum(data) {
				t.Errorf("%s of %d again: %+v, %v", name, size, r, err)
			}
			at := from
			if name == "copy" {
				at = to
			}
			h, err := head(t.Context(), at, Object{Key: key})
			if err != nil {
				t.Fatal(err)
			}
			for _, marker := range []string{"other", ""} {
				r, err := do(PutOptions{Marker: marker})
				if h.sum.name == "" { // only the marker can tell
					wantKind(t, err, Exists)
				} else if err != nil || !r.Already {
					t.Errorf("%s of %d with the marker %q: %+v, %v", name, size, marker, r, err)
				}
			}
		}
		data[0]++
		write(t, root, "file", data)
		_, err := put(from, PutOptions{Marker: "m"})
		wantKind(t, err, Exists)
		if r, err := put(from, PutOptions{Marker: "m", Overwrite: true}); err != nil || r.Already {
			t.Errorf("overwrite: %+v, %v", r, err)
		}
		noUploads(t, from)
		noUploads(t, to)
	}
}

func listing(t *testing.T, from, _ Bucket) {
	root := newRoot(t)
	write(t, root, "empty", nil)
	var keys []string
	for i := range 1003 {
		keys = append(keys, fmt.Sprintf("many/%04d", i))
	}
	keys = append(keys, "odd/a b+c%20d&<é>~\"'.txt", "odd/=?#@:;,$!*()[]{}|^`", "odd/日本/語")
	err := Each(t.Context(), func(yield func(string, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}, func(string) int64 { return 0 }, func(ctx context.Context, key string) error {
		_, err := Put(ctx, from, key, root, "empty", PutOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	for _, prefix := range []string{"", "many/", "many/00", "odd/a b+", "none/"} {
		var got, want []string
		for o, err := range List(t.Context(), from, prefix) {
			if err != nil {
				t.Fatal(err)
			}
			if o.ETag == "" || o.Modified.IsZero() {
				t.Errorf("incomplete: %+v", o)
			}
			got = append(got, o.Key)
		}
		for _, key := range keys {
			if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
				want = append(want, key)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", prefix, d)
		}
	}
	for o, err := range List(t.Context(), from, "many/") {
		if err != nil || o.Key != "many/0000" {
			t.Error(o, err)
		}
		break
	}
}

func missing(t *testing.T, from, to Bucket) {
	root := newRoot(t)
	_, err := Head(t.Context(), from, "nothing")
	wantKind(t, err, NotFound)
	_, err = Get(t.Context(), from, Object{Key: "nothing"}, root, "file", GetOptions{})
	wantKind(t, err, NotFound)
	_, err = Get(t.Context(), from, Object{Key: "nothing", ETag: `"x"`}, root, "file", GetOptions{})
	wantKind(t, err, NotFound)
	_, err = Copy(t.Context(), from, Object{Key: "nothing", ETag: `"x"`}, to, "x", PutOptions{})
	if e := wantError(t, err, NotFound); e.Bucket != "origin" || e.Key != "nothing" || e.Op != "copy" || e.Code != "NoSuchKey" {
		t.Errorf("got %+v", e)
	}
	nowhere := from
	nowhere.Name = "nowhere"
	for _, err := range List(t.Context(), nowhere, "") {
		wantKind(t, err, NoBucket)
	}
	write(t, root, "up", testBytes(10))
	_, err = Put(t.Context(), nowhere, "x", root, "up", PutOptions{})
	wantKind(t, err, NoBucket)
	if got := files(t, root); !slices.Equal(got, []string{"up"}) {
		t.Error("left behind: ", got)
	}
}

func changed(t *testing.T, from, to Bucket) {
	root := newRoot(t)
	for _, size := range []int{100, multipartFrom} {
		key := fmt.Sprint(size)
		write(t, root, "up", testBytes(size))
		if _, err := Put(t.Context(), from, key, root, "up", PutOptions{}); err != nil {
			t.Fatal(err)
		}
		before, err := Head(t.Context(), from, key)
		if err != nil {
			t.Fatal(err)
		}
		after := testBytes(size)
		after[0]++
		write(t, root, "up", after)
		if _, err := Put(t.Context(), from, key, root, "up", PutOptions{Overwrite: true}); err != nil {
			t.Fatal(err)
		}
		_, err = Get(t.Context(), from, before, root, "down", GetOptions{})
		wantKind(t, err, Changed)
		_, err = Copy(t.Context(), from, before, to, key, PutOptions{})
		wantKind(t, err, Changed)
	}
	if got := files(t, root); !slices.Equal(got, []string{"up"}) {
		t.Error("left behind: ", got)
	}
}

func aborts(t *testing.T, from, to Bucket) {
	root := newRoot(t)
	write(t, root, "up", testBytes(6*partSize))
	if _, err := Put(t.Context(), from, "big", root, "up", PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func(context.Context, func(int64)) error{
		"put": func(ctx context.Context, p func(int64)) error {
			_, err := Put(ctx, to, "x", root, "up", PutOptions{Progress: p})
			return err
		},
		"copy": func(ctx context.Context, p func(int64)) error {
			_, err := Copy(ctx, from, Object{Key: "big"}, to, "x", PutOptions{Progress: p})
			return err
		},
		"get": func(ctx context.Context, p func(int64)) error {
			_, err := Get(ctx, from, Object{Key: "big"}, root, "down/file", GetOptions{Progress: p})
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		err := do(ctx, func(int64) { cancel() })
		cancel()
		if e := wantError(t, err, Canceled); e.Upload != "" {
			t.Error(name, " left the upload ", e.Upload)
		}
	}
	noUploads(t, to)
	if got := files(t, root); !slices.Equal(got, []string{"up"}) {
		t.Error("left behind: ", got)
	}
	for o, err := range List(t.Context(), to, "") {
		t.Error("there is ", o.Key, err)
	}
}

func tags(t *testing.T, from, to Bucket) {
	root := newRoot(t)
	write(t, root, "up", testBytes(10))
	if _, err := Put(t.Context(), from, "x", root, "up", PutOptions{}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"team": "media", "run": "a b/c+d"}
	if err := Tag(t.Context(), from, "x", want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, tagsAt(t, from, "x")); d != "" {
		t.Error(d)
	}
	for key, options := range map[string]PutOptions{"here": {}, "within": {CopyClient: to.Client}} {
		if got, err := Copy(t.Context(), from, Object{Key: "x"}, to, key, options); err != nil || got.TagsLost {
			t.Errorf("copy %s: %+v, %v", key, got, err)
		}
		if d := cmp.Diff(want, tagsAt(t, to, key)); d != "" {
			t.Error(key, d)
		}
	}
	wantKind(t, Tag(t.Context(), from, "nothing", want), NotFound)
}

func tagsAt(t *testing.T, b Bucket, key string) map[string]string {
	t.Helper()
	out, err := b.Client.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: &b.Name, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, tag := range out.TagSet {
		got[*tag.Key] = *tag.Value
	}
	return got
}

func noChecksums(t *testing.T, from, to Bucket) {
	from.NoChecksums, to.NoChecksums = true, true
	root := newRoot(t)
	for _, size := range []int{10, multipartFrom} {
		key := fmt.Sprint(size)
		write(t, root, "up", testBytes(size))
		for range 2 {
			if _, err := Put(t.Context(), from, key, root, "up", PutOptions{Marker: "m"}); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Copy(t.Context(), from, Object{Key: key}, to, key, PutOptions{})
		if err != nil || r.CRC64 != crc64nvme.Checksum(testBytes(size)) {
			t.Fatal(r, err)
		}
		changed := testBytes(size)
		changed[1]++
		write(t, root, "up", changed)
		_, err = Put(t.Context(), from, key, root, "up", PutOptions{Marker: "m"})
		wantKind(t, err, Exists)
	}
}

func noUploads(t *testing.T, b Bucket) {
	t.Helper()
	out, err := b.Client.ListMultipartUploads(context.WithoutCancel(t.Context()), &s3.ListMultipartUploadsInput{Bucket: aws.String(b.Name)})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range out.Uploads {
		t.Error("there is an upload of ", *u.Key)
	}
}
