package credential_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

const (
	workerARN  = "arn:aws:iam::873682911326:role/VTKWorker"
	mediaARN   = "arn:aws:iam::111122223333:role/media"
	externalID = "Acme-42x"
)

// fakeSTS is an STS over HTTP that answers AssumeRole as its rule says and
// remembers each call.
type fakeSTS struct {
	server *httptest.Server
	mu     sync.Mutex
	rule   func(stsCall) stsAnswer
	calls  []stsCall
	caller func(accessKeyID string) string // ARN; nil: a session of workerARN
	asked  int                             // who calls
}

type stsCall struct {
	RoleARN, SessionName, Policy, Duration, UserAgent string
	Region                                            string // of the signature
	ExternalID                                        []string
}

// id is the external id, or a mark for none.
func (c stsCall) id() string {
	if c.ExternalID == nil {
		return "(absent)"
	}
	return c.ExternalID[0]
}

// stsAnswer is an error, or a session where code is empty.
type stsAnswer struct {
	status        int
	code, message string
	roleID        string        // "": AROA1
	life          time.Duration // zero: as asked
}

func newFakeSTS(t testing.TB, rule func(stsCall) stsAnswer) *fakeSTS {
	t.Helper()
	f := &fakeSTS{rule: rule}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fakeSTS) setRule(rule func(stsCall) stsAnswer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rule = rule
}

// setCaller says whom the vault's keys are of; empty: a session of workerARN.
func (f *fakeSTS) setCaller(arn string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.caller = nil
	if arn != "" {
		f.caller = func(string) string { return arn }
	}
}

func (f *fakeSTS) seen() []stsCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]stsCall(nil), f.calls...)
}

func (f *fakeSTS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err == nil && r.Form.Get("Action") == "GetCallerIdentity" {
		f.serveIdentity(w, r)
		return
	}
	if err := r.ParseForm(); err != nil || r.Form.Get("Action") != "AssumeRole" {
		http.Error(w, "not AssumeRole", http.StatusBadRequest)
		return
	}
	call := stsCall{
		RoleARN: r.Form.Get("RoleArn"), SessionName: r.Form.Get("RoleSessionName"), Policy: r.Form.Get("Policy"),
		Duration: r.Form.Get("DurationSeconds"), ExternalID: r.Form["ExternalId"], UserAgent: r.UserAgent(),
	}
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 2 {
		call.Region = scope[2]
	}
	f.mu.Lock()
	f.calls = append(f.calls, call)
	n, rule := len(f.calls), f.rule
	f.mu.Unlock()
	answer := rule(call)
	w.Header().Set("Content-Type", "text/xml")
	if answer.code != "" {
		w.WriteHeader(answer.status)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, answer.code, escapeXML(answer.message))
		return
	}
	if answer.roleID == "" {
		answer.roleID = "AROA1"
	}
	if answer.life == 0 {
		answer.life, _ = time.ParseDuration(call.Duration + "s")
	}
	role, _ := rolecall.ParseARN(call.RoleARN)
	fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>%s:%s</AssumedRoleId><Arn>arn:aws:sts::%s:assumed-role/%s/%s</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIA%d</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token-%d</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		answer.roleID, call.SessionName, role.Account, role.RoleName(), call.SessionName, n, n, epoch.Add(answer.life).Format(time.RFC3339))
}

// serveIdentity answers GetCallerIdentity by the access key of the signature.
func (f *fakeSTS) serveIdentity(w http.ResponseWriter, r *http.Request) {
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ = strings.Cut(key, "/")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	arn := "arn:aws:sts::873682911326:assumed-role/VTKWorker/i-0worker"
	if f.caller != nil {
		arn = f.caller(key)
	}
	w.Header().Set("Content-Type", "text/xml")
	if arn == "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
		return
	}
	fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>%s</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`, escapeXML(arn))
}

func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// epoch is when the tests' clocks begin; the fake's sessions are counted from
// it.
var epoch = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func denied() stsAnswer {
	d := policy.Denial{Principal: workerARN, Action: "sts:AssumeRole", Resource: mediaARN}
	return stsAnswer{status: 403, code: "AccessDenied", message: d.String()}
}

// strict is a role that asks for the right external id.
func strict(c stsCall) stsAnswer {
	if c.id() == externalID {
		return stsAnswer{}
	}
	return denied()
}

// trusting answers as a role with this trust policy.
func trusting(t testing.TB, trust string) func(stsCall) stsAnswer {
	t.Helper()
	document, err := policy.Parse([]byte(trust))
	if err != nil {
		t.Fatal(err)
	}
	allowAll, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	return func(c stsCall) stsAnswer {
		keys := map[string][]string{"sts:RoleSessionName": {c.SessionName}}
		if c.ExternalID != nil {
			keys["sts:ExternalId"] = c.ExternalID
		}
		result := policy.Evaluate(policy.Request{Principal: workerARN, Action: "sts:AssumeRole", Resource: c.RoleARN, Account: "111122223333", Context: keys},
			policy.Policies{Identity: []*policy.Document{allowAll}, Resource: document})
		if result.Decision == "allowed" {
			return stsAnswer{}
		}
		return denied()
	}
}

// fakeClock is set by hand.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a vault over a fake STS.
type bench struct {
	*credential.Vault
	sts    *fakeSTS
	clock  *fakeClock
	events *events
}

type events struct {
	mu   sync.Mutex
	list []credential.Event
}

func (e *events) add(event credential.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

func (e *events) of(kind credential.EventKind) []credential.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []credential.Event
	for _, event := range e.list {
		if event.Kind == kind {
			out = append(out, event)
		}
	}
	return out
}

func subject(change func(*credential.Subject)) credential.Subject {
	s := credential.Subject{Organization: "acme", Principal: "production", RoleARN: mediaARN, ExternalID: externalID, Region: acme().Region}
	change(&s)
	return s
}

// newBench is without a server where no rule is given.
func newBench(t testing.TB, rule func(stsCall) stsAnswer, change ...func(*credential.Options)) *bench {
	t.Helper()
	b := &bench{sts: &fakeSTS{server: &httptest.Server{}}, clock: &fakeClock{now: epoch}, events: &events{}}
	if rule != nil {
		b.sts = newFakeSTS(t, rule)
	}
	options := credential.Options{
		Principals: map[string]credential.Principal{
			"production": principal(t, "production", workerARN),
			"china":      principal(t, "china", "arn:aws-cn:iam::873682911327:user/worker"),
		},
		VendorAccounts: []string{"999999999999"},
		Verdicts:       credential.Memory(),
		STSEndpoint:    b.sts.server.URL,
		HTTPClient:     b.sts.server.Client(),
		Now:            b.clock.Now,
		OnEvent:        b.events.add,
	}
	for _, f := range change {
		f(&options)
	}
	var err error
	if b.Vault, err = credential.New(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func principal(t testing.TB, name, arn string) credential.Principal {
	t.Helper()
	a, err := rolecall.ParseARN(arn)
	if err != nil {
		t.Fatal(err)
	}
	return credential.Principal{
		Principal:   rolecall.Principal{Name: name, ARN: a},
		Credentials: aws.CredentialsProviderFunc(staticKeys),
	}
}

func acme() credential.Role {
	return credential.Role{
		Organization: "acme", Principal: "production", RoleARN: mediaARN, ExternalID: externalID,
		JobID: "01JOB", Policy: []byte(`{"Version":"2012-10-17","Statement":[]}`), Region: "eu-central-1",
	}
}
