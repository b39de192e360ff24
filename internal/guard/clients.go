package guard

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Clients are HTTP clients, each with the rules for whoever chose the URL.
// NewClients makes them; Close closes their connections.
type Clients struct {
	Operator *http.Client // for AWS, or URLs in the operator's config
	tenant   *http.Client // for https URLs that tenants choose
	plain    *http.Client // for http URLs that tenants choose
	allow    []netip.Prefix
}

// NewClients returns new clients. Allow lists addresses that tenants may reach
// although they are not public. None of the clients follows a redirect.
func NewClients(allow []netip.Prefix) Clients {
	s := newSockets()
	c := Clients{Operator: operatorClient(s), tenant: forTLS(allow).client(s), plain: forPlain(allow).client(s), allow: allow}
	s.evict = c.Close
	return c
}

// Tenant returns the client for a URL that a tenant chose.
func (c Clients) Tenant(url string) *http.Client {
	if scheme, _, _ := strings.Cut(url, ":"); strings.EqualFold(scheme, "https") {
		return c.tenant
	}
	return c.plain
}

// Listed returns nil if the host of a URL that a tenant chose is an address, in
// its usual spelling, that the operator lists. It is for programs that connect
// without a guard: they may follow redirects and look names up again, and a
// server at a public address may belong to the tenant and send them anywhere.
func (c Clients) Listed(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return &Error{Reason: "not a URL of http or https"}
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return &Error{Reason: "a name may lead elsewhere the next time"}
	}
	return forPlain(c.allow).Check(addr)
}

func forTLS(allow []netip.Prefix) Guard { return Guard{Allow: allow} }

// forPlain returns the guard for plain http. It allows only addresses that the
// operator lists, since media and session tokens would cross the network
// unencrypted.
func forPlain(allow []netip.Prefix) Guard { return Guard{Allow: allow, listedOnly: true} }

// Close closes idle connections.
func (c Clients) Close() {
	c.Operator.CloseIdleConnections()
	c.tenant.CloseIdleConnections()
	c.plain.CloseIdleConnections()
}

// operatorClient returns the client for AWS, or URLs in the operator's config.
// It follows no redirect, because a signature is valid for one host only. A
// proxy from the environment is the operator's own.
func operatorClient(s *sockets) *http.Client {
	t := transport(s, (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext)
	t.Proxy = http.ProxyFromEnvironment
	return &http.Client{Transport: t, CheckRedirect: noRedirect}
}

// transport returns a transport whose connections are counted.
func transport(s *sockets, dial dialFunc) *http.Transport {
	return &http.Transport{
		DialContext:            withLargeBuffers(s.counted(dial)),
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  time.Minute,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConns:           idleConnections,
		MaxIdleConnsPerHost:    idleConnections,
		MaxResponseHeaderBytes: maxHeader,
		ReadBufferSize:         readBuffer,
		WriteBufferSize:        writeBuffer,
		DisableCompression:     true,
	}
}

// noRedirect returns a redirect to the caller as the answer.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
