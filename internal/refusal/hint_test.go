package refusal

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/sandbox"
	"github.com/rolecall/rolecall/sandbox/sandboxtest"
)

// changeless are the hints that name no change: what to do again or to look at,
// since the cause is outside of what anyone declared.
var changeless = []string{
	"You: run it again. Operator: if it stays so, look for a proxy that holds requests back",
	"You: run it again; something that tidies up may have ended the upload",
	"You: try again later; retries on the task do so by themselves",
	"You: try again. Customer: if it stays so, look at what the dispenser answers",
	"You: try again. Customer: if it stays so, look for a policy that revokes the role's sessions",
	"You: compare encryption, storage class and acl with what the bucket's owner requires",
	"You: run it again later. Customer: if it stays so, look for what is special about the bucket or object; no policy is at fault",
	"Customer: see which TLS versions and client certificates the service demands; rolecall has TLS 1.2 and 1.3, and no certificate",
	"Operator: look at the worker's network, and at the proxy if there is one",
	"Customer: see that the service at s3_endpoint_url is up and not overloaded",
}

// scene is a request on a server, as somebody declared it.
type scene struct {
	Request
	url      string // of the server
	keys     [3]string
	client   *http.Client
	do       func(*testing.T, transfer.Bucket, scene) error
	declared string // the region that the client signs for
}

func get(t *testing.T, b transfer.Bucket, s scene) error {
	_, err := transfer.Head(t.Context(), b, s.Key)
	if transfer.KindOf(err) == transfer.Denied || transfer.KindOf(err) == transfer.BadCredentials { // HEAD has no body that says why
		_, err = transfer.Get(t.Context(), b, transfer.Object{Key: s.Key, Size: 1}, root(t), "a", transfer.GetOptions{})
	}
	return err
}

func put(t *testing.T, b transfer.Bucket, s scene) error {
	r := root(t)
	if err := r.WriteFile("a", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	options := transfer.PutOptions{Overwrite: true}
	if e := s.Place.Encryption; e != nil {
		options.Encryption = transfer.Encryption{Type: e.Type, Key: e.Key}
	}
	_, err := transfer.Put(t.Context(), b, s.Key, r, "a", options)
	return err
}

func root(t *testing.T) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func list(t *testing.T, b transfer.Bucket, s scene) error {
	_, _, err := transfer.ListFirst(t.Context(), b, s.Place.Key)
	return err
}

// matching lists what is below the place for the pattern *.mov.
func matching(t *testing.T, b transfer.Bucket, s scene) error {
	o, found, err := transfer.ListFirst(t.Context(), b, s.Place.Key)
	if err == nil && (!found || !strings.HasSuffix(o.Key, ".mov")) {
		t.Errorf("the pattern matches nothing: %q", o.Key)
	}
	return err
}

// hints makes the request and returns the hint on its refusal, if it is refused.
func (s scene) hints(t *testing.T) []string {
	t.Helper()
	b := transfer.Bucket{Name: s.Place.Bucket, RequesterPays: s.Place.RequesterPays, Client: transfer.NewClient(transfer.ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider(s.keys[0], s.keys[1], s.keys[2]), Region: s.declared, Endpoint: s.url, PathStyle: true,
		HTTP: s.client, UserAgent: "test", Attempts: 1,
	})}
	err := s.do(t, b, s)
	if err == nil {
		return nil
	}
	r, ok := Read(err).To(s.Request)
	if !ok {
		t.Errorf("%v is no refusal", err)
	}
	out := []string{r.Hint}
	var undisclosed *rolecall.Undisclosed
	if errors.As(r.Err("/", err), &undisclosed) {
		out = append(out, undisclosed.Hint)
	}
	return out
}

const world = `accounts:
  "111122223333":
    users: {ci: {access_key_id: AKIAEXAMPLE, secret_access_key: secret, policies: &everything [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}]}}
    roles:
      media: {access_key_id: ASIAEXAMPLE, secret_access_key: secret, session_token: token, policies: *everything, trust: &closed {Version: "2012-10-17", Statement: {Effect: Deny, Principal: "*", Action: "sts:AssumeRole"}}}
      reader: {access_key_id: ASIAREADER, secret_access_key: secret, session_token: token, policies: [{Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:GetObject", Resource: "*"}}], trust: *closed}
    keys: {mine: {region: eu-central-1}}
    buckets:
      other: {region: eu-central-1}
`

const buckets = `
      acme: {region: eu-central-1}
      tls: {region: eu-central-1, policy: {Version: "2012-10-17", Statement: {Effect: Deny, Principal: "*", Action: "s3:*", Resource: ["arn:aws:s3:::tls", "arn:aws:s3:::tls/*"], Condition: {Bool: {"aws:SecureTransport": "false"}}}}}
      unkeyed: {region: eu-central-1, encryption: {type: "aws:kms", key: "arn:aws:kms:eu-central-1:111122223333:key/none"}}
      keyed: {region: eu-central-1, encryption: {type: "aws:kms", key: mine}}
  "444455556666":
    buckets:
      pays: {region: eu-central-1, requester_pays: true, policy: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:role/media"}, Action: "s3:*", Resource: ["arn:aws:s3:::pays", "arn:aws:s3:::pays/*"]}}}
`

// TestHints does what each hint says to a scene, in each way that it names: then
// the server does what it is asked for.
func TestHints(t *testing.T) {
	t.Parallel()
	aws, empty := sandboxtest.Start(t, world+buckets), sandboxtest.Start(t, world)
	for _, bucket := range []string{"acme", "tls", "pays"} {
		if err := aws.PutObject(bucket, "in/a.mov", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	free, closed := guard.NewClients([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), guard.NewClients(nil)
	t.Cleanup(func() { free.Close(); closed.Close() })
	front := func(h http.HandlerFunc) *httptest.Server {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server
	}
	secure := httptest.NewTLSServer(aws)
	t.Cleanup(secure.Close)
	slow := front(clock(aws, -time.Hour))
	right := front(clock(aws, 0))
	page := front(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html></html>") })
	refusing := front(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusMethodNotAllowed)
		fmt.Fprint(w, "<Error><Code>MethodNotAllowed</Code></Error>")
	})
	unordered := front(func(w http.ResponseWriter, r *http.Request) {
		if sandbox.S3Operation(r) != "ListObjectsV2" {
			aws.ServeHTTP(w, r)
			return
		}
		fmt.Fprint(w, `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>acme</Name><Prefix>in/</Prefix><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>`+
			`<Contents><Key>in/b</Key><Size>1</Size><ETag>"a"</ETag></Contents><Contents><Key>in/a</Key><Size>1</Size><ETag>"a"</ETag></Contents></ListBucketResult>`)
	})
	keyless := front(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/gone.mov") {
			aws.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, "<Error><Code>KMS.NotFoundException</Code></Error>")
	})
	dead := httptest.NewServer(nil)
	dead.Close()

	user, session := [3]string{"AKIAEXAMPLE", "secret"}, [3]string{"ASIAEXAMPLE", "secret", "token"}
	type change = func(*scene)
	also := func(changes ...change) change {
		return func(s *scene) {
			for _, c := range changes {
				c(s)
			}
		}
	}
	at := func(server string) change {
		return func(s *scene) { s.url, s.Place.EndpointURL, s.Endpoint = server, server, server }
	}
	operators := func(server string) change {
		return func(s *scene) { s.url, s.Place.EndpointURL, s.Endpoint = server, "", server }
	}
	paying := func(s *scene) { s.Place.RequesterPays, s.Unpaid = true, false }
	bucket := func(name string) change { return func(s *scene) { s.Place.Bucket = name } }
	key := func(name string) change { return func(s *scene) { s.Key = name } }
	region := func(name string) change { return func(s *scene) { s.Place.Region, s.declared = name, name } }
	keys := func(k [3]string) change { return func(s *scene) { s.keys = k } }
	through := func(c guard.Clients) change { return func(s *scene) { s.client = c.Tenant(s.url) } }
	trusting := func(s *scene) { s.client = secure.Client() }
	listing := func(s *scene) { s.do, s.Action = list, "s3:ListBucket" }
	writing := func(s *scene) { s.do, s.Action = put, "s3:PutObject" }
	secret := func(s *scene) { s.Place.RoleARN, s.Place.Secret.Name, s.keys = "", "acme", user }
	under := func(arn string) change {
		return func(s *scene) { s.Place.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: arn} }
	}
	asked := func(s *scene) { s.do = regionFirst }
	missing := also(keys([3]string{"ASIAREADER", "secret", "token"}), func(s *scene) { s.Missing = true })
	const mine = "arn:aws:kms:eu-central-1:111122223333:key/mine"
	patterns := func(s *scene) { s.do = matching }

	var done []string
	for _, c := range []struct {
		wrong    change
		hint     string
		followed []change
	}{
		{at(slow.URL), "set the clock of the service at s3_endpoint_url", []change{at(right.URL)}},
		{also(missing, key("in/A.mov")), "look for a typing mistake in the key first", []change{also(missing, key("in/a.mov"))}},
		{also(at(aws.URL), bucket("tls")), "Operator: give an s3_endpoint_url with https", []change{also(at(secure.URL), bucket("tls"), trusting)}},
		{also(operators(aws.URL), bucket("tls")), "Operator: give an endpoint of S3 with https", []change{also(operators(secure.URL), bucket("tls"), trusting)}},
		{also(at(aws.URL), through(closed)), "network.allow", []change{also(at(aws.URL), through(free))}},
		{also(at(aws.URL), region("us-east-1")), "give the URL and the region", []change{also(at(aws.URL), region("eu-central-1"))}},
		{region("us-east-1"), regionHint, []change{region("eu-central-1"), also(region(""), asked)}},
		{also(writing, bucket("unkeyed")), "set a key that exists", []change{also(writing, bucket("keyed")), also(writing, bucket("unkeyed"), under(mine))}},
		{
			also(writing, under("arn:aws:kms:us-east-1:111122223333:key/mine")), "name a key of the bucket's region in encryption, or leave it out",
			[]change{also(writing, under(mine)), writing},
		},
		{also(operators(keyless.URL), key("in/gone.mov")), "upload the object again", []change{operators(keyless.URL)}},
		{also(bucket("pays"), func(s *scene) { s.Unpaid = true }), ". You: set requester_pays in the step", []change{also(bucket("pays"), paying)}},
		{key("in/A.mov"), "compare the key letter by letter", []change{key("in/a.mov")}},
		{key("in/a.mov?versionId=3"), "leave out ?versionId=", []change{key("in/a.mov")}},
		{key(" in/a.mov"), "look for white space", []change{key("in/a.mov")}},
		{key("in/*.mov"), "write patterns into files and what is before them", []change{patterns}},
		{key("in/[a].mov"), "they know *, ** and ? only", []change{patterns}},
		{key("in/%61.mov"), "write the key as it is", []change{key("in/a.mov")}},
		{also(secret, keys([3]string{"AKIANOBODY", "secret"})), "give the secret keys of a user that exists", []change{secret}},
		{also(at(aws.URL), keys([3]string{"ASIAOTHER", "secret", "token"})), "name a secret with keys of the service", []change{also(at(aws.URL), secret)}},
		{also(at(refusing.URL), listing), "leave s3_endpoint_url out", []change{listing, also(at(aws.URL), listing)}},
		{also(listing, bucket("amce")), "correct the name", []change{also(listing, bucket("acme"))}},
		{also(listing, operators(empty.URL)), "make the bucket in your account", []change{also(listing, operators(aws.URL))}},
		{also(listing, bucket("acme-s3alias")), "name the bucket behind the access point", []change{also(listing, bucket("acme"))}},
		{
			also(listing, at(empty.URL)), "correct the name or s3_endpoint_url",
			[]change{also(listing, at(empty.URL), bucket("other")), also(listing, at(aws.URL)), also(listing, operators(aws.URL))},
		},
		{also(at(unordered.URL), listing), "name files without wildcards", []change{at(unordered.URL), also(at(aws.URL), listing)}},
		{also(at(page.URL), listing), "a service that speaks S3's protocol", []change{also(at(aws.URL), listing)}},
		{at(secure.URL), "or have SSL_CERT_FILE name a file with its authority", []change{also(at(secure.URL), trusting)}},
		{at(strings.Replace(aws.URL, "http:", "https:", 1)), "give s3_endpoint_url with http", []change{at(aws.URL), also(at(secure.URL), trusting)}},
		{operators(secure.URL), "its authority belongs into the file that SSL_CERT_FILE names", []change{also(operators(secure.URL), trusting)}},
		{at(dead.URL), "correct s3_endpoint_url, or see that its service is up", []change{at(aws.URL)}},
	} {
		begin := func() scene {
			return scene{
				Request: ask(func(q *Request) { q.Place.BucketOwner, q.Place.Bucket, q.Key = "", "acme", "in/a.mov" }), url: aws.URL, keys: session,
				client: free.Operator, do: get, declared: "eu-central-1",
			}
		}
		s := begin()
		c.wrong(&s)
		hints := s.hints(t)
		if len(hints) == 0 || !strings.Contains(hints[0], c.hint) {
			t.Errorf("the hints are %q, not %q", hints, c.hint)
		}
		done = append(done, hints...)
		for _, follow := range c.followed {
			s := begin()
			follow(&s)
			if left := s.hints(t); len(left) > 0 {
				t.Errorf("by %q: %q", hints, left)
			}
		}
	}
	hinttest.Followed(t, ".", done, changeless)
}

// clock makes of a server one whose clock is ahead, which it does not tell.
func clock(next http.Handler, ahead time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || time.Until(signed.Add(-ahead)).Abs() > 15*time.Minute {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "<Error><Code>RequestTimeTooSkewed</Code></Error>")
			return
		}
		next.ServeHTTP(w, r)
	}
}

// regionFirst asks for the bucket's region, as is done where none is declared.
func regionFirst(t *testing.T, b transfer.Bucket, s scene) error {
	region, err := transfer.RegionOf(t.Context(), transfer.RegionQuestion{Bucket: b.Name, Endpoint: s.url, Home: "us-east-1", HTTP: s.client})
	if err != nil {
		return err
	}
	b.Client = transfer.NewClient(transfer.ClientOptions{
		Credentials: b.Client.Options().Credentials, Region: region, Endpoint: s.url, PathStyle: true, HTTP: s.client, UserAgent: "test", Attempts: 1,
	})
	return get(t, b, s)
}
