package job_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/task"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox"
)

// The spellings of a dispenser's answers.
const (
	awsForm       = `{"AccessKeyId":%q,"SecretAccessKey":%q,"SessionToken":%q,"Expiration":%q}`
	containerForm = `{"AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q,"RoleArn":"x"}`
	snakeForm     = `{"access_key_id":%q,"secret_access_key":%q,"session_token":%q,"expiration":%q}`
)

// dispense serves a dispenser of acme's, at https://vend.example.com, that
// gives sessions of a role which the vendor cannot assume, and makes a vault
// that knows its token. It gives what work asked for.
func (w *world) dispense(t *testing.T, form string) func() []url.Values {
	t.Helper()
	parse := func(text string) *policy.Document {
		d, err := policy.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if err := w.server.PutRole("111122223333", "vended", &sandbox.Role{
		Trust:    parse(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::111122223333:user/ci"}}}`),
		Policies: []*policy.Document{parse(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`)},
	}); err != nil {
		t.Fatal(err)
	}
	client := sts.New(sts.Options{
		Region: "eu-central-1", BaseEndpoint: &w.server.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIAACME000000000001", "acme-secret", ""),
	})
	var mu sync.Mutex
	var asked []url.Values
	proofs := map[string]int{} // by access
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.Header.Get("Authorization") != "Bearer planted-token" || q.Get("organization") != "acme" || q.Get("external_id") != "acme-42" {
			http.Error(rw, "planted", http.StatusForbidden)
			return
		}
		mu.Lock()
		if proofs[q.Get("access")]++; proofs[q.Get("access")] > 2 { // those before were a proof's
			asked = append(asked, q)
		}
		mu.Unlock()
		out, err := client.AssumeRole(r.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::111122223333:role/vended"), RoleSessionName: aws.String("vended"),
		})
		if err != nil {
			http.Error(rw, "planted", http.StatusBadGateway)
			return
		}
		c := out.Credentials
		fmt.Fprintf(rw, form, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken, c.Expiration.Format(time.RFC3339))
	}))
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com"
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	w.org.Secrets["token"] = rolecall.Secret{Name: "token", Type: rolecall.SecretText, Version: "1", Host: "vend.example.com"}
	w.options.Bearers = func(context.Context, string, string) (credential.Bearer, error) {
		return credential.Bearer{Token: "planted-token"}, nil
	}
	w.options.Tenants = func(string) *http.Client { return &http.Client{Transport: transport} }
	w.vault = w.another(t)
	return func() []url.Values {
		mu.Lock()
		defer mu.Unlock()
		return asked
	}
}

const vended = `"http_credential_source": {"url": "https://vend.example.com/", "secret": "token"}`

// A fetch by a dispenser's credentials goes on when they expire in its middle,
// in whichever spelling they come.
func TestTransfersOutliveWhatADispenserGave(t *testing.T) {
	t.Parallel()
	data := media(5, 48<<20)
	for name, form := range map[string]string{"AWS": awsForm, "container": containerForm, "snake": snakeForm} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "  - {service: sts, operation: AssumeRole, expire_after: 60s}\n")
			asked := w.dispense(t, form)
			w.put(t, "acme-masters", map[string][]byte{"in/big": data})
			dir := t.TempDir()
			var late sync.Once
			report := w.run(t.Context(), t, dir, tool("storage:get", `{"location": "s3://acme-masters/in/big", `+vended+`}`), func(e job.Event) {
				if e.Progress.Kind == task.Moved {
					late.Do(func() { w.late.Add(61) })
				}
			})
			if report.Status != rolecall.Completed {
				t.Fatal(show(report))
			}
			if got := tree(t, dir)["big"]; sha256.Sum256(got) != sha256.Sum256(data) {
				t.Errorf("%d bytes arrived, not the same", len(got))
			}
			if n := len(asked()); n != 2 {
				t.Errorf("asked %d times for one task of two sessions", n)
			}
		})
	}
}

// Each task asks for itself, and says what for.
func TestDispenserIsToldWhatFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	asked := w.dispense(t, awsForm)
	w.put(t, "acme-masters", map[string][]byte{"in/a": []byte("a"), "in/b": []byte("b")})
	var told []task.Event
	report := w.run(t.Context(), t, t.TempDir(), strings.Join([]string{
		tool("storage:get", `{"location": "s3://acme-masters/in/", "files": ["*"], `+vended+`}`),
		tool("storage:put", `{"location": "s3://acme-masters/out/c", "base_dir": "", "overwrite": true, "files": ["a"], `+vended+`}`),
		tool("storage:tag_s3", `{"location": "s3://acme-masters/in/a", "tags": {"k": "v"}, `+vended+`}`),
		tool("storage:copy", `{"source": {"location": "s3://acme-masters/in/a", `+vended+`}, "destination": {"location": "s3://acme-masters/copy", `+vended+`}}`),
	}, ","), func(e job.Event) {
		if e.Progress.Kind == task.Authorized {
			told = append(told, e.Progress)
		}
	})
	if report.Status != rolecall.Completed {
		t.Fatal(show(report))
	}
	var got []string
	for _, q := range asked() {
		got = append(got, strings.Join([]string{q.Get("task_id"), q.Get("tool"), q.Get("bucket"), q.Get("prefix"), q.Get("access")}, " "))
		if q.Get("job_id") != report.ID {
			t.Errorf("asked for job %q", q.Get("job_id"))
		}
	}
	want := "0 storage:get acme-masters in/ read|1 storage:put acme-masters out/c/ write|2 storage:tag_s3 acme-masters in/a write|" +
		"3 storage:copy acme-masters in/a read|3 storage:copy acme-masters copy write"
	if strings.Join(got, "|") != want {
		t.Errorf("asked for %q", got)
	}
	if len(told) != 5 || told[0].Dispenser != "https://vend.example.com/" || told[0].Role != "" || told[0].Policy != nil {
		t.Errorf("told of %+v", told)
	}
}

// The bucket's owner is taken to be the account of the credentials; what is
// refused names the dispenser.
func TestDispensersBucketOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.dispense(t, awsForm)
	for _, owner := range []string{``, `, "bucket_owner": "222233334444"`} {
		report := w.run(t.Context(), t, t.TempDir(), tool("storage:get", `{"location": "s3://globex-delivery/x"`+owner+`, `+vended+`}`), nil)
		if report.Status != rolecall.Failed || len(report.Errors) != 1 {
			t.Fatal(show(report))
		}
		if e := report.Errors[0]; e.Code != rolecall.Forbidden || !strings.Contains(e.Message, "may not be read") || !strings.Contains(e.Message, "the dispenser https://vend.example.com/") ||
			owner == "" && !strings.Contains(e.Message, "does not belong to account 111122223333") {
			t.Errorf("%+v", e)
		}
	}
}

// A refusal is told with the place that names the dispenser.
func TestDispenserThatRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	asked := w.dispense(t, awsForm)
	w.org.ExternalID.Value = "other-42"
	report := w.run(t.Context(), t, t.TempDir(), tool("storage:get", `{"location": "s3://acme-masters/in/a", `+vended+`}`), nil)
	if report.Status != rolecall.Failed || len(report.Errors) != 1 || len(asked()) != 0 {
		t.Fatal(show(report))
	}
	e := report.Errors[0]
	if e.Code != rolecall.Forbidden || e.Pointer != "/tasks/0/parameters/http_credential_source" || !strings.Contains(e.Message, "refuses (403)") || strings.Contains(show(report), "planted") {
		t.Errorf("%+v", e)
	}
}
