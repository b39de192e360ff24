package sandbox

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func faulty(list ...Fault) func(*Config) {
	return func(cfg *Config) { cfg.Faults = list }
}

func TestFaults(t *testing.T) {
	t.Parallel()
	half, none := 0.5, 0.0
	for _, c := range []struct {
		name   string
		faults []Fault
		want   []string // codes of four reads
	}{
		{"error", []Fault{{Service: "s3", Error: "SlowDown"}}, []string{"SlowDown", "SlowDown", "SlowDown", "SlowDown"}},
		{"times", []Fault{{Operation: "GetObject", Error: "internal", Times: 2}}, []string{"InternalError", "InternalError", "", ""}},
		{"after and times", []Fault{{Error: "unavailable", After: 1, Times: 1}}, []string{"", "ServiceUnavailable", "", ""}},
		{"another operation", []Fault{{Operation: "PutObject", Error: "throttle"}}, []string{"", "", "", ""}},
		{"another service", []Fault{{Service: "sts", Error: "throttle"}}, []string{"", "", "", ""}},
		{"another bucket", []Fault{{Service: "s3", Bucket: "globex-delivery", Error: "throttle"}}, []string{"", "", "", ""}},
		{"one after the other", []Fault{{Error: "throttle", Times: 1}, {Error: "internal", Times: 1}}, []string{"SlowDown", "InternalError", "", ""}},
		{"never", []Fault{{Error: "throttle", Rate: &none}}, []string{"", "", "", ""}},
		{"a code of its own", []Fault{{Error: "OperationAborted", Times: 1}}, []string{"OperationAborted", "", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := loaded(t, faulty(c.faults...), Options{})
			var got []string
			for range 4 {
				got = append(got, codeOf(get(t.Context(), w.s3(keysOf("admin"), "eu-central-1"), "acme-masters", "in/a.mov")))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	falls := func(seed int64) (out []bool) {
		f := newFaults([]Fault{{Error: "throttle", Rate: &half}}, seed)
		for range 64 {
			out = append(out, f.hit("s3", "GetObject", "b") != nil)
		}
		return out
	}
	if !slices.Equal(falls(1), falls(1)) || slices.Equal(falls(1), falls(2)) {
		t.Error("the seed does not decide where faults fall")
	}
	if n := len(slices.DeleteFunc(falls(1), func(b bool) bool { return !b })); n < 16 || n > 48 {
		t.Errorf("%d of 64 fell at a rate of one half", n)
	}
}

func TestFaultsOfOtherServices(t *testing.T) {
	t.Parallel()
	w := loaded(t, faulty(Fault{Error: "throttle"}), Options{})
	_, err := w.sts(worker).GetCallerIdentity(t.Context(), nil)
	wants(t, err, "Throttling", "Rate exceeded")
	w = loaded(t, faulty(Fault{Error: "AccessDenied"}), Options{})
	_, err = w.sts(worker).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1")})
	wants(t, err, "AccessDenied", "User: arn:aws:iam::873682911326:user/worker is not authorized to perform: sts:AssumeRole on resource: "+media)
	wants(t, get(t.Context(), w.s3(keysOf("admin"), "eu-central-1"), "acme-masters", "in/a.mov"), "AccessDenied", "api error AccessDenied: Access Denied")
	for status, f := range map[int]Fault{
		503: {Error: "SlowDown"}, 409: {Error: "OperationAborted"}, 400: {Error: "SomethingElse"}, 599: {Error: "SlowDown", Status: 599},
	} {
		if got := f.failure("s3").status; got != status {
			t.Errorf("%s has status %d, want %d", f.Error, got, status)
		}
	}
}

// S3 says of some operations that they went well, and then that they did not.
func TestFaultBehindGoodStatus(t *testing.T) {
	t.Parallel()
	w := loaded(t, faulty(Fault{Service: "s3", Operation: "CopyObject", Error: "internal", Status: 200}), Options{})
	r := w.request(t, "PUT", "/acme-masters/in/b.mov", "")
	r.Header.Set("X-Amz-Copy-Source", "acme-masters/in/a.mov")
	sign(t, r, keysOf("admin"), "s3", "eu-central-1", "UNSIGNED-PAYLOAD")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "<Error><Code>InternalError</Code>") {
		t.Errorf("got %d, %s, %v", resp.StatusCode, body, err)
	}
}

func TestCutConnections(t *testing.T) {
	t.Parallel()
	zero, some, lots := int64(0), int64(5), int64(1<<20)
	for _, c := range []struct {
		name string
		Fault
		got string // of "a small film"
	}{
		{"at once", Fault{CutResponseAfter: &zero}, ""},
		{"in the middle", Fault{CutResponseAfter: &some}, "a sma"},
		{"after an error's beginning", Fault{CutResponseAfter: &some, Error: "SlowDown"}, "<?xml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := loaded(t, faulty(c.Fault), Options{})
			r := w.request(t, "GET", "/acme-masters/in/a.mov", "")
			sign(t, r, keysOf("admin"), "s3", "eu-central-1", "UNSIGNED-PAYLOAD")
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
			body := []byte{}
			if err == nil {
				body, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if string(body) != c.got || err == nil {
				t.Errorf("got %q and %v, want %q and an error", body, err, c.got)
			}
			waitFor(t, w, func(e Event) bool { return e.ErrorCode == "ConnectionCut" && e.Status == 0 })
		})
	}
	t.Run("of an upload", func(t *testing.T) {
		t.Parallel()
		w := loaded(t, faulty(Fault{Operation: "PutObject", CutRequestAfter: &lots}), Options{})
		client := w.s3(keysOf("admin"), "eu-central-1")
		err := put(t.Context(), client, "acme-masters", "big", strings.Repeat("x", 4<<20))
		var api smithy.APIError
		if err == nil || errors.As(err, &api) {
			t.Errorf("got %v, want a broken connection", err)
		}
		wants(t, get(t.Context(), client, "acme-masters", "big"), "NoSuchKey", "")
		wants(t, put(t.Context(), client, "acme-masters", "small", "x"), "", "")
	})
}

// waitFor looks for an event that the server writes after its client knows.
func waitFor(t testing.TB, w *world, is func(Event) bool) {
	t.Helper()
	if err := w.Close(); err != nil { // which waits for requests to end
		t.Error(err)
	}
	if !slices.ContainsFunc(w.Trail(), is) {
		t.Errorf("no such event in %+v", w.Trail())
	}
}

func TestEarlyExpiry(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{offset: -5 * time.Minute}
	w := loaded(t, faulty(Fault{Service: "sts", ExpireAfter: Duration(time.Minute), Times: 1}), Options{Clock: clock.now})
	out, err := w.sts(worker).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1"), ExternalId: aws.String("x-42")})
	if err != nil {
		t.Fatal(err)
	}
	if left := out.Credentials.Expiration.Sub(clock.now()); left < 59*time.Minute {
		t.Errorf("the client is told of %s", left)
	}
	lasting := w.assume(t, worker, sts.AssumeRoleInput{})
	wants(t, get(t.Context(), w.s3(of(out.Credentials), "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
	clock.set(-3 * time.Minute)
	wants(t, get(t.Context(), w.s3(of(out.Credentials), "eu-central-1"), "acme-masters", "in/a.mov"), "ExpiredToken", "")
	wants(t, get(t.Context(), w.s3(lasting, "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
}

func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := Fault{Delay: Duration(time.Hour)}
		begin := time.Now()
		f.wait(nil, nil)
		if time.Since(begin) != time.Hour {
			t.Errorf("waited %s", time.Since(begin))
		}
		closed := make(chan struct{})
		close(closed)
		begin = time.Now()
		f.wait(closed, nil)
		f.wait(nil, closed)
		if time.Since(begin) != 0 {
			t.Errorf("waited %s for who is gone", time.Since(begin))
		}
	})
}

func TestCloseEndsDelays(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	var serving atomic.Bool
	clock := func() time.Time {
		if serving.CompareAndSwap(true, false) {
			arrived <- struct{}{}
		}
		return time.Now()
	}
	w := loaded(t, faulty(Fault{Delay: Duration(time.Hour)}), Options{Clock: clock})
	serving.Store(true)
	failed := make(chan error)
	go func() { failed <- get(t.Context(), w.s3(keysOf("admin"), "eu-central-1"), "acme-masters", "in/a.mov") }()
	<-arrived
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("a request outlived the server")
	}
}

// A connection may be taken just before the server closes, and its request
// come after it.
func TestNoRequestAfterClose(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	defer func() {
		if broken := recover(); broken != http.ErrAbortHandler { //nolint:errorlint // the very value
			t.Errorf("a closed server ends a request with %v", broken)
		}
	}()
	w.ServeHTTP(httptest.NewRecorder(), w.request(t, http.MethodGet, "/acme-masters/in/a.mov", ""))
}
