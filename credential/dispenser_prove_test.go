package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

func TestUnsafeDispensers(t *testing.T) {
	t.Parallel()
	right := func(q url.Values) (int, string) { return vends("222233334444")(q) }
	for name, c := range map[string]struct {
		accept func(id string, given bool) bool
		other  int // status of what is not accepted
		code   rolecall.Code
		says   string
	}{
		"exact":           {func(id string, _ bool) bool { return id == externalID }, 403, "", ""},
		"unauthenticated": {func(id string, _ bool) bool { return id == externalID }, 401, "", ""},
		"all":             {func(string, bool) bool { return true }, 403, rolecall.Forbidden, "without an external id"},
		"absent":          {func(id string, given bool) bool { return !given || id == externalID }, 403, rolecall.Forbidden, "failed probes: absent"},
		"any":             {func(_ string, given bool) bool { return given }, 403, rolecall.Forbidden, "not the organization's"},
		"ignores case":    {func(id string, _ bool) bool { return strings.EqualFold(id, externalID) }, 403, rolecall.Forbidden, "near-case"},
		"prefix":          {func(id string, _ bool) bool { return strings.HasPrefix(id, "Acme") }, 403, rolecall.Forbidden, "near-"},
		"not found":       {func(id string, _ bool) bool { return id == externalID }, 404, rolecall.NotFound, "could not be proved safe"},
		"bad request":     {func(id string, _ bool) bool { return id == externalID }, 400, rolecall.Invalid, "could not be proved safe"},
		"failing":         {func(id string, _ bool) bool { return id == externalID }, 500, rolecall.Unavailable, "could not be proved safe"},
		"says nothing":    {func(id string, _ bool) bool { return id == externalID }, 200, rolecall.Invalid, "could not be proved safe"},
		"refuses all":     {func(string, bool) bool { return false }, 403, rolecall.Forbidden, "refuses (403)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, d := dispenserBench(t, func(q url.Values) (int, string) {
				if !c.accept(q.Get("external_id"), q.Has("external_id")) {
					return c.other, "planted body"
				}
				q.Set("external_id", externalID)
				return right(q)
			})
			verdict, err := b.ProveDispenser(t.Context(), vend())
			if rolecall.CodeOf(err) != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if verdict.Passed != (c.code == "") || verdict.Passed && verdict.RoleID != "222233334444" || len(verdict.Probes) == 0 {
				t.Errorf("%+v", verdict)
			}
			if d.count() > provedWith {
				t.Errorf("%d requests", d.count())
			}
			if kept, err := b.ClaimDispenser(t.Context(), vend()); err != nil || kept.Passed != verdict.Passed {
				t.Errorf("kept %+v, %v", kept, err)
			}
			if err != nil && strings.Contains(fmt.Sprintf("%+v", rolecall.List(err)[0]), externalID) {
				t.Errorf("the error shows the external id: %v", err)
			}
		})
	}
}

// One who is no dispenser is asked once, not sixteen times.
func TestNoDispenserIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 301, 404, 429, 500} {
		b, d := dispenserBench(t, func(url.Values) (int, string) { return status, "hello" })
		if verdict, err := b.ProveDispenser(t.Context(), byBearer()); err == nil || d.count() != 1 || verdict.Probes[0].Outcome != credential.Unknown {
			t.Errorf("%d: %v after %d requests", status, err, d.count())
		}
	}
}

func TestDispenserOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	b, d := dispenserBench(t, vends("222233334444"))
	if _, err := b.ProveDispenser(t.Context(), vend()); err != nil {
		t.Fatal(err)
	}
	d.setRule(func(q url.Values) (int, string) { // it serves both, by the same external id
		q.Set("organization", "acme")
		return vends("222233334444")(q)
	})
	for _, spelling := range []string{dispenserURL, "HTTPS://VEND.example.com:443/keys"} {
		thief := vend()
		thief.Organization, thief.Source.URL = "globex", spelling
		_, err := b.Dispenser(thief).Retrieve(t.Context())
		if rolecall.CodeOf(err) != rolecall.Forbidden || !strings.Contains(err.Error(), "not usable") || strings.Contains(err.Error(), "acme") {
			t.Errorf("%v", err)
		}
	}
	if err := b.ReleaseDispenser(t.Context(), vend()); err != nil {
		t.Fatal(err)
	}
	if kept, err := b.ClaimDispenser(t.Context(), vend()); err != nil || kept.Passed {
		t.Errorf("after release: %+v, %v", kept, err)
	}
}

// The pin holds: what was given before is dropped, work with it ends, and the
// other account is refused again and again, by a proof as well.
func TestDispenserOfAnotherAccount(t *testing.T) {
	t.Parallel()
	b, d := dispenserBench(t, vends("222233334444"))
	provider := b.Dispenser(vend())
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, release := b.Hold(t.Context(), provider)
	defer release()
	d.setRule(vends("333344445555"))
	other := vend()
	other.TaskID = "1"
	for range 2 {
		if _, err := b.Dispenser(other).Retrieve(t.Context()); !errors.Is(err, credential.ErrDrift) || !strings.Contains(err.Error(), "333344445555") {
			t.Errorf("another account: %v", err)
		}
	}
	<-held.Done()
	if cause := context.Cause(held); !errors.Is(cause, credential.ErrClaimEnded) || rolecall.CodeOf(cause) != rolecall.Forbidden {
		t.Errorf("work ended with %v", cause)
	}
	if _, err := provider.Retrieve(t.Context()); !errors.Is(err, credential.ErrDrift) {
		t.Errorf("the old credential: %v", err)
	}
	if _, err := b.ProveDispenser(t.Context(), vend()); !errors.Is(err, credential.ErrDrift) {
		t.Errorf("a new proof: %v", err)
	}
	if got := b.events.of(credential.EventDrift); len(got) == 0 {
		t.Error("drift is not reported")
	}
	d.setRule(vends("222233334444"))
	if _, err := provider.Retrieve(t.Context()); err != nil {
		t.Errorf("back at its account: %v", err)
	}
}

func TestDispenserOfTheVendorsAccount(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"999999999999", "873682911326"} {
		b, d := dispenserBench(t, vends(account))
		_, err := b.Dispenser(vend()).Retrieve(t.Context())
		if rolecall.CodeOf(err) != rolecall.Forbidden || !strings.Contains(err.Error(), "not usable") || d.count() != 1 {
			t.Errorf("%v after %d requests", err, d.count())
		}
		d.setRule(vends("222233334444"))
		b.clock.Advance(11 * time.Second) // the refusal is remembered for ten
		provider := b.Dispenser(vend())
		if _, err := provider.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		held, release := b.Hold(t.Context(), provider)
		defer release()
		d.setRule(vends(account))
		b.clock.Advance(55 * time.Minute)
		_, _ = provider.Retrieve(t.Context())
		<-held.Done()
		if _, err := provider.Retrieve(t.Context()); rolecall.CodeOf(err) != rolecall.Forbidden {
			t.Errorf("turned to the vendor's account: %v", err)
		}
	}
}
