package credential_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// declared is a bench whose principal is declared as one ARN while its keys
// are another's.
func declared(t *testing.T, arn string, actual func(key string) string, change ...func(*credential.Options)) *bench {
	t.Helper()
	b := newBench(t, strict, append(change, func(o *credential.Options) {
		p := principal(t, "production", arn)
		p.Credentials = o.Principals["production"].Credentials
		o.Principals["production"] = p
	})...)
	b.sts.caller = actual
	return b
}

func TestKeysAreTheDeclaredPrincipals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		declared, actual string
		right            bool
	}{
		"role":                      {workerARN, "arn:aws:sts::873682911326:assumed-role/VTKWorker/i-1", true},
		"role with path":            {"arn:aws:iam::873682911326:role/media/eu/VTKWorker", "arn:aws:sts::873682911326:assumed-role/VTKWorker/i-1", true},
		"user":                      {"arn:aws:iam::873682911326:user/ci/worker", "arn:aws:iam::873682911326:user/ci/worker", true},
		"another role":              {workerARN, "arn:aws:sts::873682911326:assumed-role/Admin/VTKWorker", false},
		"another account":           {workerARN, "arn:aws:sts::555566667777:assumed-role/VTKWorker/i-1", false},
		"another partition":         {workerARN, "arn:aws-cn:sts::873682911326:assumed-role/VTKWorker/i-1", false},
		"user of the role's name":   {workerARN, "arn:aws:iam::873682911326:user/VTKWorker", false},
		"role of the user's name":   {"arn:aws:iam::873682911326:user/worker", "arn:aws:sts::873682911326:assumed-role/worker/i-1", false},
		"user in another path":      {"arn:aws:iam::873682911326:user/worker", "arn:aws:iam::873682911326:user/ci/worker", false},
		"federated user":            {workerARN, "arn:aws:sts::873682911326:federated-user/VTKWorker", false},
		"account's root":            {workerARN, "arn:aws:iam::873682911326:root", false},
		"role whose name begins so": {workerARN, "arn:aws:sts::873682911326:assumed-role/VTKWorker2/i-1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := declared(t, c.declared, func(string) string { return c.actual })
			_, taken := b.Role(acme()).Retrieve(t.Context())
			_, proved := b.Prove(t.Context(), acme())
			for _, err := range []error{taken, proved} {
				if c.right {
					if err != nil {
						t.Error(err)
					}
					continue
				}
				e := rolecall.List(err)[0]
				if e.Code != rolecall.Unauthenticated || !strings.Contains(e.Message, c.declared) || !strings.Contains(e.Message, c.actual) || !strings.Contains(e.Hint, "Operator: ") {
					t.Errorf("%s: %s (%s)", e.Code, e.Message, e.Hint)
				}
			}
			if calls := len(b.sts.seen()); (calls > 0) != c.right {
				t.Errorf("%d calls to the role", calls)
			}
			if b.sts.asked != 1 {
				t.Errorf("asked %d times who calls", b.sts.asked)
			}
		})
	}
}

// A stored verdict does not let other keys through, and each set of keys is
// identified once.
func TestEachSetOfKeysIsIdentified(t *testing.T) {
	t.Parallel()
	var set atomic.Int64
	set.Store(1)
	b := declared(t, workerARN, func(key string) string {
		if key == "ASIA3" {
			return "arn:aws:sts::873682911326:assumed-role/Other/i-1"
		}
		return "arn:aws:sts::873682911326:assumed-role/VTKWorker/i-1"
	}, func(o *credential.Options) {
		p := o.Principals["production"]
		p.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			n := set.Load()
			return aws.Credentials{AccessKeyID: fmt.Sprintf("ASIA%d", n), SecretAccessKey: "secret", SessionToken: "token"}, nil
		})
		o.Principals["production"] = p
	})
	for _, step := range []struct {
		set   int64
		asked int
		right bool
	}{{1, 1, true}, {1, 1, true}, {2, 2, true}, {3, 3, false}, {3, 3, false}, {4, 4, true}} {
		set.Store(step.set)
		provider := b.Role(acme())
		c, err := provider.Retrieve(t.Context())
		if (err == nil) != step.right || b.sts.asked != step.asked {
			t.Errorf("keys %d: %v, asked %d times who calls", step.set, err, b.sts.asked)
		}
		provider.Invalidate(c)
	}
}

// The account whose keys a principal turned out to have is the vendor's, so
// no tenant gets a role in it.
func TestAccountOfForeignKeysIsTheVendors(t *testing.T) {
	t.Parallel()
	b := declared(t, workerARN, func(string) string { return "arn:aws:sts::111122223333:assumed-role/VTKWorker/i-1" })
	if _, err := b.Prove(t.Context(), acme()); rolecall.CodeOf(err) != rolecall.Unauthenticated {
		t.Fatal(err)
	}
	if _, err := b.Prove(t.Context(), acme()); rolecall.CodeOf(err) != rolecall.Forbidden || !strings.Contains(err.Error(), "not usable") {
		t.Error(err)
	}
}

// What keeps STS from telling is not remembered.
func TestUnidentifiedKeys(t *testing.T) {
	t.Parallel()
	b := declared(t, workerARN, func(string) string { return "" })
	_, err := b.Role(acme()).Retrieve(t.Context())
	if e := rolecall.List(err)[0]; e.Code != rolecall.Forbidden || !strings.Contains(e.Hint, "sts:GetCallerIdentity") {
		t.Errorf("%+v", e)
	}
	if len(b.sts.seen()) != 0 {
		t.Error("a role was called with keys that are not known")
	}
	b.sts.setCaller("")
	if _, err := b.Role(acme()).Retrieve(t.Context()); err != nil {
		t.Error(err)
	}
}

// A caller that waits for the answer who calls can be cancelled.
func TestCancelledWhileIdentified(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	b := declared(t, workerARN, func(string) string {
		close(entered)
		<-release
		return "arn:aws:sts::873682911326:assumed-role/VTKWorker/i-1"
	})
	first := make(chan error, 1)
	go func() { _, err := b.Prove(t.Context(), acme()); first <- err }()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Prove(ctx, acme()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
