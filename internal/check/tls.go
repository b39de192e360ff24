package check

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// plainHTTP tells whether S3 is asked without TLS, as buckets may deny.
func (w *work) plainHTTP() bool { return strings.HasPrefix(w.endpoint(), "http://") }

// needsTLS says who mends what a bucket denies for coming without TLS.
func (w *work) needsTLS() string {
	if w.Connection.S3EndpointURL != "" {
		return "give an s3_endpoint_url with https"
	}
	return "the operator gives an endpoint of S3 with https"
}

// aboutTLS tells, by the bucket's policy where it was given, whether it denies
// what comes without TLS. That is right of it, and is not to be changed.
func (c hearing) aboutTLS(f finding) (finding, bool) {
	bucket := kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.name == documentBucket })]
	given := slices.IndexFunc(c.Policies, func(g Given) bool { return g.Kind == bucket.name })
	if given < 0 || !c.plainHTTP() || !c.concerns(f, bucket) {
		return f, false
	}
	l := layer{kind: bucket.name, papers: []paper{readPaper(c.Policies[given].Document)}, role: c.arn.Account}
	l.known = knownKeys(requests(c.asks, "", judged(bucket.name)))
	for _, in := range c.asked(f, judged(bucket.name)) {
		denying, _ := l.look(in, strictly)
		for _, at := range denying {
			if l.papers[0].statements[at.statement].conditional("aws:SecureTransport") {
				f = failed(rolecall.LayerNetwork, f.message+"; "+c.Policies[given].File+" denies what comes without TLS, as through this endpoint",
					c.needsTLS()+"; the bucket's policy stays as it is")
				return f, true
			}
		}
	}
	if f.layer == "" && f.denial.Layer == policy.DeniedByResource { // then TLS is not why
		f.layer, f.candidates = rolecall.LayerBucket, nil
	}
	return f, false
}

// conditional tells whether a statement has a condition on the key.
func (o object) conditional(key string) bool {
	return slices.ContainsFunc(readObject(o.get("Condition")), func(operator member) bool {
		return slices.ContainsFunc(readObject(operator.value), func(m member) bool { return strings.EqualFold(m.name, key) })
	})
}
