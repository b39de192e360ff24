package check

import (
	"testing"
	"time"

	"github.com/rolecall/rolecall/credential"
)

func TestLong(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", 90 * time.Minute: "1h30m", 15 * time.Minute: "15m", 3601 * time.Second: "1h0m1s", 10 * time.Second: "10s", 20 * time.Hour: "20h",
	} {
		if got := long(d); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}

// What the probes let through tells what is wrong with the trust policy.
func TestLets(t *testing.T) {
	t.Parallel()
	for hint, accepted := range map[string][]string{
		"": nil,
		"the trust policy does not ask for an external id":                                  {"absent", "random", "near-case"},
		"the trust policy asks for some external id, whichever it is":                       {"random", "near-case", "near-prefix"},
		"an operator with a wildcard, such as StringLike, lets ids like the right one pass": {"near-prefix", "near-case"},
	} {
		var p proof
		for _, name := range accepted {
			p.verdict.Probes = append(p.verdict.Probes, credential.Probe{Name: name, Outcome: credential.Accepted})
		}
		if got := p.lets(); got != hint || p.loose() != (hint != "") {
			t.Errorf("%v: %q, want %q", accepted, got, hint)
		}
	}
}
