package dispenser

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/sandbox"
)

// Only listed principals and callers with the bearer secret get credentials.
func TestCallers(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	q := query()
	good := b.proof(t, asDispenser, q)
	stranger := asDispenser
	stranger.SecretAccessKey = "planted-wrong-secret"
	other := query("prefix", "in/a/")
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"session of the listed role":  {[]string{credential.IdentityHeader, good}, 200},
		"the same proof again":        {[]string{credential.IdentityHeader, good}, 200},
		"listed user":                 {[]string{credential.IdentityHeader, b.proof(t, asUser, q)}, 200},
		"bearer":                      {[]string{"Authorization", "Bearer " + bearerSecret}, 200},
		"bearer in other case":        {[]string{"Authorization", "bearer " + bearerSecret}, 200},
		"proof beside AWS's own":      {[]string{credential.IdentityHeader, good, "Authorization", "AWS4-HMAC-SHA256 Credential=a"}, 200},
		"nothing":                     {nil, 401},
		"AWS's signature alone":       {[]string{"Authorization", "AWS4-HMAC-SHA256 Credential=a"}, 401},
		"empty bearer":                {[]string{"Authorization", "Bearer "}, 401},
		"wrong bearer":                {[]string{"Authorization", "Bearer " + bearerSecret + "x"}, 401},
		"part of the bearer":          {[]string{"Authorization", "Bearer " + bearerSecret[:len(bearerSecret)-1]}, 401},
		"two spaces":                  {[]string{"Authorization", "Bearer  " + bearerSecret}, 401},
		"basic":                       {[]string{"Authorization", "Basic " + bearerSecret}, 401},
		"two of them":                 {[]string{"Authorization", "Bearer " + bearerSecret, "Authorization", "Bearer " + bearerSecret}, 401},
		"bearer and proof":            {[]string{"Authorization", "Bearer " + bearerSecret, credential.IdentityHeader, good}, 401},
		"two proofs":                  {[]string{credential.IdentityHeader, good, credential.IdentityHeader, good}, 401},
		"another principal's":         {[]string{credential.IdentityHeader, b.proof(t, asProduction, q)}, 403},
		"wrong signature":             {[]string{credential.IdentityHeader, b.proof(t, stranger, q)}, 401},
		"unknown key":                 {[]string{credential.IdentityHeader, b.proof(t, aws.Credentials{AccessKeyID: "AKIAUNKNOWN000000001", SecretAccessKey: "s"}, q)}, 401},
		"proof for another request":   {[]string{credential.IdentityHeader, b.proof(t, asDispenser, other)}, 401},
		"proof for another dispenser": {[]string{credential.IdentityHeader, presign(t, b.sts+"/", asDispenser, credential.RequestDigest("https://other.example.com/rolecall?"+q.Encode()), time.Now())}, 401},
		"a digest of nothing":         {[]string{credential.IdentityHeader, presign(t, b.sts+"/", asDispenser, "x", time.Now())}, 401},
		"just expired":                {[]string{credential.IdentityHeader, presign(t, b.sts+"/", asDispenser, credential.RequestDigest(publicURL+"?"+q.Encode()), time.Now().Add(-62*time.Second))}, 401},
		"expired":                     {[]string{credential.IdentityHeader, presign(t, b.sts+"/", asDispenser, credential.RequestDigest(publicURL+"?"+q.Encode()), time.Now().Add(-3*time.Minute))}, 401},
	} {
		w := b.ask(t, q, c.headers...)
		if w.Code != c.status || w.Code == 401 && (w.Body.String() != `{"code":"unauthenticated","message":"the caller is not proved"}`+"\n" || w.Header().Get("WWW-Authenticate") != "Bearer") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// A dispenser accepts only the kinds of proof that its config has.
func TestWaysOfProof(t *testing.T) {
	t.Parallel()
	q := query()
	bearerOnly := newBench(t, nil, "vendor:\n  principals:\n    - arn:aws:iam::873682911326:role/rolecall/dispenser\n    - arn:aws:iam::873682911326:user/caller\n", "")
	if w := bearerOnly.askAs(t, asDispenser, q); w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
	proofOnly := newBench(t, nil, "bearer: {file: ./bearer}", "")
	if w := proofOnly.askBearer(t, q); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("%d", w.Code)
	}
	vended(t, proofOnly.askAs(t, asDispenser, q))
}

// hostile has identity URLs that must not be called, made from a valid one for
// sts.eu-central-1.amazonaws.com.
var hostile = map[string]func(*url.URL, url.Values){
	"another host":            func(u *url.URL, _ url.Values) { u.Host = "example.com" },
	"loopback":                func(u *url.URL, _ url.Values) { u.Host = "127.0.0.1" },
	"metadata":                func(u *url.URL, _ url.Values) { u.Host = "169.254.169.254" },
	"metadata by IPv6":        func(u *url.URL, _ url.Values) { u.Host = "[fd00:ec2::254]" },
	"host that begins alike":  func(u *url.URL, _ url.Values) { u.Host += ".example.com" },
	"host that ends alike":    func(u *url.URL, _ url.Values) { u.Host = "example-" + u.Host },
	"subdomain":               func(u *url.URL, _ url.Values) { u.Host = "x." + u.Host },
	"another service":         func(u *url.URL, _ url.Values) { u.Host = "s3.eu-central-1.amazonaws.com" },
	"a bucket named like STS": func(u *url.URL, _ url.Values) { u.Host = "sts.eu-central-1.s3.amazonaws.com" },
	"global endpoint":         func(u *url.URL, _ url.Values) { u.Host = "sts.amazonaws.com" },
	"another region's":        func(u *url.URL, _ url.Values) { u.Host = "sts.us-east-1.amazonaws.com" },
	"another partition's":     func(u *url.URL, q url.Values) { u.Host = "sts.cn-north-1.amazonaws.com.cn"; scope(q, "cn-north-1") },
	"region with a dot":       func(u *url.URL, q url.Values) { u.Host = "sts.a.b.amazonaws.com"; scope(q, "a.b") },
	"region that is none":     func(u *url.URL, q url.Values) { u.Host = "sts.evil.amazonaws.com"; scope(q, "evil") },
	"port":                    func(u *url.URL, _ url.Values) { u.Host += ":8443" },
	"the usual port":          func(u *url.URL, _ url.Values) { u.Host += ":443" },
	"trailing dot":            func(u *url.URL, _ url.Values) { u.Host += "." },
	"upper case":              func(u *url.URL, _ url.Values) { u.Host = strings.ToUpper(u.Host) },
	"no host":                 func(u *url.URL, _ url.Values) { u.Host = "" },
	"userinfo":                func(u *url.URL, _ url.Values) { u.User = url.User("example.com") },
	"STS as userinfo":         func(u *url.URL, _ url.Values) { u.User, u.Host = url.User(u.Host), "example.com" },
	"plain http":              func(u *url.URL, _ url.Values) { u.Scheme = "http" },
	"file":                    func(u *url.URL, _ url.Values) { u.Scheme = "file" },
	"fragment":                func(u *url.URL, _ url.Values) { u.Fragment = "x" },
	"path":                    func(u *url.URL, _ url.Values) { u.Path = "/x" },
	"no path":                 func(u *url.URL, _ url.Values) { u.Path = "" },
	"double slash":            func(u *url.URL, _ url.Values) { u.Path = "//" },
	"another action":          func(_ *url.URL, q url.Values) { q.Set("Action", "AssumeRole") },
	"parameters of another":   func(_ *url.URL, q url.Values) { q.Set("RoleArn", "arn:aws:iam::111122223333:role/media") },
	"action twice":            func(_ *url.URL, q url.Values) { q.Add("Action", "GetCallerIdentity") },
	"no action":               func(_ *url.URL, q url.Values) { q.Del("Action") },
	"another version":         func(_ *url.URL, q url.Values) { q.Set("Version", "2010-05-08") },
	"another algorithm":       func(_ *url.URL, q url.Values) { q.Set("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256") },
	"another service's scope": func(_ *url.URL, q url.Values) {
		q.Set("X-Amz-Credential", strings.Replace(q.Get("X-Amz-Credential"), "/sts/", "/s3/", 1))
	},
	"no credential":             func(_ *url.URL, q url.Values) { q.Del("X-Amz-Credential") },
	"digest not signed":         func(_ *url.URL, q url.Values) { q.Set("X-Amz-SignedHeaders", "host") },
	"host not signed":           func(_ *url.URL, q url.Values) { q.Set("X-Amz-SignedHeaders", "x-rolecall-request") },
	"more is signed":            func(_ *url.URL, q url.Values) { q.Set("X-Amz-SignedHeaders", "host;x-other;x-rolecall-request") },
	"no signature":              func(_ *url.URL, q url.Values) { q.Del("X-Amz-Signature") },
	"lives too long":            func(_ *url.URL, q url.Values) { q.Set("X-Amz-Expires", "61") },
	"lives for nothing":         func(_ *url.URL, q url.Values) { q.Set("X-Amz-Expires", "0") },
	"lives for ever":            func(_ *url.URL, q url.Values) { q.Del("X-Amz-Expires") },
	"no time":                   func(_ *url.URL, q url.Values) { q.Set("X-Amz-Date", "20261399T000000Z") },
	"a line break in the token": func(_ *url.URL, q url.Values) { q.Set("X-Amz-Security-Token", "a\r\nHost: example.com") },
	"unknown parameter":         func(_ *url.URL, q url.Values) { q.Set("x", "y") },
}

func scope(q url.Values, region string) {
	q.Set("X-Amz-Credential", strings.Replace(q.Get("X-Amz-Credential"), "eu-central-1", region, 1))
}

// good returns the parts of a valid proof for AWS's own STS.
func good(t *testing.T, at time.Time) (*url.URL, url.Values) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(presign(t, "https://sts.eu-central-1.amazonaws.com/", asDispenser, "x", at))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return u, u.Query()
}

// Whatever a caller writes into its proof, only STS is called.
func TestHostileProofs(t *testing.T) {
	t.Parallel()
	now := time.Now()
	cfg := load(t, `endpoints: {sts: "http://127.0.0.1:4580"}`, "")
	check := func(name, header string, want bool) {
		t.Helper()
		u, err := cfg.proofURL(header, now)
		if (err == nil) != want {
			t.Errorf("%s: %v %v", name, u, err)
		}
		if err == nil && !strings.HasPrefix(u.String(), "https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=") {
			t.Errorf("%s: %s", name, u)
		}
	}
	for name, change := range hostile {
		u, q := good(t, now)
		change(u, q)
		u.RawQuery = q.Encode()
		check(name, base64.RawURLEncoding.EncodeToString([]byte(u.String())), false)
	}
	u, _ := good(t, now)
	for name, header := range map[string]string{
		"nothing":      "",
		"not base64":   "https://sts.eu-central-1.amazonaws.com/",
		"padded":       base64.URLEncoding.EncodeToString([]byte(u.String() + "xx")),
		"not a URL":    base64.RawURLEncoding.EncodeToString([]byte("://")),
		"opaque":       base64.RawURLEncoding.EncodeToString([]byte("https:sts.eu-central-1.amazonaws.com/?" + u.RawQuery)),
		"backslash":    base64.RawURLEncoding.EncodeToString([]byte(`https://sts.eu-central-1.amazonaws.com\@example.com/?` + u.RawQuery)),
		"escaped host": base64.RawURLEncoding.EncodeToString([]byte("https://sts%2eeu-central-1.amazonaws.com/?" + u.RawQuery)),
		"escaped path": base64.RawURLEncoding.EncodeToString([]byte("https://sts.eu-central-1.amazonaws.com/%2f?" + u.RawQuery)),
		"semicolon":    base64.RawURLEncoding.EncodeToString([]byte(u.String() + ";x=y")),
		"line break":   base64.RawURLEncoding.EncodeToString([]byte(u.String() + "\r\n")),
		"too long":     strings.Repeat("A", maxProof+1),
		"empty escape": base64.RawURLEncoding.EncodeToString([]byte(u.String() + "%")),
	} {
		check(name, header, false)
	}
	check("good", base64.RawURLEncoding.EncodeToString([]byte(u.String())), true)
	for name, c := range map[string]struct {
		at   time.Duration
		good bool
	}{
		"a little early": {-50 * time.Second, true}, "early": {-62 * time.Second, false},
		"at its end": {58 * time.Second, true}, "late": {62 * time.Second, false}, "later": {110 * time.Second, false},
	} {
		u, _ := good(t, now.Add(-c.at))
		check(name, base64.RawURLEncoding.EncodeToString([]byte(u.String())), c.good)
	}
}

// If an endpoint is configured, no other is called, in any of its parts.
func TestConfiguredEndpoint(t *testing.T) {
	t.Parallel()
	now := time.Now()
	cfg := load(t)
	for endpoint, want := range map[string]bool{
		"http://127.0.0.1:4580/": true, "https://127.0.0.1:4580/": false, "http://127.0.0.1:4581/": false, "http://127.0.0.1/": false,
		"http://localhost:4580/": false, "https://sts.eu-central-1.amazonaws.com/": false,
	} {
		if _, err := cfg.proofURL(presign(t, endpoint, asDispenser, "x", now), now); (err == nil) != want {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// Answers of STS prove nothing beyond what they say.
func TestAnswersOfSTS(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		t.Error("a redirect is followed")
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(elsewhere.Close)
	const caller = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::873682911326:assumed-role/dispenser/s</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`
	for name, c := range map[string]struct {
		status int
		body   string
		want   int
	}{
		"redirect":       {302, "", 401},
		"no body":        {200, "", 503},
		"JSON":           {200, `{"Arn": "arn:aws:iam::873682911326:user/caller"}`, 503},
		"no ARN":         {200, "<GetCallerIdentityResponse/>", 503},
		"not an ARN":     {200, strings.Replace(caller, "arn:", "urn:", 1), 503},
		"too long":       {200, caller + strings.Repeat(" ", maxSTSAnswer), 503},
		"failing":        {500, "", 503},
		"busy":           {429, "", 503},
		"throttled":      {400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", 503},
		"denied":         {403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>", 401},
		"denied, an ARN": {403, caller, 401},
	} {
		sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		d, err := New(load(t, "http://127.0.0.1:4580", sts.URL), Options{})
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{Dispenser: d, sts: sts.URL}
		if w := b.askAs(t, asDispenser, query()); w.Code != c.want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		d.Close()
		sts.Close()
	}
}

// If STS cannot be reached, or does not answer in time, that is not a refusal.
func TestSTSNotThere(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	b := newBench(t, nil)
	b.cfg = load(t, "http://127.0.0.1:4580", gone.URL)
	b.sts = gone.URL
	if w := b.askAs(t, asDispenser, query()); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", w.Code)
	}
	busy := newBench(t, func(c *sandbox.Config) {
		c.Faults = append(c.Faults, sandbox.Fault{Service: "sts", Operation: "GetCallerIdentity", Error: "throttle"})
	})
	if w := busy.askAs(t, asDispenser, query()); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", w.Code)
	}
}

func FuzzProof(f *testing.F) {
	const query = "?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIADISPENSER0000001%2F20261122%2Feu-central-1%2Fsts%2Faws4_request" +
		"&X-Amz-Date=20261122T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-rolecall-request&X-Amz-Signature=0000000000000000000000000000000000000000000000000000000000000000"
	for _, u := range []string{"https://sts.eu-central-1.amazonaws.com/" + query, "https://sts.eu-central-1.amazonaws.com@example.com/" + query, "http://127.0.0.1/"} {
		f.Add(u)
	}
	cfg := &Config{}
	arn := "arn:aws:iam::873682911326:role/dispenser"
	parsed, err := rolecall.ParseARN(arn)
	if err != nil {
		f.Fatal(err)
	}
	cfg.principals = append(cfg.principals, parsed)
	now := time.Date(2026, 11, 22, 0, 0, 30, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		u, err := cfg.proofURL(base64.RawURLEncoding.EncodeToString([]byte(text)), now)
		if err != nil {
			return
		}
		region, ok := strings.CutPrefix(u.Host, "sts.")
		region, isAWS := strings.CutSuffix(region, ".amazonaws.com")
		if !ok || !isAWS || strings.ContainsAny(region, ".:@/") || u.Scheme != "https" || u.Path != "/" || u.Query().Get("Action") != "GetCallerIdentity" || len(u.Query()) > len(parameterForms) {
			t.Errorf("%q leads to %s", text, u)
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add("organization=acme&external_id=x-42&bucket=b&prefix=in/&access=read")
	f.Add("prefix=in%2F..%2F&access=write")
	g := Grant{Organization: "acme", Bucket: "b", Prefix: "in/", Write: true}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		r, err := readRequest(q)
		if err != nil || !g.covers(r) {
			return
		}
		if r.organization != "acme" || r.bucket != "b" || !strings.HasPrefix(r.prefix, "in/") || strings.Contains(r.prefix, "/../") || strings.HasSuffix(r.prefix, "/..") {
			t.Errorf("%+v is covered", r)
		}
	})
}
