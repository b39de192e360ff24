package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// What is wrong with a signature is told with AWS's codes and words, in the
// header and in the query.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func TestMalformedSignatures(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	admin := keysOf("admin")
	today := time.Now().UTC().Format("20060102")
	inHeader := func(changes ...string) func(*http.Request) {
		return func(r *http.Request) {
			sign(t, r, admin, "s3", "eu-central-1", "UNSIGNED-PAYLOAD")
			r.Header.Set("Authorization", strings.NewReplacer(changes...).Replace(r.Header.Get("Authorization")))
		}
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			sign(t, r, admin, "s3", "eu-central-1", "UNSIGNED-PAYLOAD")
			if r.Header.Set(name, value); value == "" {
				r.Header.Del(name)
			}
		}
	}
	presigned := func(at time.Time, change func(query string) string) func(*http.Request) {
		return func(r *http.Request) {
			creds := aws.Credentials{AccessKeyID: admin.id, SecretAccessKey: admin.secret}
			r.URL.RawQuery = "X-Amz-Expires=1800"
			url, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, r, "UNSIGNED-PAYLOAD", "s3", "eu-central-1", at)
			if err == nil {
				r.URL, err = r.URL.Parse(url)
			}
			if err != nil {
				t.Error(err)
			}
			r.URL.RawQuery = change(r.URL.RawQuery)
		}
	}
	inQuery := func(changes ...string) func(*http.Request) {
		return presigned(time.Now(), func(query string) string { return strings.NewReplacer(changes...).Replace(query) })
	}
	without := func(name string) func(*http.Request) {
		return presigned(time.Now(), func(query string) string {
			var kept []string
			for pair := range strings.SplitSeq(query, "&") {
				if !strings.HasPrefix(pair, name+"=") {
					kept = append(kept, pair)
				}
			}
			return strings.Join(kept, "&")
		})
	}
	const (
		malformed  = "<Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; "
		components = malformed + "the authorization header requires three components: Credential, SignedHeaders, and Signature."
		parameters = "<Code>AuthorizationQueryParametersError</Code><Message>"
		required   = parameters + "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
		credential = parameters + "Error parsing the X-Amz-Credential parameter; "
	)
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
		want   string
	}{
		{"another service", inHeader("/s3/", "/ec2/"), 400, malformed + "incorrect service &quot;ec2&quot;. This endpoint belongs to &quot;s3&quot;."},
		{"another of the sandbox's services", inHeader("/s3/", "/sts/"), 400, malformed + "incorrect service &quot;sts&quot;."},
		{"another terminal", inHeader("aws4_request", "aws5_request"), 400, malformed + "incorrect terminal &quot;aws5_request&quot;. This endpoint uses &quot;aws4_request&quot;."},
		{"another date", inHeader("/"+today+"/", "/20200101/"), 400, malformed + "Invalid credential date &quot;20200101&quot;. This date is not the same as X-Amz-Date: &quot;" + today + "&quot;."},
		{"no date in the credential", inHeader("/"+today+"/", "/today/"), 400, malformed + "incorrect date format &quot;today&quot;. This date in the credential must be in the format &quot;yyyyMMdd&quot;."},
		{"a short credential", inHeader("/s3/", "/"), 400, malformed + "the Credential is mal-formed; expecting &quot;&lt;YOUR-AKID&gt;/YYYYMMDD/REGION/SERVICE/aws4_request&quot;."},
		{"no credential", inHeader("Credential=", "Credentials="), 400, components},
		{"no signature", inHeader("Signature=", "Sign="), 400, components},
		{"no signed headers", inHeader("SignedHeaders=", "Signed="), 400, components},
		{"another component", inHeader("Signature=", "Color=red, Signature="), 400, components},
		{"a component without a value", inHeader("Signature=", "Signature, Signature="), 400, malformed + "the authorization component &quot;Signature&quot; is malformed."},
		{"no date", header("X-Amz-Date", ""), 403, "<Code>AccessDenied</Code><Message>AWS authentication requires a valid Date or x-amz-date header"},
		{"not a date", header("X-Amz-Date", "Bad Date"), 403, "<Code>AccessDenied</Code><Message>AWS authentication requires a valid Date or x-amz-date header"},
		{"long ago", header("X-Amz-Date", "20100707T215304Z"), 403, "<Code>RequestTimeTooSkewed</Code>"},
		{"before the epoch", header("X-Amz-Date", "19500707T215304Z"), 403, "<Code>RequestTimeTooSkewed</Code>"},
		{"after the end", header("X-Amz-Date", "99990707T215304Z"), 403, "<Code>RequestTimeTooSkewed</Code>"},
		{"not a hash", header("X-Amz-Content-Sha256", "invalid"), 400, "<Code>InvalidArgument</Code><Message>x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "},
		{"a short hash", header("X-Amz-Content-Sha256", strings.Repeat("0", 63)), 400, "<ArgumentName>x-amz-content-sha256</ArgumentName><ArgumentValue>" + strings.Repeat("0", 63) + "<"},
		{"no hash", header("X-Amz-Content-Sha256", ""), 400, "<Code>InvalidRequest</Code><Message>missing required header for this request: x-amz-content-sha256"},

		{"an empty header", header("Authorization", ""), 403, "<Code>AccessDenied</Code><Message>Access Denied</Message>"},
		{"an empty value", func(r *http.Request) { r.Header["Authorization"] = []string{""} }, 403, "<Code>AccessDenied</Code><Message>Access Denied</Message>"},

		{"as it should be", inHeader(), 200, ""},
		{"presigned as it should be", inQuery(), 200, ""},
		{"presigned for another service", inQuery("%2Fs3%2F", "%2Fec2%2F"), 400, credential + "incorrect service &quot;ec2&quot;. This endpoint belongs to &quot;s3&quot;."},
		{"presigned with another terminal", inQuery("aws4_request", "aws5_request"), 400, credential + "incorrect terminal &quot;aws5_request&quot;."},
		{"presigned with another date", inQuery("%2F"+today+"%2F", "%2F20200101%2F"), 400, parameters + "Invalid credential date &quot;20200101&quot;. This date is not the same as X-Amz-Date: &quot;" + today + "&quot;."},
		{"presigned with a short credential", inQuery("%2Fs3%2F", "%2F"), 400, credential + "the Credential is mal-formed"},
		{"presigned with another algorithm", inQuery("AWS4-HMAC-SHA256", "AWS9"), 400, parameters + "X-Amz-Algorithm only supports"},
		{"presigned without an algorithm", without("X-Amz-Algorithm"), 400, required},
		{"presigned without a credential", without("X-Amz-Credential"), 400, required},
		{"presigned without a signature", without("X-Amz-Signature"), 400, required},
		{"presigned without a date", without("X-Amz-Date"), 400, required},
		{"presigned without signed headers", without("X-Amz-SignedHeaders"), 400, required},
		{"presigned without an expiry", without("X-Amz-Expires"), 400, required},
		{"a negative expiry", inQuery("Expires=1800", "Expires=-1"), 400, parameters + "X-Amz-Expires must be non-negative"},
		{"a very negative expiry", inQuery("Expires=1800", "Expires=-99999999999999999999"), 400, parameters + "X-Amz-Expires must be non-negative"},
		{"no number", inQuery("Expires=1800", "Expires=soon"), 400, parameters + "X-Amz-Expires should be a number"},
		{"more than a week", inQuery("Expires=1800", "Expires=604801"), 400, parameters + "X-Amz-Expires must be less than a week"},
		{"more than a number", inQuery("Expires=1800", "Expires=99999999999999999999"), 400, parameters + "X-Amz-Expires must be less than a week"},
		{"not a time", inQuery(today+"T", today), 400, parameters + "X-Amz-Date must be in the ISO8601 Long Format &quot;yyyyMMdd&#39;T&#39;HHmmss&#39;Z&#39;&quot;"},
		{"expired", presigned(time.Now().Add(-time.Hour), func(q string) string { return q }), 403, "<Code>AccessDenied</Code><Message>Request has expired"},
		{"not valid yet", presigned(time.Now().Add(time.Hour), func(q string) string { return q }), 403, "<Code>AccessDenied</Code><Message>Request is not valid yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := w.request(t, http.MethodGet, "/acme-masters/in/a.mov", "")
			c.change(r)
			resp, body := w.fetch(t, r)
			if resp.StatusCode != c.status || !strings.Contains(strings.ReplaceAll(body, "'", "&#39;"), strings.ReplaceAll(c.want, "'", "&#39;")) {
				t.Errorf("got %d with %s, want %d with %s", resp.StatusCode, body, c.status, c.want)
			}
		})
	}
}
