// Package guard decides which network addresses a URL that a tenant chose may
// reach, and makes the HTTP clients that hold to it.
//
// An address is judged when it is dialled, after DNS has been asked, so that
// neither a name that changes its answer nor a strange spelling of an address
// gets around the rules. Only public unicast addresses pass, and what the
// operator allows. Clients made here follow no redirect and use no proxy.
//
// Which URLs are well formed, and what is sent to them, is decided elsewhere.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Guard judges addresses. The zero value allows public addresses only.
type Guard struct {
	// Allow lists addresses that the operator permits although they are not public.
	Allow []netip.Prefix
	// Resolver answers for names; nil is the system's.
	Resolver *net.Resolver

	listedOnly bool // of Allow, public addresses are refused too
}

// Error says that an address may not be reached, and why.
type Error struct {
	Addr   netip.Addr
	Reason string // a noun: "loopback", "private network", …
}

// Error names the address and the reason.
func (e *Error) Error() string {
	if !e.Addr.IsValid() {
		return "what is asked for may not be reached: " + e.Reason
	}
	return fmt.Sprintf("the address %s may not be reached: %s", e.Addr, e.Reason)
}

// RetryableError is false: the AWS SDK asks it, and trying again changes nothing.
func (e *Error) RetryableError() bool { return false }

// Closed tells whether an address was refused, or a name has none. To a tenant
// both are the same: who can tell them apart can find out which names there
// are in the operator's network, and where they lead.
func Closed(err error) bool {
	var refused *Error
	var unknown *net.DNSError
	return errors.As(err, &refused) || errors.As(err, &unknown) && unknown.IsNotFound
}

// Check is nil if the address may be reached, else an *Error.
func (g Guard) Check(addr netip.Addr) error {
	addr = addr.WithZone("")
	for _, p := range g.Allow {
		if p.Contains(addr) || p.Contains(addr.Unmap()) {
			return nil
		}
	}
	if reason := refusal(addr); reason != "" {
		return &Error{Addr: addr, Reason: reason}
	}
	if g.listedOnly {
		return &Error{Addr: addr, Reason: "plain http and other programs lead to addresses only that the operator lists"}
	}
	return nil
}

// DialContext connects to the address, judging each one that the name resolves to.
func (g Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: g.Resolver, Control: g.control}
	return d.DialContext(ctx, network, address)
}

// control runs between the making of a socket and its connecting, with the
// address that will really be used.
func (g Guard) control(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") {
		return &Error{Reason: "not an internet address"}
	}
	return g.Check(ap.Addr())
}

// Transport makes a transport that dials through the guard only: no proxy, no
// Unix sockets. Its buffers are large because it also carries media.
func (g Guard) Transport() *http.Transport {
	return &http.Transport{
		DialContext:            wide(g.DialContext),
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  60 * time.Second,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConns:           connections,
		MaxIdleConnsPerHost:    connections,
		MaxResponseHeaderBytes: 64 << 10,
		ReadBufferSize:         readBuffer,
		WriteBufferSize:        writeBuffer,
		DisableCompression:     true,
	}
}

// Client makes a client over a new Transport. It gives a redirect to the
// caller as the answer instead of following it, and keeps no cookies. It has
// no timeout over all: the caller's context bounds a request.
func (g Guard) Client() *http.Client {
	return &http.Client{
		Transport:     g.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
