package credential_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// dispenserHints are about dispensers and what they answer.
func dispenserHints(t *testing.T) []string {
	t.Helper()
	prove := func(r credential.DispenserRequest) step {
		return func(t *testing.T, b *bench) error { _, err := b.ProveDispenser(t.Context(), r); return err }
	}
	status := func(code int) func(url.Values) (int, string) {
		return func(url.Values) (int, string) { return code, "" }
	}
	body := func(text string) func(url.Values) (int, string) {
		return func(q url.Values) (int, string) {
			if q.Get("external_id") != externalID {
				return http.StatusForbidden, ""
			}
			return http.StatusOK, text
		}
	}
	right := vends("111122223333")
	bound := func(host string, kind rolecall.SecretType) credential.DispenserRequest {
		r := byBearer()
		r.Secret.Host, r.Secret.Type = host, kind
		return r
	}
	var done []string
	for _, c := range []struct {
		hint  string
		rule  func(url.Values) (int, string)
		wrong step
	}{
		{"bind the secret to this host, or name another secret", right, prove(bound("other.example.com", rolecall.SecretText))},
		{"name a secret of the type text", right, prove(bound("vend.example.com", rolecall.SecretAWSAccessKey))},
		{"credentials of your own account", vends("999999999999"), nil},
		{"allow sts:GetCallerIdentity", right, called(func(key string) string {
			if strings.HasPrefix(key, "ASIA") {
				return ""
			}
			return "arn:aws:sts::873682911326:assumed-role/Dispenser/i-0worker"
		}, prove(vend()))},
		{"have the dispenser answer with a session", body(`{"AccessKeyId":"AKIA1","SecretAccessKey":"s","Expiration":"2026-11-01T13:00:00Z"}`), nil},
		{"have the dispenser renew its credentials", body(dispensed("ASIA1111222233331", -time.Minute)), nil},
		{"have the dispenser answer {", body("{}"), nil},
		{"see that the dispenser knows this caller", status(403), nil},
		{"correct the path", status(404), nil},
		{"give the URL that it leads to", status(302), nil},
		{"look at the dispenser's log", status(500), nil},
		{"answer 200 with credentials, or 403", status(418), nil},
		{"compare organization and external_id exactly", func(url.Values) (int, string) { return 200, dispensed("ASIA1111222233331", time.Hour) }, nil},
		{"look at what the dispenser answers", right, func(t *testing.T, _ *bench) error {
			d := newFakeDispenser(t, right)
			b, _ := sandboxed(t, trustPolicy(allow(``, ``)), func(o *credential.Options) { // whose STS knows no such keys
				o.Tenants = d.client
				p := principal(t, rolecall.DispenserPrincipal, workerARN)
				p.Credentials = aws.CredentialsProviderFunc(workerKeys)
				o.Principals[rolecall.DispenserPrincipal] = p
			})
			d.setRule(func(url.Values) (int, string) { return http.StatusOK, dispensed("ASIA1111222233331", 1e6*time.Hour) })
			return prove(vend())(t, b)
		}},
	} {
		b, d := dispenserBench(t, c.rule)
		if c.wrong == nil {
			c.wrong = prove(vend())
		}
		caller := b.sts.caller
		fixed := func(t *testing.T, b *bench) error {
			d.setRule(right)
			return called(caller, prove(byBearer()))(t, b)
		}
		done = append(done, followed(t, b, c.hint, c.wrong, fixed, prove(vend()))...)
	}
	return append(done, unreachedHints(t, prove(vend()))...)
}

// broken is a way to a dispenser that ends with an error.
type broken struct{ err error }

func (f broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// unreachedHints are about dispensers that do not answer.
func unreachedHints(t *testing.T, prove step) []string {
	t.Helper()
	var done []string
	good := func(t *testing.T, _ *bench) error {
		b, _ := dispenserBench(t, vends("111122223333"))
		return prove(t, b)
	}
	for hint, err := range map[string]error{
		"give a public address":                 &net.DNSError{Err: "no such host", Name: "vend.example.com", IsNotFound: true},
		"see whether the dispenser runs":        errors.New("connection refused"),
		"look at the dispenser's log":           context.DeadlineExceeded,
		"of an authority that is commonly":      nil,
		"list the address in network.allow, if": &net.DNSError{Err: "no such host", Name: "vend.example.com", IsNotFound: true},
	} {
		b, d := dispenserBench(t, vends("111122223333"), func(o *credential.Options) {
			if err != nil {
				o.Tenants = func(string) *http.Client { return &http.Client{Transport: broken{err}} }
			}
		})
		if err == nil {
			d.transport.TLSClientConfig.ServerName = "other.test"
		}
		done = append(done, followed(t, b, hint, prove, good)...)
	}
	return done
}

// claimHints are about claims that are others', or end.
func claimHints(t *testing.T) []string {
	t.Helper()
	var done []string
	globex := func(r *credential.Role) { r.Organization = "globex" }
	b := newBench(t, strict)
	if err := as(globex)(t, b); err != nil {
		t.Fatal(err)
	}
	done = append(done, followed(t, b, "run rolecall connection release CONNECTION --org globex", asAcme, func(t *testing.T, b *bench) error {
		r := acme()
		globex(&r)
		return errors.Join(b.Release(t.Context(), r), asAcme(t, b))
	})...)
	for _, c := range []struct {
		hint string
		ends func(b *bench) error
		goes step
	}{
		{"run rolecall check CONNECTION to claim it again", func(b *bench) error { return b.Release(t.Context(), acme()) }, asAcme},
		{"run rolecall check CONNECTION then, and the job again", func(b *bench) error {
			b.sts.setRule(func(c stsCall) stsAnswer {
				a := strict(c)
				a.roleID = "AROA2"
				return a
			})
			other := acme()
			other.JobID = "02JOB"
			_, _ = b.Role(other).Retrieve(t.Context())
			return nil
		}, asAcme},
	} {
		b := newBench(t, strict)
		held := hold(t, b.Vault, acme())
		ended := func(t *testing.T, b *bench) error {
			if err := c.ends(b); err != nil {
				return err
			}
			<-held.Done()
			return context.Cause(held)
		}
		done = append(done, followed(t, b, c.hint, ended, c.goes, func(t *testing.T, b *bench) error { return hold(t, b.Vault, acme()).Err() })...)
	}
	return append(done, dispenserClaimHints(t)...)
}

// dispenserClaimHints are about a dispenser that gives other credentials than it was
// proved with.
func dispenserClaimHints(t *testing.T) []string {
	t.Helper()
	prove := func(t *testing.T, b *bench) error { _, err := b.ProveDispenser(t.Context(), vend()); return err }
	b, d := dispenserBench(t, vends("111122223333"))
	if err := prove(t, b); err != nil {
		t.Fatal(err)
	}
	return followed(t, b, "have the dispenser give credentials of account 111122223333 again", func(t *testing.T, b *bench) error {
		d.setRule(vends("222233334444"))
		return prove(t, b)
	}, func(t *testing.T, b *bench) error {
		d.setRule(vends("111122223333"))
		return prove(t, b)
	}, func(t *testing.T, b *bench) error {
		d.setRule(vends("222233334444"))
		return errors.Join(b.ReleaseDispenser(t.Context(), vend()), prove(t, b))
	})
}
