package dispenser

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox"
)

func (b *bench) s3(t *testing.T, keys aws.CredentialsProvider) *s3.Client {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &b.sts, Credentials: keys, UsePathStyle: true, HTTPClient: client,
		RetryMaxAttempts: 1, DisableLogOutputChecksumValidationSkipped: true,
	})
}

func get(t *testing.T, c *s3.Client, bucket, key string) bool {
	t.Helper()
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err == nil {
		err = out.Body.Close()
	}
	return err == nil
}

func put(t *testing.T, c *s3.Client, bucket, key string) bool {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
	return err == nil
}

func list(t *testing.T, c *s3.Client, bucket, prefix string) bool {
	t.Helper()
	_, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	return err == nil
}

// A vended session reaches what the request asks for and nothing else, although
// the role itself may do everything.
func TestVendedSessionsAreScoped(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	want := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v", what, got)
		}
	}

	reading := b.s3(t, vended(t, b.askAs(t, asDispenser, query())))
	want("read", get(t, reading, "acme-masters", "in/a/film.mov"), true)
	want("list", list(t, reading, "acme-masters", "in/"), true)
	want("read a neighbour that begins alike", get(t, reading, "acme-masters", "input/secret.mov"), false)
	want("list the bucket", list(t, reading, "acme-masters", ""), false)
	want("write where one may read", put(t, reading, "acme-masters", "in/new"), false)
	want("read another bucket", list(t, reading, "acme-delivery", "out/"), false)

	below := b.s3(t, vended(t, b.askAs(t, asUser, query("prefix", "in/a/"))))
	want("read below", get(t, below, "acme-masters", "in/a/film.mov"), true)
	want("read beside, within the grant", get(t, below, "acme-masters", "in/other.mov"), false)

	one := b.s3(t, vended(t, b.askBearer(t, query("prefix", "in/other.mov"))))
	want("read one object", get(t, one, "acme-masters", "in/other.mov"), true)
	want("read another", get(t, one, "acme-masters", "in/a/film.mov"), false)

	writing := b.s3(t, vended(t, b.askBearer(t, query("bucket", "acme-delivery", "prefix", "out/x/", "access", "write", "tool", "storage:put"))))
	want("write", put(t, writing, "acme-delivery", "out/x/film.mp4"), true)
	want("read again", get(t, writing, "acme-delivery", "out/x/film.mp4"), true)
	want("write beside", put(t, writing, "acme-delivery", "out/film.mp4"), false)

	readingBack := b.s3(t, vended(t, b.askBearer(t, query("bucket", "acme-delivery", "prefix", "out/"))))
	want("read where one may write", get(t, readingBack, "acme-delivery", "out/x/film.mp4"), true)
	want("write though reading was asked for", put(t, readingBack, "acme-delivery", "out/y"), false)

	who, err := sts.New(sts.Options{Region: "eu-central-1", BaseEndpoint: &b.sts, Credentials: vended(t, b.askAs(t, asDispenser, query())), HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}).
		GetCallerIdentity(t.Context(), nil)
	if err != nil || aws.ToString(who.Account) != "111122223333" {
		t.Errorf("a session does not tell its account: %v", err)
	}
}

// CloudTrail shows whose job it was, and for how long the session is valid.
func TestSessionsAreNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	vended(t, b.askBearer(t, query("job_id", "01/é", "bucket", "acme-delivery", "prefix", "out/", "access", "write")))
	var seen *sandbox.AssumeRoleEvent
	for _, e := range b.sandbox.Trail() {
		if e.AssumeRole != nil {
			seen = e.AssumeRole
		}
	}
	if seen == nil || seen.SessionName != "acme.01--" || seen.Duration != 1800 {
		t.Errorf("%+v", seen)
	}
}

// Every refused caller gets the same answer, whatever is wrong.
func TestRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	forbidden := `{"code":"forbidden","message":"not granted"}` + "\n"
	invalid := `{"code":"invalid","message":"the parameters are not of the contract"}` + "\n"
	for name, c := range map[string]struct {
		changes []string
		status  int
		body    string
	}{
		"no external id":            {[]string{"external_id", ""}, 403, forbidden},
		"another external id":       {[]string{"external_id", "x-43"}, 403, forbidden},
		"random external id":        {[]string{"external_id", "2f1d9f0b7c2c4b1a"}, 403, forbidden},
		"shorter external id":       {[]string{"external_id", "x-4"}, 403, forbidden},
		"longer external id":        {[]string{"external_id", "x-421"}, 403, forbidden},
		"external id in other case": {[]string{"external_id", "X-42"}, 403, forbidden},
		"external id with a space":  {[]string{"external_id", "x-42 "}, 403, forbidden},
		"no organization":           {[]string{"organization", ""}, 403, forbidden},
		"another organization":      {[]string{"organization", "globex"}, 403, forbidden},
		"shifted":                   {[]string{"organization", "acm", "external_id", "ex-42"}, 403, forbidden},
		"no bucket":                 {[]string{"bucket", ""}, 403, forbidden},
		"another bucket":            {[]string{"bucket", "acme-secrets"}, 403, forbidden},
		"all buckets":               {[]string{"bucket", "*"}, 403, forbidden},
		"whole bucket":              {[]string{"prefix", ""}, 403, forbidden},
		"neighbour":                 {[]string{"prefix", "input/"}, 403, forbidden},
		"the prefix as an object":   {[]string{"prefix", "in"}, 403, forbidden},
		"prefix in other case":      {[]string{"prefix", "IN/"}, 403, forbidden},
		"wildcard":                  {[]string{"prefix", "i*/"}, 403, forbidden},
		"write where one may read":  {[]string{"access", "write"}, 403, forbidden},
		"no access":                 {[]string{"access", ""}, 400, invalid},
		"unknown access":            {[]string{"access", "admin"}, 400, invalid},
		"upwards":                   {[]string{"prefix", "in/../input/"}, 400, invalid},
		"leading slash":             {[]string{"prefix", "/in/"}, 400, invalid},
		"empty part":                {[]string{"prefix", "in//a/"}, 400, invalid},
		"control character":         {[]string{"job_id", "a\nb"}, 400, invalid},
		"long":                      {[]string{"task_id", strings.Repeat("x", 257)}, 400, invalid},
		"long prefix":               {[]string{"prefix", "in/" + strings.Repeat("x", 1024) + "/"}, 400, invalid},
		"more than a policy takes":  {[]string{"prefix", "in/" + strings.Repeat("*", 900) + "/"}, 400, invalid},
		"AWS refuses the role": {
			[]string{"bucket", "acme-delivery", "prefix", "closed/", "access", "write"},
			502,
			`{"code":"internal","message":"AWS does not give the dispenser what it needs; its operator finds the cause in its log"}` + "\n",
		},
	} {
		w := b.askBearer(t, query(c.changes...))
		if w.Code != c.status || w.Body.String() != c.body || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	twice := query()
	twice.Add("organization", "globex")
	if w := b.askBearer(t, twice); w.Code != http.StatusBadRequest {
		t.Errorf("twice: %d", w.Code)
	}
	for _, e := range b.sandbox.Trail() {
		if e.AssumeRole != nil && e.Resource != "arn:aws:iam::111122223333:role/closed" {
			t.Errorf("a refused request led to AssumeRole on %s", e.Resource)
		}
	}
	for _, reason := range []string{"no grant covers this", "organization and external id are not known together", "role/closed"} {
		if !strings.Contains(b.log.String(), reason) {
			t.Errorf("the log does not say %q", reason)
		}
	}
}

// Failures of STS are not the caller's fault, and show nothing.
func TestTroubleAtSTS(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"throttled": {Service: "sts", Operation: "AssumeRole", Error: "throttle"},
		"failing":   {Service: "sts", Operation: "AssumeRole", Error: "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(c *sandbox.Config) { c.Faults = append(c.Faults, fault) })
			w := b.askBearer(t, query())
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Body.String() != `{"code":"unavailable","message":"try again later"}`+"\n" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

// A dispenser without credentials of its own reports that in its log only.
func TestWithoutOwnCredentials(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil, "VENDING_KEY", "NOT_SET")
	if w := b.askBearer(t, query()); w.Code != http.StatusBadGateway || !strings.Contains(b.log.String(), "no credentials of its own") {
		t.Errorf("%d %s", w.Code, b.log)
	}
}

// A caller is asked to try again while all slots are taken.
func TestBoundedConcurrency(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for range maxRequests {
		b.slots <- struct{}{}
	}
	if w := b.askBearer(t, query()); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", w.Code)
	}
	<-b.slots
	vended(t, b.askBearer(t, query()))
}

// Strangers whose proofs are being verified take no slots from callers that
// need no proof.
func TestStrangersTakeNoSlots(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for range maxRequests {
		b.proofs <- struct{}{}
	}
	vended(t, b.askBearer(t, query()))
	if w := b.askAs(t, asDispenser, query()); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("by SigV4: %d", w.Code)
	}
	if w := b.ask(t, query(), credential.IdentityHeader, "not a proof"); w.Code != http.StatusUnauthorized {
		t.Errorf("no proof at all: %d", w.Code)
	}
	<-b.proofs
	vended(t, b.askAs(t, asDispenser, query()))
	if len(b.proofs) != maxRequests-1 || len(b.slots) != 0 {
		t.Errorf("%d proofs and %d answers are under way", len(b.proofs), len(b.slots))
	}
}

// The narrowest grant applies.
func TestNarrowestGrant(t *testing.T) {
	t.Parallel()
	cfg := load(t, "prefix: closed/", "prefix: out/x/")
	for _, c := range []struct {
		prefix, access, role string
	}{
		{"out/y/", "write", "media"},
		{"out/x/", "write", "closed"},
		{"out/x/z", "read", "closed"},
		{"out/xy", "read", "media"},
	} {
		g, ok := cfg.grantFor(request{organization: "acme", bucket: "acme-delivery", prefix: c.prefix, access: c.access})
		if !ok || g.Role.RoleName() != c.role {
			t.Errorf("%s: %s", c.prefix, g.Role)
		}
	}
	if g, _ := cfg.grantFor(request{organization: "acme", bucket: "acme-delivery", prefix: "out/", access: "read"}); g.Duration != 30*time.Minute {
		t.Errorf("duration %s", g.Duration)
	}
}

// Each kind of work gets what it needs of S3 and KMS, and nothing else.
func TestSessionPolicies(t *testing.T) {
	t.Parallel()
	role, err := rolecall.ParseRoleARN("arn:aws:iam::111122223333:role/media")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kms, access, tool string
		has, lacks        string
	}{
		"read":              {"", "read", "storage:get", "s3:GetObject s3:ListBucket", "s3:Put kms:Decrypt"},
		"read of tags":      {"", "read", "storage:tag_s3", "s3:GetObject s3:ListBucket", "s3:Put"},
		"write":             {"", "write", "storage:put", "s3:GetObject s3:ListBucket s3:PutObject\" s3:AbortMultipartUpload", "Tagging Acl kms:Decrypt Delete"},
		"tag":               {"", "write", "storage:tag_s3", "s3:PutObjectTagging s3:ListBucket", "s3:PutObject\" s3:GetObject"},
		"read under a key":  {"arn:aws:kms:eu-central-1:111122223333:key/k", "read", "ffmpeg:cmd", "kms:Decrypt key/k", "kms:GenerateDataKey"},
		"write under a key": {policy.AnyKey, "write", "storage:put", "kms:GenerateDataKey kms:ViaService", "s3:PutObjectAcl"},
	} {
		g := Grant{Bucket: "bucket", Role: role, KMSKey: c.kms, Duration: time.Hour}
		text, err := g.session(request{bucket: "bucket", prefix: "in/", access: c.access, tool: c.tool})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		allows, _, _ := strings.Cut(string(text), `"Deny"`)
		for _, part := range strings.Fields(c.has) {
			if !strings.Contains(allows, part) {
				t.Errorf("%s lacks %s: %s", name, part, text)
			}
		}
		for _, part := range strings.Fields(c.lacks) {
			if strings.Contains(allows, part) {
				t.Errorf("%s has %s: %s", name, part, text)
			}
		}
	}
}
