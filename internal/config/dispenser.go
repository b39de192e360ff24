package config

import "github.com/rolecall/rolecall"

// dispenserPrincipal checks that the principal that signs requests to dispensers
// does nothing else: whoever has such a request could do that with its identity.
func (r reader) dispenserPrincipal(p principal, f file, at string) {
	if p.Default {
		r.faults.Add(at+"/default", "the principal dispenser runs no jobs", "You: leave default out")
	}
	if len(p.Regions) > 0 {
		r.faults.Add(at+"/regions", "the principal dispenser runs no jobs", "You: leave regions out")
	}
	for _, other := range sorted(f.Principals) {
		if other != rolecall.DispenserPrincipal && p.ARN != "" && f.Principals[other].ARN == p.ARN {
			r.faults.Add(at+"/arn", "the principal "+other+" is the same", "You: give it an identity of its own, that may do nothing in AWS but invoke customers' APIs")
		}
	}
}
