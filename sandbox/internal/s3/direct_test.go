package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestDirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for bucket, key := range map[string]string{"plain": "a/b", "kms": "k"} {
		if err := w.service.Put(bucket, key, strings.NewReader("hello")); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := w.service.Read(bucket, key, &got); err != nil || got.String() != "hello" {
			t.Errorf("read %q, %v", got.String(), err)
		}
		if over := w.get(bucket, key); over != "hello" {
			t.Errorf("read %q over HTTP", over)
		}
	}
	if o := w.service.Objects("kms")[0]; o.Key != "k" || o.Size != 5 || o.Encryption.Key != keyARNs || !o.Modified.Equal(w.now.get()) {
		t.Errorf("the object: %+v", o)
	}
	var none bytes.Buffer
	if err := w.service.Read("plain", "none", &none); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no object: %v", err)
	}
	for _, err := range []error{
		w.service.Put("none", "k", &none), w.service.Put("plain", "", &none), w.service.Put("plain", "\xff", &none),
		w.service.Put("plain", "broken", broken{os.ErrClosed}), w.service.Read("none", "k", &none),
	} {
		if err == nil {
			t.Error("accepted")
		}
	}
	if w.service.Objects("none") != nil || w.service.Uploads("none") != nil {
		t.Error("a bucket that does not exist holds something")
	}
}

// TestWritersOfOneKey: of many conditional writers of one key one succeeds,
// and readers see only whole objects.
func TestWritersOfOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 16 {
		wg.Go(func() {
			_, err := w.client.PutObject(context.Background(), &awss3.PutObjectInput{
				Bucket: aws.String("plain"), Key: aws.String("once"), Body: strings.NewReader(fmt.Sprint(i)), IfNoneMatch: aws.String("*"),
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			}
		})
		wg.Go(func() {
			text := strings.Repeat(fmt.Sprintf("%02d", i), 50_000)
			if err := w.service.Put("plain", "often", strings.NewReader(text)); err != nil {
				t.Error(err)
			}
			if got := w.get("plain", "often"); strings.Repeat(got[:2], 50_000) != got {
				t.Error("read a mixture")
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d writers won", won)
	}
}

func TestBucketIsReconfigured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("plain", "k", "one")
	w.service.SetBucket(Bucket{Name: "plain", Account: owner, Region: "eu-central-1", Versioning: versioningEnabled})
	if put := w.put("plain", "k", "two"); put.VersionId == nil {
		t.Error("no version id")
	}
	answer, body := w.do("GET", "/plain/k?versionId=null", "")
	if answer.StatusCode != 200 || body != "one" {
		t.Errorf("the version from before: %d %s", answer.StatusCode, body)
	}
}
