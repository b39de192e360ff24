package guard

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Clients reach the endpoints of one piece of work, each by the rules for who
// chose it. Make them by NewClients and close them at the end.
type Clients struct {
	Operator *http.Client // AWS, or where the operator's config leads
	tenant   *http.Client // what tenants choose
	plain    *http.Client // what they choose without TLS
}

// NewClients makes the clients. Allow lists addresses, beside public ones,
// that what a tenant chooses may have. None of the clients follows a redirect.
func NewClients(allow []netip.Prefix) Clients {
	return Clients{Operator: operatorClient(), tenant: Guard{Allow: allow}.Client(), plain: plainClient(allow)}
}

// Tenant gives the client for a URL that a tenant chose.
func (c Clients) Tenant(url string) *http.Client {
	if scheme, _, _ := strings.Cut(url, ":"); strings.EqualFold(scheme, "https") {
		return c.tenant
	}
	return c.plain
}

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
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  time.Minute,
			ExpectContinueTimeout:  time.Second,
			IdleConnTimeout:        time.Minute,
			MaxIdleConnsPerHost:    64,
			MaxResponseHeaderBytes: 64 << 10,
			ReadBufferSize:         256 << 10,
			WriteBufferSize:        256 << 10,
			DisableCompression:     true,
		},
		CheckRedirect: stay,
	}
}

// stay gives a redirect to the caller as the answer.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// plainClient reaches what a tenant gives by plain http: only addresses that
// the operator lists, since media and session tokens would cross the network
// for all to read.
func plainClient(allow []netip.Prefix) *http.Client {
	transport := Guard{Allow: allow}.Transport()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		reached, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		ip := reached.Addr().Unmap().WithZone("")
		for _, p := range allow {
			if err == nil && p.Contains(ip) {
				return conn, nil
			}
		}
		_ = conn.Close()
		return nil, &Error{Addr: ip, Reason: "plain http leads to addresses only that the operator lists"}
	}
	return &http.Client{Transport: transport, CheckRedirect: stay}
}
