package task

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/guard"
)

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
	transport := guard.Guard{Allow: allow}.Transport()
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
		return nil, &guard.Error{Addr: ip, Reason: "plain http leads to addresses only that the operator lists"}
	}
	return &http.Client{Transport: transport, CheckRedirect: stay}
}

// isPlain tells whether a URL asks for plain http.
func isPlain(endpoint string) bool {
	scheme, _, _ := strings.Cut(endpoint, ":")
	return strings.EqualFold(scheme, "http")
}
