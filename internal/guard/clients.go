package guard

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Clients reach the endpoints of one piece of work, each by the rules for who
// chose it. Make them by NewClients and close them at the end.
type Clients struct {
	Operator *http.Client // AWS, or where the operator's config leads
	tenant   *http.Client // what tenants choose
	plain    *http.Client // what they choose without TLS
	allow    []netip.Prefix
}

// NewClients makes the clients. Allow lists addresses, beside public ones,
// that what a tenant chooses may have. None of the clients follows a redirect.
func NewClients(allow []netip.Prefix) Clients {
	return Clients{Operator: operatorClient(), tenant: forTLS(allow).Client(), plain: forPlain(allow).Client(), allow: allow}
}

// Tenant gives the client for a URL that a tenant chose.
func (c Clients) Tenant(url string) *http.Client {
	if scheme, _, _ := strings.Cut(url, ":"); strings.EqualFold(scheme, "https") {
		return c.tenant
	}
	return c.plain
}

// Listed is nil where the host of a URL that a tenant chose is an address, in
// its usual spelling, that the operator lists: who goes there without a guard
// follows redirects, maybe, and looks names up again. A public address is the
// tenant's own server, which may send them anywhere.
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

// forPlain lets plain http reach addresses only that the operator lists, since
// media and session tokens would cross the network for all to read.
func forPlain(allow []netip.Prefix) Guard { return Guard{Allow: allow, listedOnly: true} }

// Close drops the connections that are idle.
func (c Clients) Close() {
	c.Operator.CloseIdleConnections()
	c.tenant.CloseIdleConnections()
	c.plain.CloseIdleConnections()
}

// operatorClient reaches AWS, or where the operator's config leads. It follows
// no redirects, as a signature holds for one host only. A proxy from the
// environment is the operator's own.
func operatorClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            wide((&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext),
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  time.Minute,
			ExpectContinueTimeout:  time.Second,
			IdleConnTimeout:        30 * time.Second,
			MaxIdleConns:           connections,
			MaxIdleConnsPerHost:    connections,
			MaxResponseHeaderBytes: 64 << 10,
			ReadBufferSize:         readBuffer,
			WriteBufferSize:        writeBuffer,
			DisableCompression:     true,
		},
		CheckRedirect: stay,
	}
}

// stay gives a redirect to the caller as the answer.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
