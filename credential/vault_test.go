package credential_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/goleak"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"), // idle connections of a test's server
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

func staticKeys(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIAWORKER", SecretAccessKey: "secret"}, nil
}

// provedWith is how many calls a proof makes for externalID.
const provedWith = 16

func TestRoleIsProvedThenAssumed(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	c, err := b.Role(acme()).Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.AccessKeyID == "" || c.SessionToken == "" || c.AccountID != "111122223333" || !c.CanExpire {
		t.Errorf("not a session: %+v", c)
	}
	calls := b.sts.seen()
	if len(calls) != provedWith+1 {
		t.Fatalf("%d calls", len(calls))
	}
	for i, call := range calls[:provedWith] {
		if right := i == 0 || i == provedWith-1; right != (call.id() == externalID) {
			t.Errorf("probe %d sends %q", i, call.id())
		}
		if call.Policy != string(policy.DenyAll()) || call.Duration != "900" {
			t.Errorf("probe %d could be used: %s for %s s", i, call.Policy, call.Duration)
		}
		if work := calls[provedWith]; call.SessionName != work.SessionName || call.UserAgent != work.UserAgent || !strings.Contains(call.UserAgent, "rolecall") || call.RoleARN != mediaARN {
			t.Errorf("probe %d differs from the real call: %+v", i, call)
		}
	}
	last := calls[provedWith]
	if last.SessionName != "acme.01JOB" || last.Duration != "3600" || last.Policy != string(acme().Policy) || last.id() != externalID {
		t.Errorf("assumed with %+v", last)
	}

	// A second session of the same role rests on the same verdict.
	other := acme()
	other.JobID = "02JOB"
	if _, err := b.Role(other).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(b.sts.seen()); n != provedWith+2 {
		t.Errorf("%d calls for two sessions", n)
	}
}

func TestThousandTakersMakeOneCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	provider := b.Role(acme())
	start := make(chan struct{})
	var takers sync.WaitGroup
	for range 1000 {
		takers.Go(func() {
			<-start
			if _, err := provider.Retrieve(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	takers.Wait()
	if n := len(b.sts.seen()); n != provedWith+1 {
		t.Errorf("%d calls; want the proof's %d and one", n, provedWith)
	}
}

func TestCancelledTakerFailsNoOther(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b := newBench(t, func(c stsCall) stsAnswer {
		once.Do(func() { close(entered) })
		<-release
		return strict(c)
	})
	provider := b.Role(acme())
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := provider.Retrieve(ctx); first <- err }()
	<-entered
	go func() { _, err := provider.Retrieve(t.Context()); second <- err }()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled taker got %v", err)
	}
	close(release)
	if err := <-second; err != nil {
		t.Errorf("the other taker got %v", err)
	}
}

func TestInvalidateDropsOnlyThatCredential(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	provider := b.Role(acme())
	take := func() aws.Credentials {
		t.Helper()
		c, err := provider.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := take()
	provider.Invalidate(first)
	second := take()
	if second.AccessKeyID == first.AccessKeyID {
		t.Error("the expired credential is given out again")
	}
	provider.Invalidate(first)
	if third := take(); third.AccessKeyID != second.AccessKeyID {
		t.Error("an old complaint dropped the new credential")
	}
}

func TestDurationFallsBackToAnHour(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"maximum":  "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
		"chaining": "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(c stsCall) stsAnswer {
				if c.Duration == "43200" {
					return stsAnswer{status: 400, code: "ValidationError", message: message}
				}
				return strict(c)
			})
			role := acme()
			role.Duration = 12 * time.Hour
			for range 2 {
				provider := b.Role(role)
				c, err := provider.Retrieve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				provider.Invalidate(c)
			}
			var asked []string
			for _, c := range b.sts.seen()[provedWith:] {
				asked = append(asked, c.Duration)
			}
			if got := strings.Join(asked, " "); got != "43200 3600 3600" {
				t.Errorf("asked for %s", got)
			}
		})
	}
}

func TestRefusedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*credential.Role)
		code   rolecall.Code
		says   string
	}{
		"vendor account":          {func(r *credential.Role) { r.RoleARN = "arn:aws:iam::999999999999:role/admin" }, rolecall.Forbidden, "not usable"},
		"a principal's account":   {func(r *credential.Role) { r.RoleARN = "arn:aws:iam::873682911326:role/admin" }, rolecall.Forbidden, "not usable"},
		"other partition":         {func(r *credential.Role) { r.RoleARN = "arn:aws-cn:iam::111122223333:role/media" }, rolecall.Invalid, "partition aws-cn"},
		"other partition's":       {func(r *credential.Role) { r.Principal = "china" }, rolecall.Invalid, "partition aws"},
		"no external id":          {func(r *credential.Role) { r.ExternalID = "" }, rolecall.Invalid, "no external id"},
		"external id of one char": {func(r *credential.Role) { r.ExternalID = "x" }, rolecall.Invalid, "external id"},
		"external id with space":  {func(r *credential.Role) { r.ExternalID = "x 4" }, rolecall.Invalid, "external id"},
		"unknown principal":       {func(r *credential.Role) { r.Principal = "nobody" }, rolecall.Invalid, "no principal"},
		"not a role":              {func(r *credential.Role) { r.RoleARN = "arn:aws:iam::111122223333:user/media" }, rolecall.Invalid, "not the ARN of an IAM role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, strict)
			role := acme()
			c.change(&role)
			_, err := b.Role(role).Retrieve(t.Context())
			if rolecall.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if _, err := b.Prove(t.Context(), role); rolecall.CodeOf(err) != c.code {
				t.Errorf("prove: %v", err)
			}
			if calls := b.sts.seen(); len(calls) != 0 {
				t.Errorf("called: %+v", calls)
			}
		})
	}
}

func TestNoSessionWithoutSessionPolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	role := acme()
	role.Policy = nil
	if _, err := b.Role(role).Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Internal || len(b.sts.seen()) != 0 {
		t.Errorf("%v", err)
	}
}

func TestClosedVault(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	b.Close()
	if _, err := b.Role(acme()).Retrieve(t.Context()); err == nil {
		t.Error("a closed vault vends")
	}
}
