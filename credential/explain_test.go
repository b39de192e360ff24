package credential_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

// Each of STS's answers to the real call, after a passing proof, says who
// must act.
func TestErrorsSayWhoMustAct(t *testing.T) {
	t.Parallel()
	along := policy.Denial{Principal: workerARN, Action: "sts:TagSession", Resource: mediaARN}
	vendors := policy.Denial{Principal: workerARN, Action: "sts:AssumeRole", Resource: mediaARN, Layer: policy.DeniedByIdentity}
	for name, c := range map[string]struct {
		answer stsAnswer
		code   rolecall.Code
		says   string
		hint   string
	}{
		"denied":           {denied(), rolecall.Forbidden, "does not let " + workerARN + " assume the role " + mediaARN, `"sts:ExternalId":"` + externalID + `"`},
		"vendor denies":    {stsAnswer{status: 403, code: "AccessDenied", message: vendors.String()}, rolecall.Forbidden, "the permissions policy of " + workerARN + " does not allow sts:AssumeRole", "Operator: add"},
		"tags come along":  {stsAnswer{status: 403, code: "AccessDenied", message: along.String()}, rolecall.Forbidden, "does not let " + workerARN, `"Action":["sts:AssumeRole","sts:TagSession"]`},
		"expired":          {stsAnswer{status: 403, code: "ExpiredToken"}, rolecall.Unauthenticated, "credentials of the principal production: they have expired (ExpiredToken)", "Operator: renew"},
		"wrong keys":       {stsAnswer{status: 403, code: "InvalidClientTokenId"}, rolecall.Unauthenticated, "does not know their access key id (InvalidClientTokenId)", "Operator: see whether"},
		"wrong secret":     {stsAnswer{status: 403, code: "SignatureDoesNotMatch"}, rolecall.Unauthenticated, "the secret access key does not belong to the access key id (SignatureDoesNotMatch)", "Operator: copy"},
		"region":           {stsAnswer{status: 403, code: "RegionDisabledException"}, rolecall.Forbidden, "eu-central-1", "Customer: activate STS"},
		"packed policy":    {stsAnswer{status: 400, code: "PackedPolicyTooLarge"}, rolecall.Invalid, "too large", "fewer objects"},
		"malformed policy": {stsAnswer{status: 400, code: "MalformedPolicyDocument"}, rolecall.Internal, "session policy", "fault of rolecall"},
		"validation":       {stsAnswer{status: 400, code: "ValidationError"}, rolecall.Invalid, mediaARN, "role_arn"},
		"hour refused":     {stsAnswer{status: 400, code: "ValidationError", message: "DurationSeconds"}, rolecall.Invalid, mediaARN, "role_session_duration_seconds"},
		"unheard of":       {stsAnswer{status: 400, code: "Surprise"}, rolecall.Unavailable, "Surprise", "later"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(call stsCall) stsAnswer {
				if call.Policy == string(policy.DenyAll()) {
					return strict(call)
				}
				return c.answer
			})
			_, err := b.Role(acme()).Retrieve(t.Context())
			e := rolecall.List(err)[0]
			if e.Code != c.code || !strings.Contains(e.Message, c.says) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("%s: %s (%s)", e.Code, e.Message, e.Hint)
			}
			if strings.Contains(e.Error(), externalID) {
				t.Errorf("the external id is in the error's text: %v", e)
			}
		})
	}
}

func TestOwnCredentialsMissing(t *testing.T) {
	t.Parallel()
	missing := errors.New("no keys")
	b := newBench(t, strict, func(o *credential.Options) {
		p := o.Principals["production"]
		p.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, missing })
		o.Principals["production"] = p
	})
	_, err := b.Role(acme()).Retrieve(t.Context())
	if rolecall.CodeOf(err) != rolecall.Unauthenticated || !errors.Is(err, missing) {
		t.Errorf("%v", err)
	}
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict, func(o *credential.Options) { o.HTTPClient = &http.Client{Transport: unreachable{}} })
	_, err := b.Role(acme()).Retrieve(t.Context())
	if rolecall.CodeOf(err) != rolecall.Unavailable || strings.Contains(rolecall.List(err)[0].Message, "no route") {
		t.Errorf("%v", err)
	}
}

// An answer of 200 without a session is no session, and one without an
// identity none.
func TestEmptyAnswer(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"AssumeRole", "GetCallerIdentity"} {
		b := newBench(t, strict, func(o *credential.Options) {
			o.HTTPClient = &http.Client{Transport: empty{action, o.HTTPClient.Transport}}
		})
		c, err := b.Role(acme()).Retrieve(t.Context())
		if rolecall.CodeOf(err) != rolecall.Unavailable || c.HasKeys() {
			t.Errorf("%s: %+v, %v", action, c, err)
		}
	}
}

// empty answers one action with nothing.
type empty struct {
	action string
	rest   http.RoundTripper
}

func (e empty) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if strings.Contains(string(body), "Action="+e.action) {
		return &http.Response{StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {"text/xml"}}, Body: http.NoBody}, nil
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return e.rest.RoundTrip(r)
}
