package credential

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// drip sends a byte each half second, or for nothing never an answer at all.
type drip struct {
	header  bool
	request *http.Request
}

func (d *drip) RoundTrip(r *http.Request) (*http.Response, error) {
	if !d.header {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(&drip{request: r})}, nil
}

func (d *drip) Read(p []byte) (int, error) {
	select {
	case <-d.request.Context().Done():
		return 0, d.request.Context().Err()
	case <-time.After(time.Second / 2):
		p[0] = ' '
		return 1, nil
	}
}

// An STS that drips its answer, or gives none, holds nobody for long.
func TestSlowSTSEnds(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]bool{"the header": false, "the body": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				client := newSTS("eu-central-1", "http://sts.invalid", &http.Client{Transport: &drip{header: header}}, credentials.NewStaticCredentialsProvider("AKIA", "s", ""))
				_, err := client.GetCallerIdentity(t.Context(), nil)
				if !errors.Is(err, errTooSlow) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took > 3*stsTimeout+time.Minute {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// An answer without end is cut.
func TestLongSTSEnds(t *testing.T) {
	t.Parallel()
	body := &counting{}
	client := newSTS("eu-central-1", "http://sts.invalid", &http.Client{Transport: body}, credentials.NewStaticCredentialsProvider("AKIA", "s", ""))
	if _, err := client.GetCallerIdentity(t.Context(), nil); err == nil {
		t.Error("it is an answer")
	}
	if body.read > 3*(stsBytes+4096) {
		t.Errorf("%d bytes were read", body.read)
	}
}

// counting sends an answer without end, and counts what is read of it.
type counting struct{ read int }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	start := strings.NewReader("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>")
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(io.MultiReader(start, c))}, nil
}

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	c.read += len(p)
	return len(p), nil
}
