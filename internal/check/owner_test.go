package check

import (
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rolecall/rolecall"
)

// denier denies every request, and keeps them.
type denier struct {
	mu   sync.Mutex
	seen []*http.Request
}

func (d *denier) Do(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, r)
	return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r}, nil
}

// What may be a stranger's bucket is asked for one name at most.
func TestDisownedAsksLittle(t *testing.T) {
	t.Parallel()
	w, d := asked("222233334444"), &denier{}
	w.reading = s3.New(s3.Options{Region: "eu-central-1", HTTPClient: d, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "")})
	if f := w.disowned(t.Context()); f.result != rolecall.CheckSkip {
		t.Errorf("%+v", f)
	}
	without := 0
	for _, r := range d.seen {
		if r.Header.Get("X-Amz-Expected-Bucket-Owner") == "" {
			without++
			if n := r.URL.Query().Get("max-keys"); n != "1" {
				t.Errorf("max-keys=%s", n)
			}
		}
	}
	if without != 2 {
		t.Errorf("%d of %d requests name no owner", without, len(d.seen))
	}
}
