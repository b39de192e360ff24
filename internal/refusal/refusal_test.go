package refusal

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/internal/transfer"
)

const (
	role = "arn:aws:iam::111122223333:role/media"
	user = "User: arn:aws:sts::111122223333:assumed-role/media/acme.j is not authorized to perform: "
)

func ask(change func(q *Request)) Request {
	q := Request{
		Place: rolecall.Place{Bucket: "b", Key: "in/", RoleARN: role, BucketOwner: "222233334444", Region: "eu-central-1"},
		Key:   "in/a", Verb: `read "s3://b/in/a"`, Action: "s3:GetObject",
	}
	change(&q)
	return q
}

// dated is an answer of a server whose clock is ahead.
func dated(ahead time.Duration) error {
	header := http.Header{"Date": {time.Now().Add(ahead).UTC().Format(http.TimeFormat)}}
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{Header: header}}, Err: errors.New("refused")}
}

func layers(r Refusal) []rolecall.CheckLayer {
	var out []rolecall.CheckLayer
	for _, s := range r.Suspects {
		if !slices.Contains(out, s.Layer) {
			out = append(out, s.Layer)
		}
	}
	return out
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	type names = []rolecall.CheckLayer
	const (
		bucket, name, org, key = rolecall.LayerBucket, rolecall.LayerName, rolecall.LayerOrganization, rolecall.LayerKey
		network, ofRole        = rolecall.LayerNetwork, rolecall.LayerRole
	)
	as := func(*Request) {}
	denied := func(text string) error {
		return &transfer.Error{Kind: transfer.Denied, Code: "AccessDenied", Text: text}
	}
	for about, c := range map[string]struct {
		err           error
		ask           func(*Request)
		code          rolecall.Code
		layers        names
		message, hint string
	}{
		"silent": {denied("Access Denied"), as, rolecall.Forbidden, names{bucket, ofRole, org}, `S3 refuses to read "s3://b/in/a", and does not say why; any of these may be it: the bucket policy of "b" (account 222233334444) does not let`, "Customer: allow the caller in the bucket policy"},
		"silent, and another request passed": {
			denied("Access Denied"), func(q *Request) { q.Opened = true }, rolecall.Forbidden, names{ofRole, bucket, org}, "does not say why; any of these may be it: the permissions policy of " + role, "Customer: add s3:GetObject on arn:aws:s3:::b/in/*",
		},
		"silent, and all may be": {
			denied("Access Denied"), func(q *Request) { q.KMS, q.Owner, q.Missing = true, true, true }, rolecall.Forbidden,
			names{bucket, ofRole, key, name, org},
			"does not belong to account 222233334444", "You: look for a typing mistake in the key first. Else Customer: allow the caller",
		},
		"a Deny of the bucket's over plain HTTP": {
			denied(user + `s3:GetObject on resource: "arn:aws:s3:::b/in/a" with an explicit deny in a resource-based policy`),
			func(q *Request) { q.Endpoint = "http://s3.internal" }, rolecall.Forbidden,
			names{network, bucket},
			`the bucket policy of "b" denies s3:GetObject`,
			"that can stay. Else Customer: remove the Deny",
		},
		"a policy that AWS names": {
			denied(user + `s3:GetObject on resource: "arn:aws:s3:::b/in/a" with an explicit deny in a service control policy: arn:aws:organizations::555555555555:policy/o-1/service_control_policy/p-1`),
			as, rolecall.Forbidden,
			names{org},
			"a service control policy of the role's organization (arn:aws:organizations::555555555555:policy/o-1/service_control_policy/p-1) denies s3:GetObject", "Customer: have the organization's administrators remove the Deny",
		},
		"a policy that a tenant's server names": {
			denied(user + "s3:GetObject on resource: x with an explicit deny in a service control policy: <script>"),
			as, rolecall.Forbidden,
			names{org},
			"a service control policy of the role's organization denies s3:GetObject", "remove the Deny",
		},
		"KMS, to another account": {
			denied(user + "kms:Decrypt on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"),
			func(q *Request) { q.Opened = true }, rolecall.Forbidden,
			names{key, ofRole, org},
			"the policy of the KMS key does not allow kms:Decrypt, or denies it", "Customer: add kms:Decrypt",
		},
		"closed by AWS": {&transfer.Error{Kind: transfer.Denied, Code: "AllAccessDisabled"}, as, rolecall.Forbidden, names{bucket}, "AWS has closed the bucket", "no policy is at fault"},
		"clock":         {&transfer.Error{Kind: transfer.BadCredentials, Code: "RequestTimeTooSkewed"}, as, rolecall.Unauthenticated, names{rolecall.LayerPrincipal}, "the clock of the worker is wrong", "Operator: set the clock"},
		"a secret's keys": {
			&transfer.Error{Kind: transfer.BadCredentials, Code: "InvalidAccessKeyId"}, func(q *Request) { q.Place.RoleARN, q.Place.Secret.Name = "", "acme" },
			rolecall.Unauthenticated,
			names{ofRole, name},
			`the keys of the secret "acme"`, "Operator: give the secret keys",
		},
		"a bucket at an endpoint": {&transfer.Error{Kind: transfer.NoBucket}, func(q *Request) { q.Place.EndpointURL = "https://s3.example" }, rolecall.NotFound, names{name}, `there is no bucket "b"`, "s3_endpoint_url"},
		"an alias":                {&transfer.Error{Kind: transfer.NoBucket}, func(q *Request) { q.Place.Bucket = "b-s3alias" }, rolecall.NotFound, names{name}, `"b-s3alias"`, "access points are not taken"},
		"a slow answer":           {&transfer.Error{Kind: transfer.Stalled}, as, rolecall.Unavailable, names{network}, "S3 answers too slowly: for a minute nothing came, or fewer than 4 KiB a second", "network"},
		"a slow endpoint": {
			&transfer.Error{Kind: transfer.Stalled}, func(q *Request) { q.Place.EndpointURL = "https://s3.example" }, rolecall.Unavailable,
			names{network, name},
			"the endpoint answers too slowly: for a minute nothing came", "Customer: see that the service at s3_endpoint_url",
		},
		"a closed address": {
			&transfer.Error{Kind: transfer.Unreachable, Err: &guard.Error{Addr: netip.MustParseAddr("10.0.0.1"), Reason: "private network"}},
			func(q *Request) { q.Place.EndpointURL = "https://s3.example" }, rolecall.Forbidden,
			names{network, name},
			"the endpoint may not be reached", "network.allow",
		},
		"a listing out of order": {
			&transfer.Error{Kind: transfer.Malformed, Err: fmt.Errorf("%w: b after a", transfer.ErrUnordered)}, func(q *Request) { q.Place.EndpointURL = "https://s3.example" },
			rolecall.Invalid,
			names{name},
			"lists keys out of byte order", "You: name files without wildcards",
		},
		"a code of a tenant's server": {&transfer.Error{Kind: transfer.Refused, Code: "<b>"}, func(q *Request) { q.Action = "s3:PutObject" }, rolecall.Invalid, names{name}, `S3 refuses to read "s3://b/in/a"`, "compare"},
		"a KMS key of another region": {
			&transfer.Error{Kind: transfer.Refused, Code: "KMS.NotFoundException", Text: "Invalid arn us-east-1"},
			func(q *Request) {
				q.Action = "s3:PutObject"
				q.Place.Encryption = &rolecall.Encryption{Type: "aws:kms", Key: "arn:aws:kms:us-east-1:111122223333:key/k1"}
			},
			rolecall.Invalid,
			names{name, key},
			"key/k1 is in the region us-east-1, and the bucket in eu-central-1", "You: name a key of the bucket's region",
		},
		"a key that the bucket names": {
			&transfer.Error{Kind: transfer.Refused, Code: "KMS.NotFoundException"}, func(q *Request) { q.Action = "s3:PutObject" }, rolecall.Invalid,
			names{name, key},
			"KMS knows no such key", "Customer: set a key that exists",
		},
		"a key that is gone": {
			&transfer.Error{Kind: transfer.Refused, Code: "KMS.NotFoundException"},
			func(q *Request) { q.Place.Encryption = &rolecall.Encryption{Type: "aws:kms"} }, rolecall.Invalid,
			names{name, key},
			`S3 refuses to read "s3://b/in/a": the KMS key that it is encrypted under does not exist any more`, "Customer: upload the object again",
		},
		"a listing refused otherwise": {
			&transfer.Error{Kind: transfer.Refused, Code: "MethodNotAllowed"}, func(q *Request) { q.Action = "s3:ListBucket" }, rolecall.Invalid,
			names{name},
			"with MethodNotAllowed", "You: run it again later. Customer",
		},
		"a listing refused otherwise, at an endpoint": {
			&transfer.Error{Kind: transfer.Refused, Code: "MethodNotAllowed"}, func(q *Request) { q.Action, q.Place.EndpointURL = "s3:ListBucket", "https://s3.example" },
			rolecall.Invalid,
			names{name},
			"with MethodNotAllowed", "Customer: see why the service at s3_endpoint_url",
		},
		"the clock, at an endpoint": {
			&transfer.Error{Kind: transfer.BadCredentials, Code: "RequestTimeTooSkewed"}, func(q *Request) { q.Place.EndpointURL = "https://s3.example" },
			rolecall.Unauthenticated,
			names{name, rolecall.LayerPrincipal},
			`the server of the bucket "b" does not accept the time`, "Customer: set the clock of the service",
		},
		"the clock, where clocks agree": {
			&transfer.Error{Kind: transfer.BadCredentials, Code: "RequestTimeTooSkewed", Err: dated(0)}, as,
			rolecall.Unavailable,
			names{network},
			"its clock and the worker's agree", "You: run it again",
		},
		"the clock, where clocks do not agree": {
			&transfer.Error{Kind: transfer.BadCredentials, Code: "RequestTimeTooSkewed", Err: dated(20 * time.Minute)}, as,
			rolecall.Unauthenticated,
			names{rolecall.LayerPrincipal},
			"the clock of the worker is wrong", "Operator: set the clock",
		},
		"a KMS key": {&transfer.Error{Kind: transfer.Refused, Code: "KMS.DisabledException"}, as, rolecall.Invalid, names{key}, `S3 refuses to read "s3://b/in/a": the KMS key is disabled`, "Customer: enable it"},
	} {
		r, ok := Read(c.err).To(ask(c.ask))
		if !ok || r.Code != c.code || !strings.Contains(r.Message, c.message) || !strings.Contains(r.Hint, c.hint) {
			t.Errorf("%s: %s: %s (%s)", about, r.Code, r.Message, r.Hint)
		}
		if err := hinttest.Check(r.Hint); err != nil {
			t.Errorf("%s: %v", about, err)
		}
		if diff := cmp.Diff(c.layers, layers(r)); diff != "" {
			t.Errorf("%s: %s", about, diff)
		}
		if strings.Contains(r.Message+r.Hint, "<") {
			t.Errorf("%s: what the server says is shown: %s (%s)", about, r.Message, r.Hint)
		}
	}
	for _, kind := range []transfer.Kind{transfer.NoCredentials, transfer.DiskFull, transfer.Panicked} {
		code := ""
		if kind == transfer.NoCredentials {
			code = "RequestTimeTooSkewed"
		}
		if r, ok := Read(&transfer.Error{Kind: kind, Code: code}).To(Request{}); ok {
			t.Errorf("%s is no answer: %+v", kind, r)
		}
	}
}

// Whose policy refuses to let a role be assumed is said by STS, or open.
func TestAssume(t *testing.T) {
	t.Parallel()
	const worker = "arn:aws:iam::999900009999:role/worker"
	const denied = "User: arn:aws:sts::999900009999:assumed-role/worker/i is not authorized to perform: sts:AssumeRole on resource: " + role
	for text, want := range map[string][]rolecall.CheckLayer{
		denied: {rolecall.LayerTrust, rolecall.LayerName, rolecall.LayerPrincipal, rolecall.LayerOrganization},
		denied + " because no identity-based policy allows the sts:AssumeRole action":  {rolecall.LayerPrincipal},
		denied + " because no permissions boundary allows the sts:AssumeRole action":   {rolecall.LayerPrincipal},
		denied + " with an explicit deny in the role trust policy":                     {rolecall.LayerTrust},
		denied + " because no role trust policy allows the sts:AssumeRole action":      {rolecall.LayerTrust},
		denied + " because no VPC endpoint policy allows the sts:AssumeRole action":    {rolecall.LayerNetwork},
		denied + " because no service control policy allows the sts:AssumeRole action": {rolecall.LayerOrganization},
	} {
		r, ok := Assume(&smithy.GenericAPIError{Code: "AccessDenied", Message: text}, worker, role)
		if diff := cmp.Diff(want, layers(r)); diff != "" || !ok || !strings.HasPrefix(r.Message, "AWS does not let "+worker+" assume the role "+role) {
			t.Errorf("%s: %+v\n%s", text, r, diff)
		}
	}
	for _, err := range []error{errors.New("no answer"), &smithy.GenericAPIError{Code: "ExpiredToken"}} {
		if _, ok := Assume(err, worker, role); ok {
			t.Errorf("%v is a refusal", err)
		}
	}
}

// A key that was not meant so is asked about, whatever is odd in it.
func TestOddKeys(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"in/a.mov": "", "in/": "", "": "", "in/a b.mov": "", "in/*.mov": "patterns into files", "in/a.mov?versionId=3": "leave out ?versionId=", "in/a?": "patterns into files",
		"in/[a-z].mov": "they know *", "in/%20a": "not percent-decoded", "in/a.mov ": "white space", " in/": "white space", "in/a\n": "white space", "in /": "white space", "in/\n/": "white space",
	} {
		if got := OddKeyHint(key); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q", key, got)
		}
		if err := hinttest.Check(MissingHint(key)); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
}
