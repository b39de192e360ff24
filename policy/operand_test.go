package policy

import "testing"

// How values compare where AWS's pages are brief: what is not of an
// operator's type compares with nothing, and neither with its negation.
func TestOperands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		operator, want, got string
		outcome             outcome
	}{
		{"NumericEquals", "5", "5.0", meets},
		{"NumericEquals", "-5", "-5", meets},
		{"NumericEquals", "5", "six", incomparable},
		{"NumericEquals", "five", "5", incomparable},
		{"NumericEquals", "0x5", "5", incomparable},
		{"NumericEquals", "Inf", "5", incomparable},
		{"NumericGreaterThanEquals", "5", "5", meets},
		{"NumericGreaterThanEquals", "5", "4", differs},
		{"DateGreaterThanEquals", "2026-01-01", "2026-01-01T00:00:00Z", meets},
		{"DateEquals", "2026-01", "2026-01-01T00:00Z", meets},
		{"DateEquals", "2026", "2026-01-01T00:00:00.000Z", meets},
		{"DateEquals", "1767225600", "2026-01-01T00:00:00Z", meets},
		{"DateEquals", "2026-01-01T00:00:00Z", "soon", incomparable},
		{"DateEquals", "soon", "2026-01-01T00:00:00Z", incomparable},
		{"Bool", "true", "TRUE", meets},
		{"Bool", "true", "1", differs},
		{"Bool", "yes", "true", incomparable},
		{"BinaryEquals", "AQI=", "AQI=", meets},
		{"BinaryEquals", "AQI=", "AQ==", differs},
		{"BinaryEquals", "AQI=", "!", differs},
		{"BinaryEquals", "!", "AQI=", incomparable},
		{"IpAddress", "10.1.2.3/8", "10.9.9.9", meets},
		{"IpAddress", "10.1.2.3", "10.1.2.3", meets},
		{"IpAddress", "10.1.2.3", "10.1.2.4", differs},
		{"IpAddress", "::ffff:10.1.2.3", "10.1.2.3", meets},
		{"IpAddress", "10.0.0.0/8", "::ffff:10.1.2.3", meets},
		{"IpAddress", "0.0.0.0/0", "2001:db8::1", differs},
		{"IpAddress", "2001:DB8::/32", "2001:0db8:0:0::1", meets},
		{"IpAddress", "10.0.0.0/33", "10.0.0.1", incomparable},
		{"IpAddress", "fe80::1%eth0", "fe80::1", incomparable},
		{"IpAddress", "fe80::/10", "fe80::1%eth0", incomparable},
		{"ArnLike", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", meets},
		{"ArnLike", "arn:aws:s3:::b*", "bucket", incomparable},
		{"ArnLike", "arn:aws:s3:*", "arn:aws:s3:::bucket", incomparable},
		{"ArnLike", "*", "arn:aws:s3:::bucket", incomparable},
		{"ArnEquals", "arn:aws:iam::${a}:role/x", "arn:aws:iam::1:role/x", meets},
		{"ArnEquals", "arn:aws:iam::${a}:role/x", "arn:aws:iam::2:role/x", differs},
		{"ArnLike", "arn:aws:iam::${none}:role/x", "arn:aws:iam::1:role/x", differs},
		{"ArnLike", "${arn}", "arn:aws:iam::1:role/*", meets},
		{"ArnLike", "${arn}", "arn:aws:iam::1:role/x", differs},
		{"ArnLike", "${none}", "arn:aws:iam::1:role/x", differs},
		{"ArnLike", "${a}", "arn:aws:iam::1:role/x", incomparable},
		{"ArnLike", "${star}", "arn:aws:iam::1:role/x", incomparable},
		{"Bool", "${yes}", "true", meets},
		{"Bool", "${yes}", "false", differs},
		{"Bool", "${none}", "false", differs},
		{"Bool", "${none, 'false'}", "false", meets},
		{"Bool", "${a}", "true", incomparable},
		{"ArnEquals", "arn:aws:iam::1:role/${a}", "arn:aws:iam::1:role/1", meets},
		{"StringEquals", "${*}", "*", meets},
		{"StringEquals", "*", "x", differs},
		{"StringEqualsIgnoreCase", "ABC", "abc", meets},
		{"StringLike", "a?c", "aéc", meets},
		{"StringLike", "a?c", "ac", differs},
	} {
		_, op, ok := parseOperator(c.operator)
		if !ok {
			t.Fatal(c.operator)
		}
		r := newRequest(Request{Context: map[string][]string{"a": {"1"}, "arn": {"arn:aws:iam::1:role/*"}, "yes": {"true"}, "star": {"*"}}})
		o := op.compile(c.want, true)
		if v, ok := o.(resolvable); ok {
			o = v.resolve(r)
		}
		if got := o.compare(plenty(), c.got); got != c.outcome {
			t.Errorf("%s %q on %q: %d, want %d", c.operator, c.want, c.got, got, c.outcome)
		}
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	for principal, want := range map[string]requesterKind{
		"*":                                     asAnonymous,
		"":                                      asAnonymous,
		"arn:aws:iam::111122223333:root":        asRoot,
		"arn:aws:iam::111122223333:user/a/b":    asUser,
		"arn:aws-cn:iam::111122223333:role/a/b": asRole,
		"arn:aws:sts::111122223333:assumed-role/r/s":  asSession,
		"arn:aws:sts::111122223333:federated-user/f":  asFederatedUser,
		"arn:aws:iam::111122223333:saml-provider/p":   asProvider,
		"arn:aws:iam::111122223333:oidc-provider/p/q": asProvider,
		"cognito-identity.amazonaws.com":              asProvider,
		"ec2.amazonaws.com":                           asService,
		"79a59df900b949e55d96a1e698fb":                asUnknown,
		"arn:aws:s3:::b":                              asUnknown,
	} {
		if got := identify(principal, nil); got.kind != want {
			t.Errorf("%q: %+v, want kind %d", principal, got, want)
		}
	}
}

// A path that is not given leaves the name to decide, in its account and partition.
func TestSessionOf(t *testing.T) {
	t.Parallel()
	const session = "arn:aws:sts::111122223333:assumed-role/r/s"
	for _, c := range []struct {
		given []string
		role  string
		want  bool
	}{
		{nil, "arn:aws:iam::111122223333:role/r", true},
		{nil, "arn:aws:iam::111122223333:role/path/r", true},
		{nil, "arn:aws:iam::111122223333:role/path/xr", false},
		{nil, "arn:aws:iam::111122223333:role/r/x", false},
		{nil, "arn:aws:iam::444455556666:role/r", false},
		{nil, "arn:aws-cn:iam::111122223333:role/r", false},
		{nil, "arn:aws:iam::111122223333:user/r", false},
		{[]string{"arn:aws:iam::111122223333:role/path/r"}, "arn:aws:iam::111122223333:role/path/r", true},
		{[]string{"arn:aws:iam::111122223333:role/path/r"}, "arn:aws:iam::111122223333:role/r", false},
		{[]string{"arn:aws:iam::111122223333:role/other"}, "arn:aws:iam::111122223333:role/other", false},
	} {
		q := identify(session, c.given)
		if got := q.sessionOf(c.role); got != c.want {
			t.Errorf("given %v, %s: %v", c.given, c.role, got)
		}
	}
}
