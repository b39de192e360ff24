package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall/policy"
)

func list(ctx context.Context, c *s3.Client, bucket, prefix string) error {
	_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	return err
}

func TestWhoMayWhat(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	const (
		central = "eu-central-1"
		west    = "us-west-2"
		bare    = "Access Denied"
	)
	globexNobody := keys{"AKIAGLOBEXNOBODY0001", "nobody-secret", ""}
	type client = *s3.Client
	read := func(bucket, key string) func(client) error {
		return func(c client) error { return get(t.Context(), c, bucket, key) }
	}
	write := func(bucket, key string) func(client) error {
		return func(c client) error { return put(t.Context(), c, bucket, key, "x") }
	}
	lists := func(bucket, prefix string) func(client) error {
		return func(c client) error { return list(t.Context(), c, bucket, prefix) }
	}
	for _, c := range []struct {
		name       string
		keys       keys
		region     string
		do         func(client) error
		code, text string
	}{
		{"identity policy", keysOf("admin"), central, read("acme-masters", "in/a.mov"), "", ""},
		{"no policy", keysOf("nobody"), central, read("acme-masters", "in/a.mov"), "AccessDenied", "because no identity-based policy allows the s3:GetObject action"},
		{"bucket policy alone, in the account", keysOf("nobody"), central, lists("acme-masters", "in/"), "", ""},
		{"bucket policy's condition", keysOf("nobody"), central, lists("acme-masters", "out/"), "AccessDenied", `s3:ListBucket on resource: "arn:aws:s3:::acme-masters" because no identity-based`},
		{"boundary", keysOf("bounded"), central, read("acme-masters", "in/a.mov"), "AccessDenied", "because no permissions boundary allows"},
		{"within the boundary", keysOf("bounded"), central, lists("acme-masters", "in/"), "", ""},
		{"explicit deny", keysOf("refused"), central, read("acme-masters", "in/a.mov"), "AccessDenied", "with an explicit deny in an identity-based policy"},
		{"deny without TLS", keysOf("insecure"), central, read("acme-masters", "in/a.mov"), "AccessDenied", "with an explicit deny"},
		{"other account, both sides", keysOf("partner"), central, read("acme-masters", "in/a.mov"), "", ""},
		{"other account, own side only", keysOf("partner"), central, read("acme-masters", "out/a.mov"), "AccessDenied", bare},
		{"other account, bucket's side only", globexNobody, central, read("acme-masters", "in/a.mov"), "AccessDenied", bare},
		{"third account", worker, central, read("acme-masters", "in/a.mov"), "AccessDenied", bare},
		{"scp", keysOf("partner"), west, func(c client) error {
			_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("globex-delivery"), Key: aws.String("k")})
			return err
		}, "AccessDenied", "with an explicit deny in a service control policy"},
		{"rcp", keysOf("partner"), west, write("globex-sealed", "k"), "AccessDenied", "with an explicit deny in a resource control policy"},
		{"rcp lets the rest", keysOf("partner"), west, write("globex-delivery", "k"), "", ""},
		{"another region", keysOf("partner"), central, write("globex-delivery", "k"), "AuthorizationHeaderMalformed", "the region 'eu-central-1' is wrong; expecting 'us-west-2'"},
		{"no bucket", keysOf("admin"), central, read("no-such-bucket", "k"), "NoSuchBucket", ""},
		{"unknown access key", keys{"AKIANONE", "x", ""}, central, read("acme-masters", "in/a.mov"), "InvalidAccessKeyId", ""},
		{"wrong secret", keys{keysOf("admin").id, "x", ""}, central, read("acme-masters", "in/a.mov"), "SignatureDoesNotMatch", ""},
		{"token with a user's key", keys{keysOf("admin").id, "admin-secret", "x"}, central, read("acme-masters", "in/a.mov"), "InvalidToken", ""},
		{"standing session", production, central, read("acme-masters", "in/a.mov"), "AccessDenied", bare},

		{"key's default policy", keysOf("admin"), central, write("acme-open", "k"), "", ""},
		{"no policy for the key", keysOf("keyless"), central, write("acme-open", "k"), "AccessDenied", "kms:GenerateDataKey on resource: arn:aws:kms:eu-central-1:111122223333:key/open because no identity-based policy"},
		{"key policy with conditions", keysOf("admin"), central, write("acme-vault", "in/k"), "", ""},
		{"key policy's encryption context", keysOf("admin"), central, write("acme-vault", "out/k"), "AccessDenied", "because no resource-based policy allows the kms:GenerateDataKey action"},
		{"key policy that gives no decryption", keysOf("admin"), central, read("acme-vault", "in/k"), "AccessDenied", "kms:Decrypt"},
		{"managed key, in the account", keysOf("keyless"), central, write("acme-managed", "k"), "", ""},
		{"managed key, whose policies name keys", keysOf("keysonly"), central, write("acme-managed", "k"), "", ""},
		{"managed key, from outside", keysOf("partner"), central, write("acme-managed", "k"), "AccessDenied", "because the resource does not exist in this Region, no resource-based policies allow access"},
		{"missing key", keysOf("admin"), central, func(c client) error {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("acme-masters"), Key: aws.String("k"), Body: strings.NewReader("x"),
				ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: aws.String("arn:aws:kms:eu-central-1:111122223333:key/none"),
			})
			return err
		}, "KMS.NotFoundException", "does not exist"},
		{"key of another region", keysOf("admin"), central, func(c client) error {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("acme-masters"), Key: aws.String("k"), Body: strings.NewReader("x"),
				ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: aws.String("arn:aws:kms:us-west-2:111122223333:key/open"),
			})
			return err
		}, "KMS.NotFoundException", "Invalid arn us-west-2"},
	} {
		// In order: some read what others wrote.
		t.Run(c.name, func(t *testing.T) {
			wants(t, c.do(w.s3(c.keys, c.region)), c.code, c.text)
		})
	}
}

func TestBucketPolicyThatNamesASession(t *testing.T) {
	t.Parallel()
	w := loaded(t, func(cfg *Config) {
		acme := cfg.Accounts["111122223333"]
		acme.Roles["media"].Policies = nil
		acme.Buckets["acme-masters"].Policy = builtin(`{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-masters/*",
			"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/media/acme.1"}}]}`)
	}, Options{})
	deny := `{"Statement":{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}}`
	session := w.assume(t, worker, sts.AssumeRoleInput{RoleArn: aws.String(media), ExternalId: aws.String("x-42"), Policy: &deny})
	wants(t, get(t.Context(), w.s3(session, "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
	other := w.assume(t, worker, sts.AssumeRoleInput{RoleArn: aws.String(media), ExternalId: aws.String("x-42"), RoleSessionName: aws.String("acme.2")})
	wants(t, get(t.Context(), w.s3(other, "eu-central-1"), "acme-masters", "in/a.mov"), "AccessDenied", "no identity-based policy")
}

func TestOrganizationHearsTheLayer(t *testing.T) {
	t.Parallel()
	w := loaded(t, func(cfg *Config) { cfg.Accounts["111122223333"].Organization = "o-vendor" }, Options{})
	wants(t, get(t.Context(), w.s3(worker, "eu-central-1"), "acme-masters", "in/a.mov"), "AccessDenied", "because no resource-based policy allows the s3:GetObject action")
	_, err := w.sts(worker).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1")})
	wants(t, err, "AccessDenied", "because no role trust policy allows the sts:AssumeRole action")
}

// The condition keys that requests carry, each by a statement that needs it.
func TestConditionKeys(t *testing.T) {
	t.Parallel()
	w := loaded(t, func(cfg *Config) {
		secure := true
		cfg.SecureTransport = &secure
	}, Options{})
	session := w.assume(t, worker, sts.AssumeRoleInput{})
	id := w.directory.accounts["111122223333"].roles["media"].id
	for _, c := range []struct{ name, condition string }{
		{"principal", `{"ArnEquals":{"aws:PrincipalArn":"` + media + `"}}`},
		{"principal's account", `{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}`},
		{"resource's account", `{"StringEquals":{"aws:ResourceAccount":"111122223333","s3:ResourceAccount":"111122223333"}}`},
		{"user id", `{"StringEquals":{"aws:userid":"` + id + `:acme.1"}}`},
		{"type", `{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}`},
		{"tls", `{"Bool":{"aws:SecureTransport":true,"aws:ViaAWSService":false,"aws:PrincipalIsAWSService":false}}`},
		{"address", `{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`},
		{"time", `{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"},"NumericGreaterThan":{"aws:EpochTime":"1577836800"}}`},
		{"issue time", `{"DateLessThanEquals":{"aws:TokenIssueTime":"` + time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339) + `"}}`},
		{"no user", `{"Null":{"aws:username":"true"}}`},
		{"user agent", `{"StringLike":{"aws:UserAgent":"*aws-sdk-go-v2*"}}`},
		{"region", `{"StringEquals":{"aws:RequestedRegion":"eu-central-1"}}`},
		{"signature", `{"StringEquals":{"s3:authType":"REST-HEADER","s3:signatureversion":"AWS4-HMAC-SHA256"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			statement := `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":` + c.condition + `}]}`
			if _, err := policy.Parse([]byte(statement)); err != nil {
				t.Fatal(err)
			}
			bound := w.assume(t, worker, sts.AssumeRoleInput{RoleArn: aws.String(media), ExternalId: aws.String("x-42"), Policy: &statement})
			wants(t, get(t.Context(), w.s3(bound, "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
		})
	}
	wants(t, get(t.Context(), w.s3(session, "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
}

// fetch sends a plain request.
func (w *world) fetch(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func (w *world) request(t testing.TB, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sign(t testing.TB, r *http.Request, k keys, service, region, payload string) {
	t.Helper()
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", payload)
	}
	creds, err := credentials.NewStaticCredentialsProvider(k.id, k.secret, k.token).Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, payload, service, region, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestAnonymousAndOddRequests(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	wants(t, put(t.Context(), w.s3(keysOf("admin"), "eu-central-1"), "acme-masters", "public/a", "for all"), "", "")
	form := func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }
	streamed := func(r *http.Request) {
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		sign(t, r, keysOf("admin"), "s3", "eu-central-1", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	for _, c := range []struct {
		name, method, path, body string
		change                   func(*http.Request)
		status                   int
		want                     string
	}{
		{"public object", "GET", "/acme-masters/public/a", "", nil, 200, "for all"},
		{"by virtual host", "GET", "/public/a", "", host("acme-masters.s3.eu-central-1.amazonaws.com"), 200, "for all"},
		{"by virtual host of localhost", "GET", "/public/a", "", host("acme-masters.s3.localhost:4566"), 200, "for all"},
		{"by short virtual host", "GET", "/public/a", "", host("acme-masters.localhost:4566"), 200, "for all"},
		{"at another region's endpoint", "GET", "/public/a", "", host("acme-masters.s3.us-west-2.amazonaws.com"), 301, "<Endpoint>acme-masters.s3.eu-central-1.amazonaws.com</Endpoint>"},
		{"private object", "GET", "/acme-masters/in/a.mov", "", nil, 403, "<Message>Access Denied</Message>"},
		{"list of buckets", "GET", "/", "", nil, 403, "AccessDenied"},
		{"sts", "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", form, 403, "MissingAuthenticationToken"},
		{"sts by query", "GET", "/?Action=GetCallerIdentity", "", nil, 403, "MissingAuthenticationToken"},
		{"broken form", "POST", "/", "Action=%zz", form, 400, "MalformedInput"},
		{"kms", "POST", "/", "{}", func(r *http.Request) { r.Header.Set("X-Amz-Target", "TrentService.DescribeKey") }, 400, "MissingAuthenticationToken"},
		{"version 2", "GET", "/acme-masters/in/a.mov?AWSAccessKeyId=a&Signature=b&Expires=1", "", nil, 400, "Please use AWS4-HMAC-SHA256"},
		{"presigned for another region", "GET", "/acme-masters/in/a.mov?X-Amz-Expires=60", "", func(r *http.Request) {
			creds := aws.Credentials{AccessKeyID: keysOf("admin").id, SecretAccessKey: "admin-secret"}
			url, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", time.Now())
			if err == nil {
				r.URL, err = r.URL.Parse(url)
			}
			if err != nil {
				t.Error(err)
			}
		}, 400, "<Code>AuthorizationQueryParametersError</Code><Message>Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong; expecting 'eu-central-1'"},
		{"unsigned chunks", "PUT", "/acme-masters/public/b", "5\r\nhello\r\n0\r\n\r\n", func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
			r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		}, 403, "AccessDenied"},
		{"a missing trailer", "PUT", "/acme-masters/k", "5\r\nhello\r\n0\r\n\r\n", streamed, 400, "<Code>MalformedTrailerError<"},
		{"small chunks", "PUT", "/acme-masters/k", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", streamed, 400, "<Code>InvalidChunkSizeError<"},
		{"another scheme", "GET", "/acme-masters/public/a", "", func(r *http.Request) { r.SetBasicAuth("a", "b") }, 400, "<Code>InvalidArgument</Code><Message>Unsupported Authorization Type"},
		{"broken header", "GET", "/acme-masters/in/a.mov", "", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") }, 400, "AuthorizationHeaderMalformed"},
		{"broken query", "GET", "/acme-masters/in/a.mov?X-Amz-Algorithm=AWS4-HMAC-SHA256", "", nil, 400, "AuthorizationQueryParametersError"},
		{"wrong body", "PUT", "/acme-masters/k", "hello", func(r *http.Request) {
			sign(t, r, keysOf("admin"), "s3", "eu-central-1", strings.Repeat("0", 64))
		}, 400, "XAmzContentSHA256Mismatch"},
		{"a service that is not there", "POST", "/", "", func(r *http.Request) {
			sign(t, r, keysOf("admin"), "sqs", "eu-central-1", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
		}, 400, "the sandbox has no service sqs"},
		{"a service that is not there, badly signed", "POST", "/", "", func(r *http.Request) {
			sign(t, r, keys{"AKIANONE", "x", ""}, "sqs", "eu-central-1", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
		}, 403, "InvalidClientTokenId"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := w.request(t, c.method, c.path, c.body)
			if c.change != nil {
				c.change(r)
			}
			resp, body := w.fetch(t, r)
			if resp.StatusCode != c.status || !strings.Contains(body, c.want) {
				t.Errorf("got %d with %s, want %d with %s", resp.StatusCode, body, c.status, c.want)
			}
		})
	}
}

func TestHeadBucketTellsTheRegion(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	for _, c := range []struct {
		name   string
		sign   func(*http.Request)
		status int
	}{
		{"anonymous", func(*http.Request) {}, 403},
		{"refused", func(r *http.Request) { sign(t, r, worker, "s3", "us-west-2", "UNSIGNED-PAYLOAD") }, 403},
		{"signed for another region", func(r *http.Request) { sign(t, r, worker, "s3", "us-east-1", "UNSIGNED-PAYLOAD") }, 400},
	} {
		r := w.request(t, "HEAD", "/globex-delivery", "")
		c.sign(r)
		resp, _ := w.fetch(t, r)
		if got := resp.Header.Get("X-Amz-Bucket-Region"); resp.StatusCode != c.status || got != "us-west-2" {
			t.Errorf("%s: %d with region %q", c.name, resp.StatusCode, got)
		}
	}
	out, err := w.s3(keysOf("partner"), "us-east-1").GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: aws.String("globex-delivery")})
	if err != nil || out.LocationConstraint != "us-west-2" {
		t.Errorf("location %v, %v", out, err)
	}
}

// Trailing checksums over plain HTTP are signed in chunks.
func TestStreamedUpload(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	client := w.s3(keysOf("admin"), "eu-central-1")
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("acme-masters"), Key: aws.String("a b/ä%+&.mov"), Body: bytes.NewReader(body),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c,
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme-masters"), Key: aws.String("a b/ä%+&.mov")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// S3 tells of an upload which session began it: so that a job knows its own.
func TestInitiator(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	session := w.assume(t, worker, sts.AssumeRoleInput{})
	begun, err := w.s3(session, "eu-central-1").CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String("acme-masters"), Key: aws.String("in/new"),
	})
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.s3(keysOf("admin"), "eu-central-1").ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("acme-masters")})
	if err != nil || len(all.Uploads) != 1 || *all.Uploads[0].UploadId != *begun.UploadId {
		t.Fatal(all, err)
	}
	if got := aws.ToString(all.Uploads[0].Initiator.ID); got != "arn:aws:sts::111122223333:assumed-role/media/acme.1" {
		t.Errorf("begun by %q", got)
	}
}
