package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestClockSkew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		skew       time.Duration
		said, note string
	}{
		{20 * time.Minute, "Signature expired: ", " - 15 min.)"},
		{-20 * time.Minute, "Signature not yet current: ", " + 15 min.)"},
	} {
		t.Run(c.skew.String(), func(t *testing.T) {
			t.Parallel()
			w := loaded(t, func(cfg *Config) { cfg.ClockSkew = Skew(c.skew) }, Options{})
			_, err := w.sts(worker).GetCallerIdentity(t.Context(), nil)
			wants(t, err, "SignatureDoesNotMatch", c.said)
			wants(t, err, "SignatureDoesNotMatch", c.note)
			wants(t, get(t.Context(), w.s3(keysOf("admin"), "eu-central-1"), "acme-masters", "in/a.mov"), "RequestTimeTooSkewed", "")
			if status, out := w.kms(t, keysOf("admin"), "DescribeKey", input{"KeyId": "open"}); status != http.StatusBadRequest || out["__type"] != "InvalidSignatureException" || !strings.HasPrefix(out["message"].(string), c.said) {
				t.Errorf("kms says %v", out)
			}
			resp, _ := w.fetch(t, w.request(t, "HEAD", "/acme-masters", ""))
			told, err := http.ParseTime(resp.Header.Get("Date"))
			if off := time.Until(told) - c.skew; err != nil || off.Abs() > time.Minute {
				t.Errorf("the server's time is told as %s, %v", told, err)
			}
		})
	}
	w := loaded(t, func(cfg *Config) { cfg.ClockSkew = Skew(-10 * time.Minute) }, Options{})
	wants(t, get(t.Context(), w.s3(keysOf("admin"), "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{}
	w := loaded(t, faulty(Fault{Service: "sts", Operation: "AssumeRole", Lifetime: Duration(20 * time.Second), Times: 1}), Options{Clock: clock.now})
	assume := func() (keys, time.Duration) {
		out, err := w.sts(worker).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1"), ExternalId: aws.String("x-42")})
		if err != nil {
			t.Fatal(err)
		}
		return of(out.Credentials), out.Credentials.Expiration.Sub(clock.now())
	}
	short, left := assume()
	if left > 20*time.Second || left < 0 {
		t.Errorf("the short session is told to live %s", left)
	}
	long, left := assume()
	if left < 59*time.Minute {
		t.Errorf("the next session is told to live %s", left)
	}
	clock.set(20 * time.Second)
	wants(t, get(t.Context(), w.s3(short, "eu-central-1"), "acme-masters", "in/a.mov"), "ExpiredToken", "")
	wants(t, get(t.Context(), w.s3(long, "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
}

// A presigned GetCallerIdentity proves its signer to whoever sends it: what
// the signer signed besides must come with it.
func TestPresignedCallerIdentity(t *testing.T) {
	t.Parallel()
	const about = "x-rolecall-request"
	clock := &fakeClock{}
	w := loaded(t, nil, Options{Clock: clock.now})
	presign := func(k keys, at time.Time) string {
		r := w.request(t, http.MethodGet, "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=30", "")
		r.Header.Set(about, "this")
		creds := aws.Credentials{AccessKeyID: k.id, SecretAccessKey: k.secret, SessionToken: k.token}
		signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, r, sha256Hex(""), "sts", "eu-central-1", at)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(signed, w.URL)
	}
	now := time.Now()
	good := presign(production, now)
	for _, c := range []struct {
		name, path, header string
		later              time.Duration
		status             int
		want               string
	}{
		{"in time", good, "this", 0, 200, "<Arn>arn:aws:sts::873682911326:assumed-role/production/"},
		{"of a user", presign(worker, now), "this", 0, 200, "<Arn>arn:aws:iam::873682911326:user/worker</Arn>"},
		{"about something else", good, "that", 0, 403, "SignatureDoesNotMatch"},
		{"about nothing", good, "", 0, 403, "SignatureDoesNotMatch"},
		{"another action", strings.Replace(good, "GetCallerIdentity", "GetSessionToken", 1), "this", 0, 403, "SignatureDoesNotMatch"},
		{"a parameter more", good + "&x=1", "this", 0, 403, "SignatureDoesNotMatch"},
		{"past its expiry, of which STS takes no notice", good, "this", 10 * time.Minute, 200, "assumed-role/production"},
		{"too late", good, "this", 16 * time.Minute, 403, "Signature expired"},
	} {
		clock.set(c.later)
		r := w.request(t, http.MethodGet, c.path, "")
		if c.header != "" {
			r.Header.Set(about, c.header)
		}
		resp, body := w.fetch(t, r)
		if resp.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, body)
		}
	}
}
