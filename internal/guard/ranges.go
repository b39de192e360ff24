package guard

import "net/netip"

// notPublic lists the ranges that are not public, the most specific reason
// first.
// https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry
func notPublic() []rule {
	return []rule{
		// Clouds serve credentials from these, some outside the link-local range.
		{"169.254.169.254/32", "instance metadata"},
		{"169.254.170.2/32", "container credentials"},
		{"169.254.170.23/32", "container credentials"},
		{"fd00:ec2::/32", "instance metadata"},
		{"100.100.100.200/32", "instance metadata"},
		{"168.63.129.16/32", "instance metadata"},

		{"0.0.0.0/8", "unspecified"},
		{"10.0.0.0/8", "private network"},
		{"100.64.0.0/10", "carrier-grade NAT"},
		{"127.0.0.0/8", "loopback"},
		{"169.254.0.0/16", "link-local"},
		{"172.16.0.0/12", "private network"},
		{"192.0.0.0/24", "protocol assignments"},
		{"192.0.2.0/24", "documentation"},
		{"192.31.196.0/24", "anycast sink"},
		{"192.52.193.0/24", "anycast relay"},
		{"192.88.99.0/24", "6to4 relay"},
		{"192.168.0.0/16", "private network"},
		{"192.175.48.0/24", "anycast sink"},
		{"198.18.0.0/15", "benchmarking"},
		{"198.51.100.0/24", "documentation"},
		{"203.0.113.0/24", "documentation"},
		{"224.0.0.0/4", "multicast"},
		{"255.255.255.255/32", "broadcast"},
		{"240.0.0.0/4", "reserved"},

		{"::/128", "unspecified"},
		{"::1/128", "loopback"},
		{"::ffff:0:0/96", "IPv4-mapped"},
		{"::ffff:0:0:0/96", "IPv4-translated"},
		{"::/96", "IPv4-compatible"},
		{"64:ff9b::/96", "NAT64"},
		{"64:ff9b:1::/48", "NAT64"},
		{"100::/64", "discard"},
		{"2001::/32", "Teredo"},
		{"2001::/23", "protocol assignments"},
		{"2001:db8::/32", "documentation"},
		{"2002::/16", "6to4"},
		{"2620:4f:8000::/48", "anycast sink"},
		{"3fff::/20", "documentation"},
		{"5f00::/16", "segment routing"},
		{"fc00::/7", "private network"},
		{"fe80::/10", "link-local"},
		{"fec0::/10", "site-local"},
		{"ff00::/8", "multicast"},
	}
}

type rule struct{ prefix, reason string }

// reasonRefused returns why an address is not public, or an empty string if it
// is. An IPv6 address outside 2000::/3, the only global unicast range, is never
// public.
func reasonRefused(addr netip.Addr) string {
	if !addr.IsValid() {
		return "not an internet address"
	}
	for _, r := range notPublic() {
		p := netip.MustParsePrefix(r.prefix)
		// Contains never matches a mapped address against an IPv6 prefix.
		if p.Contains(addr) {
			return r.reason
		}
	}
	if addr.Is4In6() {
		return "IPv4-mapped"
	}
	if addr.Is6() && !netip.MustParsePrefix("2000::/3").Contains(addr) {
		return "not global unicast"
	}
	return ""
}
