package credential_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

func TestIdentify(t *testing.T) {
	t.Parallel()
	session := "arn:aws:sts::873682911326:assumed-role/VTKWorker/i-1"
	for name, c := range map[string]struct {
		caller, principal string
		who               string
		code              rolecall.Code
		says              string
	}{
		"declared":      {session, "production", session, "", ""},
		"another's":     {"arn:aws:iam::555566667777:user/bob", "production", "arn:aws:iam::555566667777:user/bob", rolecall.Unauthenticated, "declared as"},
		"not told":      {"", "production", "", rolecall.Forbidden, "does not say whose"},
		"no principal":  {session, "nobody", "", rolecall.Invalid, "no principal"},
		"without a key": {session, "keyless", "", rolecall.Unauthenticated, "no credentials of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, strict, func(o *credential.Options) {
				p := principal(t, "keyless", workerARN)
				p.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("none") })
				o.Principals["keyless"] = p
			})
			b.sts.caller = func(string) string { return c.caller }
			// The role does not matter.
			who, err := b.Identify(t.Context(), credential.Role{Principal: c.principal})
			if got := who.String(); got != c.who && (c.who != "" || who != rolecall.ARN{}) {
				t.Errorf("it is %s", got)
			}
			if rolecall.CodeOf(err) != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if len(b.sts.seen()) > 0 {
				t.Error("a role was assumed")
			}
		})
	}
}

// STS refuses requests out of time with the code for a wrong signature.
func TestWrongClockIsNamed(t *testing.T) {
	t.Parallel()
	for message, clock := range map[string]bool{
		"Signature expired: 20261101T120000Z is now earlier than 20261101T121500Z":                      true,
		"Signature not yet current: 20261101T124000Z is still later than 20261101T122500Z":              true,
		"The request signature we calculated does not match the signature you provided.":                false,
		"Credential should be scoped to a valid region, not Signature expired. ":                        false,
		"The request signature we calculated does not match. It is not that the Signature not yet came": false,
	} {
		b := newBench(t, func(stsCall) stsAnswer {
			return stsAnswer{status: 403, code: "SignatureDoesNotMatch", message: message}
		})
		_, err := b.Prove(t.Context(), acme())
		if rolecall.CodeOf(err) != rolecall.Unauthenticated || strings.Contains(rolecall.List(err)[0].Hint, "clock") != clock {
			t.Errorf("%s: %v, %q", message, err, rolecall.List(err)[0].Hint)
		}
	}
}

// A try rests on a verdict, is exactly what was asked for, and is kept by
// nobody.
func TestTry(t *testing.T) {
	t.Parallel()
	const tooLong = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	b := newBench(t, func(c stsCall) stsAnswer {
		if c.Duration == "43200" {
			return stsAnswer{status: 400, code: "ValidationError", message: tooLong}
		}
		return strict(c)
	})
	if _, err := b.Try(t.Context(), acme()); rolecall.CodeOf(err) != rolecall.Forbidden || len(b.sts.seen()) != 0 {
		t.Errorf("without a verdict: %v after %d calls", err, len(b.sts.seen()))
	}
	if _, err := b.Prove(t.Context(), acme()); err != nil {
		t.Fatal(err)
	}
	first, err := b.Try(t.Context(), acme())
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Try(t.Context(), acme())
	if err != nil || first.AccessKeyID == second.AccessKeyID || !second.HasKeys() {
		t.Errorf("a try is cached: %v", err)
	}
	if n := len(b.events.of(credential.EventAssume)); n != 2 {
		t.Errorf("%d sessions reported", n)
	}
	long := acme()
	long.Duration = 12 * time.Hour
	_, err = b.Try(t.Context(), long)
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorMessage() != tooLong || rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("too long: %v", err)
	}
	calls := b.sts.seen()[provedWith:]
	if len(calls) != 3 || calls[0].Policy != string(acme().Policy) || calls[0].Duration != "3600" || calls[2].Duration != "43200" {
		t.Errorf("%+v", calls)
	}
	bare := acme()
	bare.Policy = nil
	if _, err := b.Try(t.Context(), bare); rolecall.CodeOf(err) != rolecall.Internal {
		t.Errorf("without a session policy: %v", err)
	}
	// Another role under the name: its session is not returned.
	b.sts.setRule(recreatedAs("AROA2"))
	if c, err := b.Try(t.Context(), acme()); !errors.Is(err, credential.ErrDrift) || c.HasKeys() {
		t.Errorf("recreated: %v", err)
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	if v, err := b.Claim(t.Context(), acme()); err != nil || v.Passed {
		t.Errorf("before any: %+v, %v", v, err)
	}
	if _, err := b.Prove(t.Context(), acme()); err != nil {
		t.Fatal(err)
	}
	before := len(b.sts.seen())
	b.clock.Advance(30 * 24 * time.Hour)
	if v, err := b.Claim(t.Context(), acme()); err != nil || !v.Passed || v.RoleID != "AROA1" || !v.Checked.Equal(epoch) || len(v.Probes) != provedWith {
		t.Errorf("%+v, %v", v, err)
	}
	for name, change := range map[string]func(*credential.Role){
		"vendor's":          func(r *credential.Role) { r.RoleARN = "arn:aws:iam::999999999999:role/media" },
		"another partition": func(r *credential.Role) { r.RoleARN = "arn:aws-cn:iam::111122223333:role/media" },
	} {
		r := acme()
		change(&r)
		if v, err := b.Claim(t.Context(), r); err == nil || v.Passed {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	another := acme()
	another.Organization = "globex"
	if v, err := b.Claim(t.Context(), another); err != nil || v.Passed {
		t.Errorf("another's, which it is not told: %+v, %v", v, err)
	}
	if len(b.sts.seen()) != before {
		t.Error("STS was called")
	}
}

// A released role is free for another organization, and what rested on the
// claim is gone, whoever it was for.
func TestRelease(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	provider := b.Role(acme())
	first, err := provider.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	thief := acme()
	thief.Organization = "globex"
	if err := b.Release(t.Context(), thief); err != nil {
		t.Fatal(err)
	}
	if again, err := provider.Retrieve(t.Context()); err != nil || again.AccessKeyID != first.AccessKeyID {
		t.Errorf("another's release dropped the credential: %v", err)
	}
	// However the role was written, and without its external id.
	bare := credential.Role{Organization: "acme", RoleARN: strings.Replace(mediaARN, "media", "Media", 1)}
	if err := b.Release(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Role(thief).Retrieve(t.Context()); err != nil {
		t.Errorf("the claim did not end: %v", err)
	}
	if _, err := provider.Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Forbidden {
		t.Errorf("the credential outlived the claim: %v", err)
	}
}
