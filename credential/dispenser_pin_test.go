package credential_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// The pin is the organization's, for the URL: nothing that the dispenser
// answers in between, and no other way of asking it, makes another one.
func TestPinOutlivesTheVerdict(t *testing.T) {
	t.Parallel()
	refuses := func(url.Values) (int, string) { return http.StatusForbidden, "" }
	gives := vends("111122223333")
	takesAll := func(q url.Values) (int, string) {
		q.Set("external_id", externalID)
		return gives(q)
	}
	for name, c := range map[string]struct {
		meanwhile func(url.Values) (int, string) // what a proof meets
		ask       func(*credential.DispenserRequest)
	}{
		"refuses the right id":  {refuses, nil},
		"takes wrong ids":       {takesAll, nil},
		"asked with a bearer":   {nil, func(r *credential.DispenserRequest) { r.Source, r.Secret = byBearer().Source, byBearer().Secret }},
		"asked with another id": {nil, func(r *credential.DispenserRequest) { r.ExternalID = "Acme-43" }},
		"written otherwise":     {nil, func(r *credential.DispenserRequest) { r.Source.URL = "HTTPS://VEND.example.com:443/keys" }},
		"refuses, and asked with a bearer": {refuses, func(r *credential.DispenserRequest) {
			r.Source, r.Secret = byBearer().Source, byBearer().Secret
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, d := dispenserBench(t, vends("111122223333"))
			if _, err := b.Dispenser(vend()).Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.meanwhile != nil {
				d.setRule(c.meanwhile)
				if _, err := b.ProveDispenser(t.Context(), vend()); !errors.Is(err, credential.ErrUnsafe) {
					t.Fatal(err)
				}
				b.clock.Advance(time.Minute)
			}
			asked := vend()
			if c.ask != nil {
				c.ask(&asked)
			}
			of := func(account string) func(url.Values) (int, string) {
				rule := vends(account)
				return func(q url.Values) (int, string) {
					if q.Get("external_id") == asked.ExternalID {
						q.Set("external_id", externalID)
					} else {
						q.Del("external_id")
					}
					return rule(q)
				}
			}
			d.setRule(of("222233334444"))
			before := len(b.events.of(credential.EventDrift))
			if v, err := b.ProveDispenser(t.Context(), asked); v.Passed || !errors.Is(err, credential.ErrDrift) {
				t.Errorf("proved: %+v, %v", v, err)
			}
			got, err := b.Dispenser(asked).Retrieve(t.Context())
			if got.HasKeys() || rolecall.CodeOf(err) != rolecall.Forbidden || !errors.Is(err, credential.ErrDrift) ||
				!strings.Contains(err.Error(), "222233334444") || !strings.Contains(rolecall.List(err)[0].Hint, "111122223333") {
				t.Errorf("taken: %v, %v", got.AccountID, err)
			}
			if told := b.events.of(credential.EventDrift); len(told) == before || told[before].Reason != "gives credentials of another account" {
				t.Errorf("drift is told as %+v", told[before:])
			}
			d.setRule(of("111122223333"))
			b.clock.Advance(time.Minute)
			if got, err := b.Dispenser(asked).Retrieve(t.Context()); err != nil || got.AccountID != "111122223333" {
				t.Errorf("back at its account: %v, %v", got.AccountID, err)
			}
			if err := b.ReleaseDispenser(t.Context(), vend()); err != nil {
				t.Fatal(err)
			}
			d.setRule(of("222233334444"))
			if got, err := b.Dispenser(asked).Retrieve(t.Context()); err != nil || got.AccountID != "222233334444" {
				t.Errorf("after the release: %v, %v", got.AccountID, err)
			}
		})
	}
}
