package vend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

var errGone = &rolecall.Error{Code: rolecall.Forbidden, Message: "the role is not usable", Hint: "ask the operator", Err: errors.New("why, which nobody is told")}

type served struct {
	*Endpoint
	issuer *issuer
	url    *url.URL
	end    context.CancelCauseFunc
	failed chan error
}

func serve(t *testing.T) *served {
	t.Helper()
	claim, end := context.WithCancelCause(t.Context())
	s := &served{issuer: &issuer{now: time.Now, life: time.Hour}, end: end, failed: make(chan error, 8)}
	var err error
	if s.Endpoint, err = Listen(claim, NewSource(s.issuer, nil), func(err error) { s.failed <- err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		end(nil)
	})
	if s.url, err = url.Parse(s.variables()["AWS_CONTAINER_CREDENTIALS_FULL_URI"]); err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends the request that an SDK would, after change.
func (s *served) ask(t *testing.T, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", s.token)
	if change != nil {
		change(r)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestEndpointAnswers(t *testing.T) {
	t.Parallel()
	s := serve(t)
	resp, body := s.ask(t, nil)
	want := fmt.Sprintf(`{"AccessKeyId":"ASIA1","SecretAccessKey":"secret-1","Token":"token-1","Expiration":%q,"AccountId":"111122223333"}`,
		s.issuer.held.Expires.Format(time.RFC3339))
	if diff := cmp.Diff(want, body); resp.StatusCode != http.StatusOK || diff != "" {
		t.Errorf("%d (-want +got):\n%s", resp.StatusCode, diff)
	}
	for header, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"} {
		if got := resp.Header.Get(header); got != want {
			t.Errorf("%s: %q, not %q", header, got, want)
		}
	}
	if !net.ParseIP(s.url.Hostname()).IsLoopback() || len(s.url.Path) != 65 || len(s.token) != 64 {
		t.Errorf("%s with a token of %d characters", s.url, len(s.token))
	}
}

// Only a client that has both the URL and the token gets credentials, and only
// at that URL.
func TestEndpointRefuses(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"no token":              {func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"a wrong token":         {func(r *http.Request) { r.Header.Set("Authorization", strings.Repeat("0", 64)) }, 401},
		"part of the token":     {func(r *http.Request) { r.Header.Set("Authorization", s.token[:63]) }, 401},
		"the token as a bearer": {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.token) }, 401},
		"two tokens":            {func(r *http.Request) { r.Header.Add("Authorization", s.token) }, 401},
		"the token in a query": {func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "Authorization=" + s.token
		}, 404},
		"another path":    {func(r *http.Request) { r.URL.Path = "/" }, 404},
		"a path below":    {func(r *http.Request) { r.URL.Path += "/" }, 404},
		"another host":    {func(r *http.Request) { r.Host = "localhost:" + s.url.Port() }, 403},
		"a web page's":    {func(r *http.Request) { r.Host = "rebind.example" }, 403},
		"another port":    {func(r *http.Request) { r.Host = "127.0.0.1" }, 403},
		"POST":            {func(r *http.Request) { r.Method = http.MethodPost }, 405},
		"HEAD":            {func(r *http.Request) { r.Method = http.MethodHead }, 405},
		"OPTIONS":         {func(r *http.Request) { r.Method = http.MethodOptions }, 405},
		"an absolute URL": {func(r *http.Request) { r.URL.Opaque = s.url.String() }, 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, body := s.ask(t, c.change)
			if resp.StatusCode != c.status {
				t.Errorf("status %d, not %d", resp.StatusCode, c.status)
			}
			var refusal map[string]string
			if err := json.Unmarshal([]byte(body), &refusal); resp.Request.Method != http.MethodHead &&
				(err != nil || refusal["code"] == "" || refusal["message"] == "" || len(refusal) != 2) {
				t.Errorf("the refusal is %s", body)
			}
			if strings.Contains(body, "ASIA") || s.issuer.issued > 0 {
				t.Error("credentials were fetched")
			}
		})
	}
}

// Failures have statuses by which SDKs retry or stop, and show no more than
// users may see.
func TestEndpointFails(t *testing.T) {
	t.Parallel()
	for code, status := range map[rolecall.Code]int{
		rolecall.Forbidden: 403, rolecall.Unauthenticated: 403, rolecall.Unavailable: 503, rolecall.Internal: 500, rolecall.Invalid: 400, rolecall.Conflict: 400,
	} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			fault := &rolecall.Error{Code: code, Message: "not now", Hint: "later", Err: errors.New("inside")}
			s.issuer.fail(fmt.Errorf("retrieve: %w", fault))
			resp, body := s.ask(t, nil)
			want := fmt.Sprintf(`{"code":%q,"message":"not now"}`, string(code))
			if resp.StatusCode != status || body != want || resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
			}
			if err := <-s.failed; !errors.Is(err, fault) {
				t.Errorf("told %v", err)
			}
		})
	}
}

// When the claim ends, no credentials are returned any more, even if the
// provider still has some.
func TestEndpointEndsWithTheClaim(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if resp, _ := s.ask(t, nil); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	s.end(errGone)
	resp, body := s.ask(t, nil)
	if resp.StatusCode != http.StatusForbidden || body != `{"code":"forbidden","message":"the role is not usable"}` {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if s.issuer.asked != 1 {
		t.Errorf("the provider was asked after the end, which may claim the role again: %d times in all", s.issuer.asked)
	}
	if err := <-s.failed; !errors.Is(err, errGone) {
		t.Errorf("told %v", err)
	}
}

func TestEndpointTalksToAnSDK(t *testing.T) {
	t.Parallel()
	s := serve(t)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := endpointcreds.New(s.url.String(), func(o *endpointcreds.Options) {
		o.AuthorizationToken, o.HTTPClient = s.token, &http.Client{Transport: transport}
	})
	c, err := client.Retrieve(t.Context())
	if err != nil || c.AccessKeyID != "ASIA1" || c.SessionToken != "token-1" || c.AccountID != "111122223333" || !c.CanExpire {
		t.Errorf("%+v, %v", c, err)
	}
	s.issuer.fail(errGone)
	s.issuer.Invalidate(c)
	if _, err := client.Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), "the role is not usable") {
		t.Errorf("the SDK tells %v", err)
	}
}
