package dispenser

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/awscode"
)

// Options are optional settings of a Dispenser. The zero value works.
type Options struct {
	Log   *slog.Logger     // logs what is vended and refused; nil: none
	Clock func() time.Time // nil: time.Now
}

// Dispenser vends credentials. New makes it; Close closes its connections.
type Dispenser struct {
	cfg         *Config
	path        string // of its URL
	credentials aws.CredentialsProvider
	http        *http.Client
	log         *slog.Logger
	clock       func() time.Time
	// Limits of concurrent work. Strangers can fill proofs, but never slots.
	proofs slots // proofs of identity that STS is verifying
	slots  slots // requests of callers that are authenticated
}

// New returns a dispenser for the config. Its own credentials are loaded when
// the first session is vended.
func New(cfg *Config, o Options) (*Dispenser, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	client := newClient()
	source := credential.SourceOptions{HTTPClient: client, Getenv: cfg.getenv}
	if cfg.stsEndpoint != nil {
		source.STSEndpoint = cfg.stsEndpoint.String()
	}
	opened, err := credential.Open(map[string]credential.Declared{ownIdentity: cfg.identity}, source)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(cfg.url)
	if err != nil {
		return nil, err
	}
	return &Dispenser{
		cfg: cfg, path: u.EscapedPath(), credentials: opened[ownIdentity].Credentials, http: client, log: o.Log, clock: o.Clock,
		proofs: make(slots, maxRequests), slots: make(slots, maxRequests),
	}, nil
}

// Close closes idle connections to STS.
func (d *Dispenser) Close() { d.http.CloseIdleConnections() }

// newClient returns a client for STS, the only service that a dispenser calls.
// A proxy from the environment is the customer's own.
func newClient() *http.Client {
	return &http.Client{
		Timeout: stsTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: stsTimeout, ResponseHeaderTimeout: stsTimeout,
			MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

const (
	stsTimeout = 5 * time.Second
	// answerTimeout is shorter than the timeout of the worker's side.
	answerTimeout = 9 * time.Second
	// maxRequests limits concurrent proofs, and concurrent answers: each makes a
	// call to STS.
	maxRequests = 64
)

// slots limit concurrent work.
type slots chan struct{}

// acquire takes a slot, or returns an error if none is free. The caller must
// call release.
func (s slots) acquire(what string) (release func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	default:
		return nil, refuse(rolecall.Unavailable, "too many "+what+" at a time", nil)
	}
}

// Ask is a request, from any kind of server.
type Ask struct {
	Query url.Values
	From  string // the client's address, for the log
	// Caller authenticates the caller and returns a name for the log. Its error
	// must be one of this package; any other counts as a failure.
	Caller func(context.Context) (string, error)
}

// Answer is the response to an Ask: a status, and JSON that must not be cached.
type Answer struct {
	Status int
	Body   []byte
}

// Answer decides on a request, vends credentials, and logs the decision.
func (d *Dispenser) Answer(ctx context.Context, ask Ask) Answer {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	log := d.log.With("from", ask.From)
	caller, err := ask.Caller(ctx)
	if err != nil {
		return d.refusal(ctx, log, err)
	}
	log = log.With("caller", caller)
	release, err := d.slots.acquire("requests")
	if err != nil {
		return d.refusal(ctx, log, err)
	}
	defer release()
	r, err := readRequest(ask.Query)
	if err != nil {
		return d.refusal(ctx, log, err)
	}
	log = log.With("job", r.job, "task", r.task, "tool", r.tool, "bucket", r.bucket, "prefix", r.prefix, "access", r.access)
	if !d.cfg.knows(r) {
		return d.refusal(ctx, log, refuse(rolecall.Forbidden, "organization and external id are not known together", nil))
	}
	log = log.With("org", r.organization)
	g, ok := d.cfg.grantFor(r)
	if !ok {
		return d.refusal(ctx, log, refuse(rolecall.Forbidden, "no grant covers this", nil))
	}
	log = log.With("role", g.Role.String())
	s, err := d.assume(ctx, g, r)
	if err != nil {
		return d.refusal(ctx, log, err)
	}
	log.InfoContext(ctx, "vended", "access_key_id", s.AccessKeyID, "expires", s.Expiration)
	return answer(http.StatusOK, s)
}

// knows reports whether the external id is the organization's. It compares it
// with all of them, each in constant time.
func (c *Config) knows(r request) bool {
	given := digestOf(r.organization, r.externalID)
	found := 0
	for _, d := range c.externalIDs {
		found |= subtle.ConstantTimeCompare(given[:], d[:])
	}
	return found == 1
}

// session is the body of an answer, in the form of AWS's container endpoints.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
type session struct {
	AccessKeyID     string    `json:"AccessKeyId"`
	SecretAccessKey string    `json:"SecretAccessKey"`
	Token           string    `json:"Token"`
	Expiration      time.Time `json:"Expiration"`
}

// assume assumes the grant's role for the request. The session's name shows
// organization and job in CloudTrail.
func (d *Dispenser) assume(ctx context.Context, g Grant, r request) (session, error) {
	sessionPolicy, err := g.session(r)
	if err != nil {
		return session{}, refuse(rolecall.Invalid, "session policy: "+err.Error(), nil)
	}
	job := r.job
	if job == "" {
		job = "none"
	}
	region := g.Region
	if region == "" {
		region = rolecall.HomeRegion(g.Role.Partition)
	}
	o := sts.Options{Region: region, Credentials: d.credentials, HTTPClient: d.http, RetryMaxAttempts: 2}
	if d.cfg.stsEndpoint != nil {
		o.BaseEndpoint = aws.String(d.cfg.stsEndpoint.String())
	}
	out, err := sts.New(o).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn:         aws.String(g.Role.String()),
		RoleSessionName: aws.String(credential.Role{Organization: r.organization, JobID: job}.SessionName()),
		Policy:          aws.String(string(sessionPolicy)),
		DurationSeconds: aws.Int32(int32(g.Duration / time.Second)),
	})
	if err != nil {
		return session{}, assumeError(err)
	}
	c := out.Credentials
	if c == nil || aws.ToString(c.SessionToken) == "" || c.Expiration == nil {
		return session{}, refuse(rolecall.Unavailable, "STS's answer is incomplete", nil)
	}
	return session{aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken), c.Expiration.UTC()}, nil
}

// assumeError distinguishes failures that may pass from those that the
// customer's administrator must fix: a role that does not trust the dispenser,
// missing credentials of its own, or a duration that the role does not allow.
func assumeError(err error) error {
	answer, answered := awscode.Read(err)
	var own *rolecall.Error
	switch {
	case errors.As(err, &own):
		return refuse(rolecall.Internal, "the dispenser has no credentials of its own", err)
	case answered && answer.Meaning != awscode.Throttled && answer.Meaning != awscode.Failing:
		return refuse(rolecall.Internal, "STS refuses the grant's role", err)
	default:
		return refuse(rolecall.Unavailable, "assume the grant's role", err)
	}
}

// refuse returns the error of a refusal. The code is for the caller; the reason
// and its cause are for the log.
func refuse(code rolecall.Code, reason string, cause error) error {
	return &rolecall.Error{Code: code, Message: reason, Err: cause}
}

// answers are all that callers learn about a refusal. They contain no reasons,
// so that one cannot be distinguished from another.
var answers = map[rolecall.Code]struct {
	status  int
	message string
}{
	rolecall.Invalid:         {http.StatusBadRequest, "the parameters are not of the contract"},
	rolecall.Unauthenticated: {http.StatusUnauthorized, "the caller is not proved"},
	rolecall.Forbidden:       {http.StatusForbidden, "not granted"},
	rolecall.NotFound:        {http.StatusNotFound, "there is nothing here"},
	rolecall.Unavailable:     {http.StatusServiceUnavailable, "try again later"},
	rolecall.Internal:        {http.StatusBadGateway, "AWS does not give the dispenser what it needs; its operator finds the cause in its log"},
}

// refusal logs a refusal and returns its answer.
func (d *Dispenser) refusal(ctx context.Context, log *slog.Logger, err error) Answer {
	e := rolecall.List(err)[0]
	attrs := []any{"code", e.Code, "reason", e.Message}
	if e.Err != nil {
		attrs = append(attrs, "cause", e.Err)
	}
	level := slog.LevelWarn
	if e.Code == rolecall.Internal {
		level = slog.LevelError
	}
	log.Log(ctx, level, "refused", attrs...)
	return errorAnswer(e.Code)
}

// errorAnswer returns the answer for a code, in the form that AWS's tools
// expect of a credential endpoint.
func errorAnswer(code rolecall.Code) Answer {
	s := answers[code]
	return answer(s.status, map[string]string{"code": string(code), "message": s.message})
}

func answer(status int, v any) Answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and times only
	}
	return Answer{Status: status, Body: append(body, '\n')}
}
