package vend

import (
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/hinttest"
)

// TestHints does what each hint about a request says: then it is granted.
func TestHints(t *testing.T) {
	t.Parallel()
	var done []string
	none := func(*Request, *rolecall.Connection) {}
	signer, err := rolecall.ParseARN("arn:aws:iam::999988887777:role/Dispenser")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		wrong, follow func(*Request, *rolecall.Connection)
	}{
		{func(r *Request, _ *rolecall.Connection) { r.Access = "all" }, func(r *Request, _ *rolecall.Connection) { r.Access = Write }},
		{func(r *Request, _ *rolecall.Connection) { r.Duration = time.Minute }, func(r *Request, _ *rolecall.Connection) { r.Duration = 30 * time.Minute }},
		{func(r *Request, _ *rolecall.Connection) { r.Duration = 13 * time.Hour }, func(r *Request, _ *rolecall.Connection) { r.Duration = 12 * time.Hour }},
		{func(_ *Request, c *rolecall.Connection) { c.RoleARN, c.Secret = "", "keys" }, none},
		{func(r *Request, c *rolecall.Connection) { dispensed(c); r.Duration = time.Hour }, func(r *Request, c *rolecall.Connection) {
			dispensed(c)
			r.Vendor.Principals[rolecall.DispenserPrincipal] = rolecall.Principal{Name: rolecall.DispenserPrincipal, ARN: signer}
		}},
	} {
		_, err := Plan(request(c.wrong))
		hints := hintsOf(err)
		if len(hints) == 0 {
			t.Error("nothing is wrong")
		}
		done = append(done, hints...)
		if _, err := Plan(request(c.follow)); err != nil {
			t.Errorf("by %q: %v", hints, err)
		}
	}
	hinttest.Followed(t, ".", done, []string{
		"You: run a job, since a command reaches that server unguarded; or, if you trust it, give it with --endpoint-url. Operator: or list its address in network.allow", // of where the bucket is, not of a request
	})
}

func hintsOf(err error) []string {
	var out []string
	for _, e := range rolecall.List(err) {
		out = append(out, e.Hint)
	}
	return out
}
