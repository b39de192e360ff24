package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall"
)

const planted = "rcs_planted0000000000000000000000000000"

// site answers requests one after the other, without a network.
type site struct {
	answers []func(*http.Request) (*http.Response, error) // the last again and again
	seen    []*http.Request
	bodies  []string
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	do := s.answers[min(len(s.seen), len(s.answers)-1)]
	s.seen, s.bodies = append(s.seen, r), append(s.bodies, string(body))
	return do(r)
}

// says answers with a status and a body. Headers are name and value in turn.
func says(status int, body string, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return r, nil
	}
}

func refuses(status int, code rolecall.Code, headers ...string) func(*http.Request) (*http.Response, error) {
	return says(status, fmt.Sprintf(`{"errors":[{"code":%q,"message":"it does not","hint":"You: do"}]}`, code), append(headers, "Content-Type", "application/problem+json")...)
}

func lost(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "read", Err: errors.New("connection reset")}
}

func (s *site) client(t *testing.T) *Client {
	t.Helper()
	c, err := New(Options{URL: "https://rolecall.example.com/", Token: planted, Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What may pass is tried again, as long as the service asks for and no longer;
// what must not be done twice is sent with one key, or once.
func TestAgain(t *testing.T) {
	t.Parallel()
	create := func(ctx context.Context, c *Client) error {
		_, err := c.CreateOrganization(ctx, NewOrganization{APIName: "acme"})
		return err
	}
	put := func(ctx context.Context, c *Client) error {
		_, err := c.PutConnection(ctx, "acme", "masters", rolecall.Connection{Purpose: "source"}, 3)
		return err
	}
	remove := func(ctx context.Context, c *Client) error { return c.DeleteConnection(ctx, "acme", "masters", 0) }
	release := func(ctx context.Context, c *Client) error { return c.ReleaseConnection(ctx, "acme", "masters") }
	many := refuses(429, rolecall.Unavailable, "Retry-After", "7")
	away := refuses(503, rolecall.Unavailable, "Retry-After", "5")
	for name, c := range map[string]struct {
		do      func(context.Context, *Client) error
		answers []func(*http.Request) (*http.Response, error)
		tries   int
		took    time.Duration
		code    rolecall.Code // empty: it is done
	}{
		"at once":              {create, []func(*http.Request) (*http.Response, error){says(201, "{}")}, 1, 0, ""},
		"too many":             {create, []func(*http.Request) (*http.Response, error){many, many, says(201, "{}")}, 3, 14 * time.Second, ""},
		"away":                 {create, []func(*http.Request) (*http.Response, error){away, says(201, "{}")}, 2, 5 * time.Second, ""},
		"lost":                 {create, []func(*http.Request) (*http.Response, error){lost, lost, says(201, "{}")}, 3, 750 * time.Millisecond, ""},
		"for ever":             {put, []func(*http.Request) (*http.Response, error){lost}, 5, 3750 * time.Millisecond, rolecall.Unavailable},
		"too many for ever":    {put, []func(*http.Request) (*http.Response, error){many}, 5, 28 * time.Second, rolecall.Unavailable},
		"in an hour":           {put, []func(*http.Request) (*http.Response, error){refuses(503, rolecall.Unavailable, "Retry-After", "3600")}, 1, 0, rolecall.Unavailable},
		"wrong":                {put, []func(*http.Request) (*http.Response, error){refuses(422, rolecall.Invalid)}, 1, 0, rolecall.Invalid},
		"its own fault":        {put, []func(*http.Request) (*http.Response, error){refuses(500, rolecall.Internal)}, 1, 0, rolecall.Internal},
		"removed":              {remove, []func(*http.Request) (*http.Response, error){lost, refuses(404, rolecall.NotFound)}, 2, 250 * time.Millisecond, ""},
		"was never there":      {remove, []func(*http.Request) (*http.Response, error){many, refuses(404, rolecall.NotFound)}, 2, 7 * time.Second, rolecall.NotFound},
		"released, lost":       {release, []func(*http.Request) (*http.Response, error){lost}, 1, 0, rolecall.Unavailable},
		"released, away":       {release, []func(*http.Request) (*http.Response, error){away}, 1, 0, rolecall.Unavailable},
		"released, too many":   {release, []func(*http.Request) (*http.Response, error){many, says(204, "")}, 2, 7 * time.Second, ""},
		"a page in between":    {create, []func(*http.Request) (*http.Response, error){says(502, "<html>"+planted)}, 1, 0, rolecall.Unavailable},
		"no JSON":              {create, []func(*http.Request) (*http.Response, error){says(200, "<html>")}, 1, 0, rolecall.Unavailable},
		"a problem of nothing": {create, []func(*http.Request) (*http.Response, error){says(403, `{"errors":[null,{}]}`, "Content-Type", "application/problem+json")}, 1, 0, rolecall.Forbidden},
		"elsewhere":            {create, []func(*http.Request) (*http.Response, error){says(307, "", "Location", "https://thief.example.com/")}, 1, 0, rolecall.Unavailable},
		"endless":              {create, []func(*http.Request) (*http.Response, error){says(200, strings.Repeat(" ", maxAnswer+1))}, 1, 0, rolecall.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, begun := &site{answers: c.answers}, time.Now()
				err := c.do(t.Context(), s.client(t))
				if rolecall.CodeOf(err) != c.code || len(s.seen) != c.tries || time.Since(begun) != c.took {
					t.Errorf("%v after %d tries and %s", err, len(s.seen), time.Since(begun))
				}
				if err != nil && strings.Contains(fmt.Sprintf("%+v %#v", err, err), planted) {
					t.Errorf("it shows the token: %v", err)
				}
				for i, r := range s.seen {
					if r.URL.Host != "rolecall.example.com" || r.Header.Get("Authorization") != "Bearer "+planted || s.bodies[i] != s.bodies[0] {
						t.Errorf("%s %v %s", r.URL, r.Header, s.bodies[i])
					}
					key := r.Header.Get("Idempotency-Key")
					if creates := r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/release"); creates != (len(key) > 20) || key != s.seen[0].Header.Get("Idempotency-Key") {
						t.Errorf("the key %q", key)
					}
					if r.Method == http.MethodPut && r.Header.Get("If-Match") != `"3"` {
						t.Errorf("If-Match %s", r.Header.Get("If-Match"))
					}
				}
			})
		})
	}
}

// A call ends with its context, also while it waits to try again.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s := &site{answers: []func(*http.Request) (*http.Response, error){refuses(429, rolecall.Unavailable, "Retry-After", "30")}}
		begun := time.Now()
		if _, err := s.client(t).Organization(ctx, "acme"); err == nil || time.Since(begun) != 10*time.Second || len(s.seen) != 1 {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}

// What the service refuses is an error as rolecall has them everywhere.
func TestErrors(t *testing.T) {
	t.Parallel()
	s := &site{answers: []func(*http.Request) (*http.Response, error){refuses(404, rolecall.NotFound, "X-Request-Id", "r-1")}}
	_, err := s.client(t).Connection(t.Context(), "acme", "a/../b?c")
	var refused *Error
	var one *rolecall.Error
	var list rolecall.Errors
	if !errors.As(err, &refused) || refused.Status != 404 || refused.RequestID != "r-1" || !errors.As(err, &one) || one.Hint != "You: do" || !errors.As(err, &list) {
		t.Errorf("%#v", err)
	}
	if !errors.Is(err, &rolecall.Error{Code: rolecall.NotFound}) || errors.Is(err, &rolecall.Error{Code: rolecall.Forbidden}) {
		t.Errorf("%v is not what it is", err)
	}
	for _, name := range []string{"", ".", ".."} {
		if err := s.client(t).DeleteConnection(t.Context(), "acme", name, 0); rolecall.CodeOf(err) != rolecall.Invalid || len(s.seen) != 1 {
			t.Errorf("the name %q is sent: %v", name, err)
		}
	}
	if got := s.seen[0].URL.EscapedPath(); got != "/api/o/acme/connections/a%2F..%2Fb%3Fc" {
		t.Errorf("a name becomes another path: %s", got)
	}
}

// Nothing that has a secret shows it, however it is written.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	s := &site{answers: []func(*http.Request) (*http.Response, error){says(201, `{"id":"t-1","token":"`+planted+`"}`)}}
	c := s.client(t)
	made, err := c.CreateToken(t.Context(), "acme", NewToken{Role: "viewer"})
	if err != nil || string(made.Secret) != planted {
		t.Fatal(err)
	}
	secret := NewSecret{Value: planted, SecretAccessKey: planted}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("made", "token", made, "secret", secret, "client", c, "options", Options{Token: planted})
	slog.New(slog.NewTextHandler(&logged, nil)).Info("made", "token", made, "secret", secret, "client", c, "options", Options{Token: planted})
	for _, v := range []any{c, *c, made, &made, secret, &secret, Options{Token: planted}, []Token{planted}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&logged, verb, v)
		}
	}
	if text := logged.String(); strings.Contains(text, planted) || strings.Contains(text, fmt.Sprintf("%x", planted)) {
		t.Error(text)
	}
}

// Whose URL, and which token, is said before anything is sent.
func TestNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url, token string
		want       rolecall.Code
	}{
		{"https://rolecall.example.com", planted, ""},
		{"http://127.0.0.1:8420", planted, ""},
		{"http://[::1]:8420/", planted, ""},
		{"http://localhost:8420", planted, ""},
		{"http://rolecall.example.com", planted, rolecall.Invalid},
		{"http://10.0.0.1", planted, rolecall.Invalid},
		{"http://localhost.example.com", planted, rolecall.Invalid},
		{"http://127.0.0.1.example.com", planted, rolecall.Invalid},
		{"https://user:" + planted + "@rolecall.example.com", planted, rolecall.Invalid},
		{"https://rolecall.example.com/api", planted, rolecall.Invalid},
		{"https://rolecall.example.com?x", planted, rolecall.Invalid},
		{"rolecall.example.com", planted, rolecall.Invalid},
		{"ftp://rolecall.example.com", planted, rolecall.Invalid},
		{"", planted, rolecall.Invalid},
		{"https://rolecall.example.com", "", rolecall.Unauthenticated},
		{"https://rolecall.example.com", planted + "\n", rolecall.Invalid},
	} {
		_, err := New(Options{URL: c.url, Token: Token(c.token)})
		if rolecall.CodeOf(err) != c.want || err != nil && strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", c.url, err)
		}
	}
}

// A stream that breaks is taken up where it was: each step comes once.
func TestWatchCheck(t *testing.T) {
	t.Parallel()
	const events = "text/event-stream"
	step := func(n int) string { return fmt.Sprintf("id: %d\nevent: step\ndata: {\"step\":\"s%d\"}\n\n", n, n) }
	const result = "id: 4\nevent: result\ndata: {\"id\":\"c-1\",\"result\":\"pass\"}\n\n"
	for name, c := range map[string]struct {
		answers []func(*http.Request) (*http.Response, error)
		code    rolecall.Code
		tries   int
	}{
		"whole":   {[]func(*http.Request) (*http.Response, error){says(200, step(1)+": still here\n\n"+step(2)+step(3)+result, "Content-Type", events)}, "", 1},
		"broken":  {[]func(*http.Request) (*http.Response, error){says(200, step(1)+"id: 2\nevent: step\ndata: {\"st", "Content-Type", events), lost, refuses(429, rolecall.Unavailable, "Retry-After", "3"), says(200, step(2)+step(3), "Content-Type", events), says(200, result, "Content-Type", events)}, "", 5},
		"revoked": {[]func(*http.Request) (*http.Response, error){says(200, step(1), "Content-Type", events), refuses(401, rolecall.Unauthenticated)}, rolecall.Unauthenticated, 2},
		"odd":     {[]func(*http.Request) (*http.Response, error){says(200, "<html>", "Content-Type", "text/html")}, rolecall.Unavailable, 1},
		"no JSON": {[]func(*http.Request) (*http.Response, error){says(200, "event: step\ndata: {\n\n", "Content-Type", events)}, rolecall.Unavailable, 1},
		"endless": {[]func(*http.Request) (*http.Response, error){says(200, "data: "+strings.Repeat("x", maxEvent), "Content-Type", events)}, rolecall.Unavailable, 1},
		"silent":  {[]func(*http.Request) (*http.Response, error){silent, says(200, step(1)+step(2)+step(3)+result, "Content-Type", events)}, "", 2},
		"away":    {[]func(*http.Request) (*http.Response, error){lost}, rolecall.Unavailable, 11},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, steps := &site{answers: c.answers}, ""
				check, err := s.client(t).WatchCheck(t.Context(), "acme", "masters", "c-1", func(s rolecall.CheckStep) { steps += s.Step })
				if rolecall.CodeOf(err) != c.code || len(s.seen) != c.tries {
					t.Errorf("%v after %d tries", err, len(s.seen))
				}
				if c.code == "" && (steps != "s1s2s3" || check.ID != "c-1") {
					t.Errorf("%s, %+v", steps, check)
				}
				if name == "broken" && (s.seen[1].Header.Get("Last-Event-ID") != "1" || s.seen[4].Header.Get("Last-Event-ID") != "3") {
					t.Errorf("%v, %v", s.seen[1].Header, s.seen[4].Header)
				}
			})
		})
	}
}

// silent is a stream that sends nothing until nobody reads it.
func silent(r *http.Request) (*http.Response, error) {
	reader, writer := io.Pipe()
	context.AfterFunc(r.Context(), func() { _ = writer.CloseWithError(r.Context().Err()) })
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: reader}, nil
}

// A list is read to its end, page after page.
func TestEach(t *testing.T) {
	t.Parallel()
	s := &site{answers: []func(*http.Request) (*http.Response, error){
		says(200, `{"results":[{"api_name":"a"},{"api_name":"b"}],"next":"n-1"}`), says(200, `{"results":[{"api_name":"c"}]}`),
	}}
	var got string
	for o, err := range Each(t.Context(), s.client(t).Organizations) {
		if err != nil {
			t.Fatal(err)
		}
		got += o.APIName
	}
	if got != "abc" || s.seen[1].URL.Query().Get("cursor") != "n-1" {
		t.Errorf("%s, %s", got, s.seen[1].URL)
	}
}
