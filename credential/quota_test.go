package credential_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/hinttest"
)

// A job of 200 roles makes as many calls as 20 do, one proof at a time, and
// takes nothing from other organizations.
func TestNewRolesAreLimited(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	under, most := map[string]int{}, 0
	var asking sync.WaitGroup // until all have asked, so that proofs side by side would be seen
	asking.Add(200)
	b := newBench(t, func(c stsCall) stsAnswer {
		mu.Lock()
		under[c.RoleARN]++
		most = max(most, len(under))
		mu.Unlock()
		asking.Wait()
		mu.Lock()
		if under[c.RoleARN]--; under[c.RoleARN] == 0 {
			delete(under, c.RoleARN)
		}
		mu.Unlock()
		return denied()
	})
	try := func(organization string, n int) error {
		r := acme()
		r.Organization, r.RoleARN = organization, fmt.Sprintf("arn:aws:iam::111122223333:role/r%d", n)
		_, err := b.Role(r).Retrieve(t.Context())
		return err
	}
	errs := make([]error, 200)
	var roles sync.WaitGroup
	for i := range errs {
		roles.Go(func() {
			asking.Done()
			errs[i] = try("acme", i)
		})
	}
	roles.Wait()
	limited := 0
	for _, err := range errs {
		if rolecall.CodeOf(err) == rolecall.Unavailable {
			limited++
			if e := rolecall.List(err)[0]; !strings.HasPrefix(e.Hint, "Operator: ") || hinttest.Check(e.Hint) != nil {
				t.Fatalf("%+v", e)
			}
		} else if rolecall.CodeOf(err) != rolecall.Forbidden {
			t.Errorf("%v", err)
		}
	}
	if n := len(b.sts.seen()); limited != 180 || n > 20*provedWith {
		t.Errorf("%d were limited, after %d calls", limited, n)
	}
	if most > 1 {
		t.Errorf("%d roles were probed at once", most)
	}
	if err := try("globex", 0); rolecall.CodeOf(err) != rolecall.Forbidden {
		t.Errorf("another organization: %v", err)
	}
	b.clock.Advance(time.Hour)
	if err := try("acme", 1000); rolecall.CodeOf(err) != rolecall.Forbidden {
		t.Errorf("after an hour: %v", err)
	}
}

// What is proved already, or by a check, is not limited.
func TestProvedRolesAreNotLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict, func(o *credential.Options) { o.NewRoles = 1 })
	roles := make([]credential.Role, 3)
	for i := range roles {
		roles[i] = acme()
		roles[i].RoleARN = fmt.Sprintf("arn:aws:iam::111122223333:role/r%d", i)
		if _, err := b.Prove(t.Context(), roles[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, wait := range []time.Duration{0, 10 * time.Minute, 25 * time.Hour} {
		b.clock.Advance(wait)
		for i, r := range roles {
			r.JobID = fmt.Sprint(wait)
			if _, err := b.Role(r).Retrieve(t.Context()); err != nil && !errors.Is(err, credential.ErrDrift) {
				t.Errorf("%d after %v: %v", i, wait, err)
			}
		}
	}
	if _, err := b.Role(acme()).Retrieve(t.Context()); err != nil {
		t.Errorf("the first new one: %v", err)
	}
}

// Proofs that checks ask for come one at a time in an organization, and those of
// roles that the operator did not declare are as few as those of work.
func TestChecksAreLimited(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	under, most := map[string]int{}, 0
	b := newBench(t, func(c stsCall) stsAnswer {
		mu.Lock()
		under[c.RoleARN]++
		most = max(most, len(under))
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			if under[c.RoleARN]--; under[c.RoleARN] == 0 {
				delete(under, c.RoleARN)
			}
		}()
		return denied()
	}, func(o *credential.Options) {
		o.NewRoles = 3
		o.Declared = func(organization, target string) bool {
			return organization == "acme" && strings.HasPrefix(target, "arn:aws:iam::111122223333:role/declared-")
		}
	})
	prove := func(name string) error {
		r := acme()
		r.RoleARN = "arn:aws:iam::111122223333:role/" + name
		_, err := b.Prove(t.Context(), r)
		return err
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := prove(fmt.Sprint("declared-", i)); rolecall.CodeOf(err) != rolecall.Forbidden {
				t.Errorf("a declared one: %v", err)
			}
		})
	}
	all.Wait()
	if most > 1 {
		t.Errorf("%d roles were probed at once", most)
	}
	for i := range 5 {
		for range 2 { // a second check of one is not a second role
			err := prove(fmt.Sprint("new-", i))
			if limited := rolecall.CodeOf(err) == rolecall.Unavailable; limited != (i >= 3) {
				t.Errorf("number %d: %v", i, err)
			}
		}
	}
	if _, err := b.Role(acme()).Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Unavailable {
		t.Errorf("work after the checks: %v", err)
	}
	b.clock.Advance(time.Hour)
	if err := prove("new-4"); rolecall.CodeOf(err) != rolecall.Forbidden {
		t.Errorf("after an hour: %v", err)
	}
}
