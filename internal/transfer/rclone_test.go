package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// Another client reads the same that ours writes, and the reverse: names of
// all characters that both S3 and a disk allow, sizes at every threshold.

// tree has the names of files with their bytes.
type tree map[string][]byte

// pieces are the parts of names: everything that has a meaning in a URL, in
// XML, in a shell or in a file system, and what looks like something else.
var pieces = []string{
	"a", "B", "0", " ", "  ", "+", "%", "%20", "%2F", "%zz", "&", "&amp;", "\\", "\"", "'", "`", "?", "#", "*", ":", ";", "=", "@", "$", ",", "!",
	"(", ")", "[", "]", "{", "}", "<", ">", "|", "^", "~", "-", "_", ".", "..", "...", "\t", "\n", "\r", "\x01", "\x1f", "\x7f", "]]>", "<!--",
	"é", "e\u0301", "ß", "İ", "日本", "한", "🎬", "👩‍🎤", "\u200b", "\u202e", "\u00a0", "\ufeff", "\u0085", "\U0010fffd",
	".rolecall", "CON", "x.", ".x", "-rf", "*.mov", strings.Repeat("long", 50),
}

// thresholds returns the sizes from which on transfers work differently, and
// those next to them.
func thresholds(random *rand.Rand) []int {
	out := []int{0, 1}
	for _, at := range []int{ioBuffer, expectFrom, partSize, multipartFrom, 3 * partSize} {
		out = append(out, at-1+random.IntN(3))
	}
	return out
}

// newTree returns a tree: first small files with the names, then one file of
// each size.
func newTree(random *rand.Rand, names int, sizes []int) tree {
	f := tree{}
	dirs := map[string]bool{}
	for n := 0; len(f) < names+len(sizes); n++ {
		var parts []string
		for range 1 + random.IntN(3) {
			part := ""
			for range 1 + random.IntN(4) {
				part += pieces[random.IntN(len(pieces))]
			}
			parts = append(parts, part)
		}
		if n < len(pieces) {
			parts = []string{pieces[n]} // each piece by itself
		}
		name := path.Join(parts...)
		if name != strings.Join(parts, "/") || len(name) > 900 || slices.ContainsFunc(parts, func(p string) bool { return p == "." || p == ".." || len(p) > 255 }) {
			continue
		}
		clash := dirs[name]
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			clash = clash || f[dir] != nil
		}
		if clash || f[name] != nil {
			continue
		}
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			dirs[dir] = true
		}
		size := random.IntN(100)
		if len(f) >= names {
			if strings.ContainsAny(name, "\x01\x1f") {
				continue // rclone cannot upload those in parts; see TestKeysOutsideXML
			}
			size = sizes[len(f)-names]
		}
		f[name] = make([]byte, size)
		for i := range f[name] {
			f[name][i] = byte(random.Uint32())
		}
	}
	return f
}

// sums returns the checksums of a tree.
func (f tree) sums() map[string]string {
	out := map[string]string{}
	for name, data := range f {
		out[name] = fmt.Sprintf("%d %x", len(data), sha256.Sum256(data))
	}
	return out
}

func (f tree) all() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(f)) {
			if !yield(name, nil) {
				return
			}
		}
	}
}

// TestKeysOutsideXML: S3 repeats a key in answers about uploads, as XML that no
// parser accepts if the key has control characters.
func TestKeysOutsideXML(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key, data := "in/\x01&#1;&\x1f\b\uffff", testBytes(multipartFrom)
	root := newRoot(t)
	write(t, root, "up", data)
	from, to := s.bucket(t, "origin"), s.bucket(t, "target")
	_, err := Put(t.Context(), from, key, root, "up", PutOptions{Marker: "job/0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Copy(t.Context(), from, Object{Key: key}, to, key, PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t.Context(), to, Object{Key: key}, root, "down", GetOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := root.ReadFile("down"); err != nil || !bytes.Equal(got, data) {
		t.Error("the bytes differ", err)
	}
	_, err = Head(t.Context(), from, key+"missing")
	wantKind(t, err, NotFound)
	if r, err := Put(t.Context(), from, key, root, "up", PutOptions{Marker: "job/1"}); err != nil || !r.Already {
		t.Errorf("the same bytes: %+v, %v", r, err)
	}
	write(t, root, "up", make([]byte, len(data)))
	_, err = Put(t.Context(), from, key, root, "up", PutOptions{Marker: "job/1"})
	wantKind(t, err, Exists)
}

// onDisk returns the tree below a directory.
func onDisk(t *testing.T, dir string) tree {
	t.Helper()
	f := tree{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f[name], err = os.ReadFile(filepath.Join(dir, name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// atS3 returns the tree below a prefix.
func atS3(t *testing.T, s *sandbox.Server, bucket, prefix string) tree {
	t.Helper()
	f := tree{}
	for _, o := range s.Objects(bucket) {
		name, ok := strings.CutPrefix(o.Key, prefix)
		if !ok {
			continue
		}
		var data bytes.Buffer
		if err := s.ReadObject(bucket, o.Key, &data); err != nil {
			t.Fatal(err)
		}
		f[name] = data.Bytes()
	}
	return f
}

// rclone copies a tree from one place to another.
func rclone(t *testing.T, endpoint, from, to string, more ...string) {
	t.Helper()
	binary := os.Getenv("ROLECALL_RCLONE")
	if binary == "" {
		binary = tool(t, "rclone")
	}
	args := append([]string{
		"copy", from, to, "--config", "", "--s3-provider", "Other", "--s3-access-key-id", "AKIAEXAMPLE", "--s3-secret-access-key", "secret",
		"--s3-region", "us-east-1", "--s3-endpoint", endpoint, "--s3-force-path-style", "--s3-no-check-bucket",
		// rclone must not change keys, in listings neither.
		"--s3-encoding", "None", "--s3-list-version", "2", "--s3-list-url-encode", "true", "--local-encoding", "None",
		"--retries", "1", "--low-level-retries", "2", "--no-unicode-normalization", "--s3-acl", "bucket-owner-full-control", "--quiet",
	}, more...)
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("rclone copy %s %s: %v: %s", from, to, err, said)
	}
}

func TestAsRclone(t *testing.T) {
	t.Parallel()
	for seed := range 1 + chaos(t)/5 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(seed), 7))
			asRclone(t, newTree(random, 2*len(pieces), thresholds(random)))
		})
	}
}

func asRclone(t *testing.T, f tree) {
	s := sandboxtest.Start(t, accounts)
	transport := &http.Transport{MaxIdleConnsPerHost: 16, ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	client := NewClient(ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		Endpoint:    s.URL, PathStyle: true, UserAgent: "test", HTTP: &http.Client{Transport: transport},
	})
	origin, target := Bucket{Client: client, Name: "origin", Owner: owner}, Bucket{Client: client, Name: "target", Owner: owner}
	root, back := newRoot(t), newRoot(t)
	for name, data := range f {
		write(t, root, name, data)
	}
	want := f.sums()
	same := func(what string, got tree) {
		t.Helper()
		if d := cmp.Diff(want, got.sums()); d != "" {
			t.Errorf("%s: -want +got\n%s", what, d)
		}
	}
	size := func(name string) int64 { return int64(len(f[name])) }

	err := Each(t.Context(), f.all(), size, func(ctx context.Context, name string) error {
		_, err := Put(ctx, origin, "ours/"+name, root, name, PutOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	same("put by ours", atS3(t, s, "origin", "ours/"))
	theirs := t.TempDir()
	rclone(t, s.URL, ":s3:origin/ours", theirs)
	same("put by ours, fetched by rclone", onDisk(t, theirs))

	rclone(t, s.URL, root.Name(), ":s3:origin/theirs", "--s3-upload-cutoff", "10M", "--s3-chunk-size", "5M")
	same("put by rclone", atS3(t, s, "origin", "theirs/"))
	err = Each(t.Context(), List(t.Context(), origin, "theirs/"), func(o Object) int64 { return o.Size }, func(ctx context.Context, o Object) error {
		_, err := Get(ctx, origin, o, back, strings.TrimPrefix(o.Key, "theirs/"), GetOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	same("put by rclone, fetched by ours", onDisk(t, back.Name()))

	err = Each(t.Context(), List(t.Context(), origin, ""), func(o Object) int64 { return o.Size }, func(ctx context.Context, o Object) error {
		_, err := Copy(ctx, origin, o, target, "ours/"+o.Key, PutOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rclone(t, s.URL, ":s3:origin", ":s3:target/theirs")
	for _, by := range []string{"ours/", "theirs/"} {
		for _, of := range []string{"ours/", "theirs/"} {
			same("put by "+of+" copied by "+by, atS3(t, s, "target", by+of))
		}
	}
}
