// Package client is a client of the HTTP API of rolecall serve: a typed call for
// each of its operations.
//
// A call that the service or the network could not answer is repeated, within
// bounds and as long as its context allows; what creates something is sent with
// an Idempotency-Key, so that it is made once. Errors of the service are
// *Error, which has its rolecall.Errors. The token is sent to the service's own
// address only, in no error and no log.
//
// Who has a setup link uses ParseLink: its token is for one connection, which
// SetupLink names.
package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
)

// Token is a token of the service. It formats as a word, whatever the verb.
type Token string

// Format implements fmt.Formatter.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[token]") }

// LogValue implements slog.LogValuer.
func (Token) LogValue() slog.Value { return slog.StringValue("[token]") }

// MarshalText implements encoding.TextMarshaler.
func (Token) MarshalText() ([]byte, error) { return []byte("[token]"), nil }

// Link is a URL that is as secret as a token: who has it may do what it is for.
// string(link) is the URL; it formats as a word, whatever the verb.
type Link string

// Format implements fmt.Formatter.
func (Link) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[link]") }

// LogValue implements slog.LogValuer.
func (Link) LogValue() slog.Value { return slog.StringValue("[link]") }

// MarshalText implements encoding.TextMarshaler.
func (Link) MarshalText() ([]byte, error) { return []byte("[link]"), nil }

// ParseLink returns the service that a setup link leads to, and its token, for
// New. The code of its error is rolecall.Invalid.
func ParseLink(link Link) (Options, error) {
	u, err := url.Parse(string(link))
	if err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" {
		if token, ok := strings.CutPrefix(u.Path, "/setup/"); ok && token != "" && !strings.Contains(token, "/") {
			return Options{URL: u.Scheme + "://" + u.Host, Token: Token(token)}, nil
		}
	}
	return Options{}, &rolecall.Error{Code: rolecall.Invalid, Message: "not a setup link", Hint: "You: give the whole URL, as https://rolecall.example.com/setup/rcl_…"}
}

// Options say which service, and as whom.
type Options struct {
	// URL is the service's own, such as https://rolecall.example.com. Plain http
	// is for loopback addresses only, since the token crosses the network.
	URL   string
	Token Token
	// Transport carries requests; nil: http.DefaultTransport. It is not asked to
	// follow redirects.
	Transport http.RoundTripper
	// UserAgent goes before the client's own.
	UserAgent string
}

// Client calls a service. New makes it. It may be used by several goroutines at
// once.
type Client struct {
	base      *url.URL
	token     Token
	http      *http.Client
	userAgent string
	dryRun    bool
	pause     time.Duration // before the first repetition of a call that was lost
}

// DryRun returns a client whose calls that change something are checked and
// answered by the service, and change nothing.
func (c *Client) DryRun() *Client {
	tries := *c
	tries.dryRun = true
	return &tries
}

// Format implements fmt.Formatter: it shows the URL alone.
func (c Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "client of "+c.base.String())
}

// New returns a client. The code of its error is rolecall.Invalid.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "not the URL of a service", Hint: "You: write it as https://rolecall.example.com, without a path"}
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "the token would cross the network in plain http", Hint: "You: write the service's URL with https"}
	}
	if o.Token == "" {
		return nil, &rolecall.Error{Code: rolecall.Unauthenticated, Message: "there is no token", Hint: "You: ask an admin of the organization, or an operator, for one"}
	}
	if strings.ContainsFunc(string(o.Token), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "the token has characters that no token has", Hint: "You: give the token alone, without spaces or quotes"}
	}
	carries := o.Transport
	if carries == nil {
		carries = http.DefaultTransport
	}
	return &Client{
		base: &url.URL{Scheme: u.Scheme, Host: u.Host}, token: o.Token, userAgent: strings.TrimSpace(o.UserAgent + " rolecall-client"), pause: 250 * time.Millisecond,
		// A redirect would lead the token elsewhere, and the service has none.
		http: &http.Client{Transport: carries, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// The bounds of calls.
const (
	maxAnswer = 32 << 20 // bytes
	attempts  = 5
	maxPause  = time.Minute     // a longer Retry-After is the caller's to wait for
	callTime  = 3 * time.Minute // of one attempt
)

// call is what is asked for.
type call struct {
	method, path string
	query        url.Values
	body         any    // nil: none
	kind         string // of what is asked for; empty: JSON
	revision     int64  // that is to be changed; zero: any
	reads        bool   // is a POST that changes nothing
	creates      bool   // is sent with an Idempotency-Key
	once         bool   // must not be sent again unless the service says that it did nothing
}

// at returns a path of names.
func at(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString("/" + url.PathEscape(name))
	}
	return "/api" + b.String()
}

// NotThere is given in place of a revision to make only what is not there yet:
// the status of the error is 412 if it is.
const NotThere int64 = -1

// reply is what was answered.
type reply struct {
	text []byte
	etag string // empty: none
}

// answer makes a call and reads its answer as JSON.
func answer[T any](ctx context.Context, c *Client, do call) (out T, err error) {
	out, _, err = tagged[T](ctx, c, do)
	return out, err
}

// tagged is answer with the revision that its ETag is; zero for none.
func tagged[T any](ctx context.Context, c *Client, do call) (out T, revision int64, err error) {
	got, err := c.do(ctx, do)
	if err != nil {
		return out, 0, err
	}
	if revision, err = strconv.ParseInt(strings.Trim(got.etag, `"`), 10, 64); err != nil {
		revision = 0
	}
	if err := json.Unmarshal(got.text, &out); err != nil {
		return out, 0, &rolecall.Error{Code: rolecall.Unavailable, Message: "the server does not answer as rolecall does", Hint: "You: check the service's URL, and that nothing in between answers", Err: err}
	}
	return out, revision, nil
}

// done makes a call that is answered with nothing.
func (c *Client) done(ctx context.Context, do call) error {
	_, err := c.do(ctx, do)
	return err
}

// do makes a call, again where that may help, and returns what was answered.
func (c *Client) do(ctx context.Context, do call) (reply, error) {
	var body []byte
	if do.body != nil {
		var err error
		if body, err = json.Marshal(do.body); err != nil {
			return reply{}, &rolecall.Error{Code: rolecall.Invalid, Message: "the body cannot be written as JSON", Hint: "You: give documents that are JSON", Err: err}
		}
	}
	key := ""
	switch tries := c.dryRun && do.method != http.MethodGet && !do.reads; {
	case tries:
		do.query = url.Values{"dry_run": {"true"}}
	case do.creates:
		key = rand.Text()
	}
	lost := false // whether an earlier attempt may have been done
	for n := 1; ; n++ {
		got, err := c.once(ctx, do, key, body)
		var refused *Error
		asked := errors.As(err, &refused)
		if err == nil || asked && lost && do.method == http.MethodDelete && refused.Status == http.StatusNotFound {
			return got, nil
		}
		wait := c.pause << (n - 1)
		switch {
		case asked && (refused.Status == http.StatusTooManyRequests || refused.Status == http.StatusServiceUnavailable && !do.once):
			wait = cmp.Or(refused.RetryAfter, wait)
			lost = lost || refused.Status == http.StatusServiceUnavailable
		case asked || do.once || ctx.Err() != nil:
			return reply{}, err
		default:
			lost = true
		}
		if n == attempts || wait > maxPause || !sleep(ctx, wait) {
			return reply{}, err
		}
	}
}

// sleep reports whether the context lasted.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once makes one attempt.
func (c *Client) once(ctx context.Context, do call, key string, body []byte) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := c.request(ctx, do, body)
	if err != nil {
		return reply{}, err
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	switch do.revision {
	case 0:
	case NotThere:
		r.Header.Set("If-None-Match", "*")
	default:
		r.Header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(do.revision)))
	}
	response, err := c.http.Do(r)
	if err != nil {
		return reply{}, unreachable(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return reply{}, unreachable(err)
	case len(text) > maxAnswer:
		return reply{}, &Error{Status: response.StatusCode, Errors: rolecall.Errors{{
			Code: rolecall.Unavailable, Message: "the answer is larger than 32 MiB", Hint: "You: ask for less at a time, and check the service's URL",
		}}}
	case response.StatusCode/100 != 2:
		return reply{}, problem(response, text)
	}
	return reply{text, response.Header.Get("ETag")}, nil
}

func (c *Client) request(ctx context.Context, do call, body []byte) (*http.Request, error) {
	if path.Clean(do.path) != do.path {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "a name is empty, or . or .., which lead to another path", Hint: "You: give the names of what is there; lists show them"}
	}
	text := c.base.String() + do.path
	if len(do.query) > 0 {
		text += "?" + do.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, do.method, text, bytes.NewReader(body))
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "not a request", Hint: "You: check the names that you give", Err: err}
	}
	r.Header.Set("Authorization", "Bearer "+string(c.token))
	r.Header.Set("Accept", cmp.Or(do.kind, "application/json"))
	r.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// unreachable is the error where no answer came.
func unreachable(err error) error {
	message := "the service cannot be reached"
	if network := (*net.OpError)(nil); errors.As(err, &network) && network.Op != "dial" {
		message = "the connection to the service was lost"
	}
	return &rolecall.Error{Code: rolecall.Unavailable, Message: message, Hint: "You: check the service's URL and your network. Operator: see whether rolecall serve runs", Err: err}
}
