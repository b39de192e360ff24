package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
)

// Check is a check of a connection, as far as it is.
type Check struct {
	ID           string                `json:"id"`
	Organization string                `json:"organization"`
	Connection   string                `json:"connection"`
	Result       *rolecall.CheckResult `json:"result"` // nil: it runs
	Steps        []rolecall.CheckStep  `json:"steps"`  // those that have ended
	Started      time.Time             `json:"started"`
	Ended        *time.Time            `json:"ended"` // nil: it runs
	// Interrupted: it ended with the service, before its steps did, and found
	// nothing. Result is rolecall.CheckFail then.
	Interrupted bool `json:"interrupted,omitempty"`
}

// NewCheck is what StartCheck takes. All is optional.
type NewCheck struct {
	Deep bool `json:"deep,omitempty"` // write and delete a real object, too
	// Wait is for how long a denied step is tried again, such as 2m; empty: as
	// long as the connection has just changed.
	Wait string `json:"wait,omitempty"`
	// Policies are documents as the account has them, by kind: trust, permissions,
	// boundary, bucket, key, worker, scp or rcp.
	Policies map[string][]json.RawMessage `json:"policies,omitempty"`
}

// Checks lists a connection's, without their steps.
func (c *Client) Checks(ctx context.Context, org, connection string, p Page) (List[Check], error) {
	return answer[List[Check]](ctx, c, call{method: http.MethodGet, path: at("o", org, "connections", connection, "checks"), query: p.query()})
}

// Check returns one.
func (c *Client) Check(ctx context.Context, org, connection, id string) (Check, error) {
	return answer[Check](ctx, c, call{method: http.MethodGet, path: at("o", org, "connections", connection, "checks", id)})
}

// StartCheck begins a check. One runs at a time: the code of the error is
// rolecall.Conflict while another does.
func (c *Client) StartCheck(ctx context.Context, org, connection string, n NewCheck) (Check, error) {
	return answer[Check](ctx, c, call{method: http.MethodPost, path: at("o", org, "connections", connection, "checks"), body: n, creates: true})
}

// The bounds of streams.
const (
	maxEvent   = 16 << 20         // bytes
	streamIdle = 45 * time.Second // the service sends something every 15 s
)

// WatchCheck calls step for each step that ends, in order, and returns the check
// at its end. A stream that breaks is taken up where it was.
func (c *Client) WatchCheck(ctx context.Context, org, connection, id string, step func(rolecall.CheckStep)) (out Check, err error) {
	last, fruitless := "", 0
	for {
		before, ended := last, false
		err := c.events(ctx, at("o", org, "connections", connection, "checks", id, "events"), &last, func(name string, data []byte) error {
			switch name {
			case "step":
				var s rolecall.CheckStep
				if err := json.Unmarshal(data, &s); err != nil {
					return errOddStream
				}
				step(s)
			case "result":
				if err := json.Unmarshal(data, &out); err != nil {
					return errOddStream
				}
				ended = true
			}
			return nil
		})
		if ended {
			return out, nil
		}
		var refused *Error
		again := time.Duration(0)
		if errors.As(err, &refused) {
			if refused.Status != http.StatusTooManyRequests && refused.Status != http.StatusServiceUnavailable || refused.RetryAfter > maxPause {
				return out, err
			}
			again = refused.RetryAfter
		}
		if fruitless++; last != before {
			fruitless = 1
		}
		if errors.Is(err, errOddStream) || fruitless > 2*attempts {
			return out, err
		}
		if !sleep(ctx, max(again, c.pause<<min(fruitless-1, 6))) {
			return out, fmt.Errorf("watch check %s: %w", id, ctx.Err())
		}
	}
}

var errOddStream = &rolecall.Error{Code: rolecall.Unavailable, Message: "the stream is not as rolecall sends it", Hint: "You: check the service's URL, and what stands between you and it"}

// events reads a stream of server-sent events until it ends. Last is the id of
// the last event that was seen.
func (c *Client) events(ctx context.Context, path string, last *string, see func(name string, data []byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := time.AfterFunc(streamIdle, cancel)
	defer idle.Stop()
	r, err := c.request(ctx, call{method: http.MethodGet, path: path, kind: "text/event-stream"}, nil)
	if err != nil {
		return err
	}
	if *last != "" {
		r.Header.Set("Last-Event-ID", *last)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		return problem(response, text)
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return errOddStream
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxEvent)
	var id, name string
	var data []byte
	for lines.Scan() {
		idle.Reset(streamIdle)
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = []byte(value)
		}
		if lines.Text() != "" || name == "" {
			continue
		}
		if err := see(name, data); err != nil {
			return err
		}
		*last = id
		name, data = "", nil
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return errOddStream
	case err != nil:
		return unreachable(err)
	}
	return unreachable(io.ErrUnexpectedEOF)
}
