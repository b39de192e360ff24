package credential

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
)

// counted counts the calls by the key that they are signed with.
type counted struct {
	mu    sync.Mutex
	calls map[string]int
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ = strings.Cut(key, "/")
	c.calls[key]++
	body := "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>" // tried again: attempts count, too
	return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// Whatever organizations have STS asked, it gets no more calls in a second than
// the vault's limits allow, and one organization no more than its own.
func TestSTSCallsAreLimited(t *testing.T) {
	t.Parallel()
	const seconds, atOnce = 10, 64
	for _, test := range []struct{ organizations, least, most int }{
		{1, organizationCallRate * seconds, organizationCallRate*seconds + organizationCallBurst},
		{20, callRate * seconds, callRate*seconds + callBurst},
	} {
		synctest.Test(t, func(t *testing.T) {
			seen := &counted{calls: map[string]int{}}
			v, err := New(Options{Verdicts: Memory(), STSEndpoint: "http://sts.invalid", HTTPClient: &http.Client{Transport: seen}})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer time.AfterFunc(seconds*time.Second, cancel).Stop()
			var wait sync.WaitGroup
			for n := range test.organizations {
				org := fmt.Sprint("ORG", n)
				for range atOnce {
					wait.Go(func() {
						client := v.stsClient("eu-central-1", Principal{Principal: rolecall.Principal{}})
						for ctx.Err() == nil {
							_, _ = client.GetCallerIdentity(ctx, nil, v.withKeys(aws.Credentials{AccessKeyID: org, SecretAccessKey: "s"}, org))
						}
					})
				}
			}
			wait.Wait()
			total, least := 0, organizationCallRate*seconds
			for n := range maps.Values(seen.calls) {
				total, least = total+n, min(least, n)
				if n > organizationCallRate*seconds+organizationCallBurst {
					t.Errorf("%d calls in %d seconds for one organization", n, seconds)
				}
			}
			if total < test.least*9/10 || total > test.most {
				t.Errorf("%d organizations: %d calls in %d seconds, want up to %d", test.organizations, total, seconds, test.most)
			}
			if fair := callRate * seconds / test.organizations / 2; test.organizations > 1 && least < fair {
				t.Errorf("one of %d organizations made %d calls only", test.organizations, least)
			}
		})
	}
}
