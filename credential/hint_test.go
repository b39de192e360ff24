package credential_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/hinttest"
)

// unfollowed are the hints that name no change: to report a fault of rolecall's, to wait
// or try again, or to look into what no test has.
var unfollowed = []string{
	"You: report this as a fault of rolecall's",
	"You: report this as a fault of rolecall's, with the log",
	"You: try again",
	"You: try again later",
	"You: try again; the role is being changed, or others prove it and find it unsafe",
	"You: try again; the role was made again while it was probed",
	"You: run the job again later; roles that were proved meanwhile need not wait",
	"You: run the job again, if the claim was not meant to end",
	"Operator: look at the store of the verdicts. You: run the job again then",     // TestHoldWithoutAStore
	"You: run rolecall check CONNECTION, which says what changed and who must act", // whose hints internal/check follows
	"Operator: see that the AWS configuration of the user that runs rolecall has it",
	"Operator: see why the file cannot be read",
	"Operator: give the file to the user that runs rolecall (chown), with mode 0600", // tests may run as root
}

// step is something done at a bench.
type step func(t *testing.T, b *bench) error

// TestHints does what each hint says, in each way that it names: then the fault is gone.
func TestHints(t *testing.T) {
	t.Parallel()
	done := slices.Concat(optionHints(t), sourceHints(t), roleHints(t), dispenserHints(t), claimHints(t))
	hinttest.Followed(t, ".", done, unfollowed)
}

// hintsOf returns the hints of an error, with those that only the operator reads.
func hintsOf(err error) []string {
	var out []string
	for _, list := range []rolecall.Errors{rolecall.List(err), rolecall.List(err).Disclosed()} {
		for _, e := range list {
			out = append(out, e.Hint)
		}
	}
	return out
}

// followed checks that the wrong step fails with the hint, and none of the others does.
func followed(t *testing.T, b *bench, hint string, wrong step, right ...step) []string {
	t.Helper()
	err := wrong(t, b)
	hints := hintsOf(err)
	if err == nil || !strings.Contains(strings.Join(hints, "\n"), hint) {
		t.Errorf("no hint says %q: %v, %q", hint, err, hints)
	}
	for _, do := range right {
		if err := do(t, b); err != nil {
			t.Errorf("by %q: %v", hints, err)
		}
	}
	return hints
}

// optionHints are about what a program gives to New.
func optionHints(t *testing.T) []string {
	t.Helper()
	var done []string
	for _, c := range []struct {
		hint  string
		wrong func(o *credential.Options)
		right []func(o *credential.Options)
	}{
		{"list a principal under its own name", func(o *credential.Options) { o.Principals["other"] = o.Principals["production"] }, nil},
		{"give the ARN of its role or user", func(o *credential.Options) { change(o, func(p *credential.Principal) { p.ARN = rolecall.ARN{} }) }, nil},
		{"give a provider, such as one of Open's", func(o *credential.Options) { change(o, func(p *credential.Principal) { p.Credentials = nil }) }, nil},
		{"give the twelve digits of an account", func(o *credential.Options) { o.VendorAccounts = []string{"8736-8291-1326"} }, []func(*credential.Options){func(o *credential.Options) { o.VendorAccounts = []string{"873682911326"} }}},
		{"give Memory(), or a store", func(o *credential.Options) { o.Verdicts = nil }, []func(*credential.Options){func(o *credential.Options) { o.Verdicts = credential.Memory() }}},
		{"give Tenants as well, or leave Bearers out", bearers, []func(*credential.Options){func(o *credential.Options) {
			bearers(o)
			o.Tenants = func(string) *http.Client { return http.DefaultClient }
		}}},
		{"give scheme and host, or leave it out", func(o *credential.Options) { o.STSEndpoint = "sts.example.com" }, []func(*credential.Options){
			func(o *credential.Options) { o.STSEndpoint = "https://sts.example.com" }, func(o *credential.Options) { o.STSEndpoint = "" },
		}},
		{"leave it out for 24 hours", func(o *credential.Options) { o.ProveEvery = -1 }, nil},
		{"leave it out for 20", func(o *credential.Options) { o.NewRoles = -1 }, nil},
		{"leave it out for 15 seconds", func(o *credential.Options) { o.WatchEvery = -1 }, nil},
	} {
		vault := func(change func(*credential.Options)) step {
			return func(t *testing.T, _ *bench) error {
				o := credential.Options{Principals: map[string]credential.Principal{"production": principal(t, "production", workerARN)}, Verdicts: credential.Memory()}
				if change(&o); o.WatchEvery == 0 {
					o.WatchEvery = time.Hour
				}
				v, err := credential.New(o)
				if err == nil {
					v.Close()
				}
				return err
			}
		}
		right := []step{vault(func(*credential.Options) {})}
		for _, r := range c.right {
			right = append(right, vault(r))
		}
		done = append(done, followed(t, nil, c.hint, vault(c.wrong), right...)...)
	}
	return done
}

func change(o *credential.Options, f func(p *credential.Principal)) {
	p := o.Principals["production"]
	f(&p)
	o.Principals["production"] = p
}

func bearers(o *credential.Options) {
	o.Bearers = func(context.Context, string, string) (credential.Bearer, error) {
		return credential.Bearer{Token: bearerToken}, nil
	}
}

// sourceHints are about where keys come from.
func sourceHints(t *testing.T) []string {
	t.Helper()
	valid := func(s credential.Source) step { return func(*testing.T, *bench) error { return s.Validate() } }
	keys := func(text string) step {
		return func(*testing.T, *bench) error { _, err := credential.ReadKeys([]byte(text)); return err }
	}
	there := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(there, []byte(`{"access_key_id": "AKIAWORKER", "secret_access_key": "secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	file := func(path string) step {
		return func(t *testing.T, _ *bench) error {
			principals, err := credential.Open(declare(t, map[string]credential.Source{"VTKWorker": {Source: "static", File: path}}), credential.SourceOptions{})
			if err != nil {
				return err
			}
			b := newBench(t, strict, func(o *credential.Options) {
				change(o, func(p *credential.Principal) { p.Credentials = principals["VTKWorker"].Credentials })
			})
			_, err = b.Prove(t.Context(), acme())
			return err
		}
	}
	var done []string
	for _, c := range []struct {
		hint  string
		wrong step
		right []step
	}{
		{"give access_key_id_env and secret_access_key_env, or file", valid(credential.Source{Source: "static"}), []step{
			valid(credential.Source{Source: "static", AccessKeyIDEnv: "A", SecretAccessKeyEnv: "B"}), valid(credential.Source{Source: "static", File: "f"}),
		}},
		{"name the principal that assumes", valid(credential.Source{Source: "principal"}), []step{valid(credential.Source{Source: "principal", Principal: "p"})}},
		{"write one of static, environment, profile", valid(credential.Source{}), []step{valid(credential.Source{Source: "environment"}), valid(credential.Source{Source: "profile"}), valid(credential.Source{Source: "web_identity"}), valid(credential.Source{Source: "instance"})}},
		{"leave it out", valid(credential.Source{Source: "instance", Profile: "p"}), []step{valid(credential.Source{Source: "instance"})}},
		{"write {", keys(`AKIA`), []step{keys(`{"access_key_id": "AKIA", "secret_access_key": "s"}`)}},
		{"give it as access_key_id", keys(`{"id": "AKIA", "secret_access_key": "s"}`), []step{keys(`{"access_key_id": "AKIA", "secret_access_key": "s"}`)}},
		{"give it as secret_access_key", keys(`{"access_key_id": "AKIA"}`), []step{keys(`{"access_key_id": "AKIA", "secret_access_key": "s"}`)}},
		{"copy it again from where it was made", keys(`{"access_key_id": "AKIA", "secret_access_key": "` + strings.Repeat("s", 300) + `"}`), []step{keys(`{"access_key_id": "AKIA", "secret_access_key": "s"}`)}},
		{"put the file there, or correct its name", file(there + "-none"), []step{file(there)}},
		{"printable characters of ASCII", func(*testing.T, *bench) error { return credential.Bearer{Token: "a b"}.Validate() }, []step{func(*testing.T, *bench) error { return credential.Bearer{Token: "a-b"}.Validate() }}},
	} {
		done = append(done, followed(t, nil, c.hint, c.wrong, c.right...)...)
	}
	return done
}

// as proves a role that is asked for so.
func as(change func(r *credential.Role)) step {
	return func(t *testing.T, b *bench) error {
		r := acme()
		change(&r)
		_, err := b.Prove(t.Context(), r)
		return err
	}
}

func asAcme(t *testing.T, b *bench) error { return as(func(*credential.Role) {})(t, b) }

// then sets how STS answers, and does the rest.
func then(rule func(stsCall) stsAnswer, do step) step {
	return func(t *testing.T, b *bench) error {
		b.sts.setRule(rule)
		return do(t, b)
	}
}

// called sets whose the keys are, and does the rest.
func called(arn func(key string) string, do step) step {
	return func(t *testing.T, b *bench) error {
		b.sts.mu.Lock()
		b.sts.caller = arn
		b.sts.mu.Unlock()
		return do(t, b)
	}
}

func nobody(string) string { return "" }

// roleHints are about roles and what STS answers.
func roleHints(t *testing.T) []string {
	t.Helper()
	answers := func(code, message string) func(stsCall) stsAnswer {
		return func(stsCall) stsAnswer { return stsAnswer{status: 400, code: code, message: message} }
	}
	china := func(string) string { return "arn:aws-cn:iam::873682911327:user/worker" }
	secret := func(change func(r *credential.SecretRequest)) step {
		return func(t *testing.T, b *bench) error {
			r := credential.SecretRequest{Organization: "acme", Bucket: "masters", Secret: rolecall.Secret{Name: "keys", Type: rolecall.SecretAWSAccessKey, Bucket: "masters", Version: "1"}}
			change(&r)
			_, err := b.Secret(r).Retrieve(t.Context())
			return err
		}
	}
	try := func(t *testing.T, b *bench) error { _, err := b.Try(t.Context(), acme()); return err }
	dead := httptest.NewServer(nil)
	dead.Close()
	elsewhere := func(url string) step {
		return func(t *testing.T, _ *bench) error {
			b := newBench(t, strict, func(o *credential.Options) {
				if url != "" {
					o.STSEndpoint = url
				}
			})
			return asAcme(t, b)
		}
	}
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte(`<GetCallerIdentityResponse><GetCallerIdentityResult></GetCallerIdentityResult></GetCallerIdentityResponse>`))
	}))
	t.Cleanup(empty.Close)
	keyless := func(t *testing.T, _ *bench) error {
		return asAcme(t, newBench(t, strict, func(o *credential.Options) {
			change(o, func(p *credential.Principal) {
				p.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("none") })
			})
		}))
	}
	var done []string
	for _, c := range []struct {
		hint  string
		wrong step
		right []step
	}{
		{"name another principal for roles", as(func(r *credential.Role) { r.Principal = rolecall.DispenserPrincipal }), []step{asAcme}},
		{"name a principal of the role's partition", as(func(r *credential.Role) { r.RoleARN = "arn:aws-cn:iam::111122223333:role/media" }), []step{
			called(china, as(func(r *credential.Role) { r.RoleARN, r.Principal = "arn:aws-cn:iam::111122223333:role/media", "china" })),
		}},
		{"give a role in the customer's account", as(func(r *credential.Role) { r.RoleARN = "arn:aws:iam::999999999999:role/media" }), []step{asAcme}},
		{"bind the secret to this bucket, or name another secret", secret(func(r *credential.SecretRequest) { r.Bucket = "other" }), []step{
			secret(func(r *credential.SecretRequest) { r.Bucket, r.Secret.Bucket = "other", "other" }), secret(func(*credential.SecretRequest) {}),
		}},
		{"name a secret of the type aws_access_key", secret(func(r *credential.SecretRequest) { r.Secret.Type = rolecall.SecretText }), []step{secret(func(*credential.SecretRequest) {})}},
		{"declare it under principals", as(func(r *credential.Role) { r.Principal = "staging" }), []step{func(t *testing.T, _ *bench) error {
			b := newBench(t, strict, func(o *credential.Options) { o.Principals["staging"] = principal(t, "staging", workerARN) })
			return as(func(r *credential.Role) { r.Principal = "staging" })(t, b)
		}}},
		{"declare external_id", as(func(r *credential.Role) { r.ExternalID = "" }), []step{asAcme}},
		{"give the principal its own credentials in rolecall.yaml, or declare the ARN", called(func(string) string { return "arn:aws:iam::555566667777:user/ci" }, asAcme), []step{
			func(t *testing.T, _ *bench) error { return asAcme(t, newBench(t, strict)) },
			func(t *testing.T, _ *bench) error {
				return asAcme(t, declared(t, "arn:aws:iam::555566667777:user/ci", func(string) string { return "arn:aws:iam::555566667777:user/ci" }))
			},
		}},
		{"see credentials of the principal production", keyless, []step{func(t *testing.T, _ *bench) error { return asAcme(t, newBench(t, strict)) }}},
		{"allow sts:GetCallerIdentity", called(nobody, asAcme), []step{called(nil, asAcme)}},
		{"prove it first", try, []step{func(t *testing.T, b *bench) error { return errors.Join(asAcme(t, b), try(t, b)) }}},
		{"look at the STS endpoint", elsewhere(empty.URL), []step{elsewhere("")}},
		{"You: try again. Operator: if it stays so", elsewhere(dead.URL), []step{elsewhere("")}},
		{"activate STS in that region", then(answers("RegionDisabledException", "STS is not activated in this region"), asAcme), []step{then(strict, asAcme)}},
		{"renew the credentials", then(answers("ExpiredToken", "The security token included in the request is expired"), asAcme), []step{then(strict, asAcme)}},
		{"name fewer objects in one task", func(t *testing.T, b *bench) error {
			b.sts.setRule(strict)
			if err := asAcme(t, b); err != nil {
				return err
			}
			b.sts.setRule(func(c stsCall) stsAnswer {
				if len(c.Policy) > 2048 {
					return stsAnswer{status: 400, code: "PackedPolicyTooLarge", message: "too large"}
				}
				return strict(c)
			})
			r := acme()
			r.Policy = []byte(`{"Version":"2012-10-17","Statement":[]` + strings.Repeat(" ", 2100) + `}`)
			_, err := b.Try(t.Context(), r)
			return err
		}, []step{try}},
		{"correct role_arn and role_session_duration_seconds", func(t *testing.T, b *bench) error {
			b.sts.setRule(strict)
			if err := asAcme(t, b); err != nil {
				return err
			}
			b.sts.setRule(answers("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."))
			return try(t, b)
		}, []step{then(strict, try)}},
		{"correct the trust policy, so that no other customer", then(func(stsCall) stsAnswer { return stsAnswer{} }, asAcme), []step{then(strict, asAcme)}},
		{"add sts:AssumeRole", then(func(stsCall) stsAnswer { return denied() }, asAcme), []step{then(strict, asAcme)}},
	} {
		done = append(done, followed(t, newBench(t, strict, func(o *credential.Options) {
			o.Secrets = ofGlobex
			o.Principals[rolecall.DispenserPrincipal] = principal(t, rolecall.DispenserPrincipal, dispenserARN)
		}), c.hint, c.wrong, c.right...)...)
	}
	limited := newBench(t, strict, func(o *credential.Options) { o.NewRoles = 1 })
	other := func(t *testing.T, b *bench) error {
		r := acme()
		r.RoleARN = "arn:aws:iam::111122223333:role/other"
		_, err := b.Role(r).Retrieve(t.Context())
		return err
	}
	limited.sts.setRule(func(stsCall) stsAnswer { return denied() })
	_, _ = limited.Role(acme()).Retrieve(t.Context())
	return append(done, followed(t, limited, "declare it as a connection and run rolecall check --all", other, then(strict, as(func(r *credential.Role) { r.RoleARN = "arn:aws:iam::111122223333:role/other" })), other)...)
}

func ofGlobex(context.Context, string, string) (credential.Keys, error) {
	return credential.Keys{AccessKeyID: "AKIAGLOBEX", SecretAccessKey: "secret"}, nil
}
