// Package guard decides which network addresses a URL that a tenant chose may
// reach, and makes the HTTP clients that obey it.
//
// An address is checked when it is dialled, after the DNS lookup, so that
// neither a name whose answer changes nor an unusual spelling of an address
// evades the rules. Only public unicast addresses are allowed, and those that
// the operator lists. Clients made here follow no redirect, and clients for
// tenants use no proxy.
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

// Guard checks addresses. The zero value allows public addresses only.
type Guard struct {
	// Allow lists addresses that the operator permits although they are not public.
	Allow []netip.Prefix
	// Resolver looks up names; nil is the system's.
	Resolver *net.Resolver

	listedOnly bool // public addresses are refused too
}

// Error reports that an address may not be reached, and why.
type Error struct {
	Addr   netip.Addr
	Reason string // a noun: "loopback", "private network", …
}

// Error returns a message with the address and the reason.
func (e *Error) Error() string {
	if !e.Addr.IsValid() {
		return "what is asked for may not be reached: " + e.Reason
	}
	return fmt.Sprintf("the address %s may not be reached: %s", e.Addr, e.Reason)
}

// RetryableError returns false. The AWS SDK calls it; another attempt would be
// refused too.
func (e *Error) RetryableError() bool { return false }

// Closed reports whether an address was refused, or a name does not exist. To a
// tenant both must look the same: the difference would show which names exist
// in the operator's network, and where they lead.
func Closed(err error) bool {
	var refused *Error
	var unknown *net.DNSError
	return errors.As(err, &refused) || errors.As(err, &unknown) && unknown.IsNotFound
}

// Why says of an error that is Closed which address was refused, or which name
// does not exist.
func Why(err error) string {
	var refused *Error
	var unknown *net.DNSError
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &unknown):
		return "there is no host " + unknown.Name
	default:
		return ""
	}
}

// Check returns nil if the address may be reached, else an *Error.
func (g Guard) Check(addr netip.Addr) error {
	addr = addr.WithZone("")
	for _, p := range g.Allow {
		if p.Contains(addr) || p.Contains(addr.Unmap()) {
			return nil
		}
	}
	if reason := reasonRefused(addr); reason != "" {
		return &Error{Addr: addr, Reason: reason}
	}
	if g.listedOnly {
		return &Error{Addr: addr, Reason: "plain http and other programs lead to addresses only that the operator lists"}
	}
	return nil
}

// DialContext connects to the address, and checks each one that the name
// resolves to.
func (g Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: g.Resolver, Control: g.control}
	return d.DialContext(ctx, network, address)
}

// control is called after a socket is made and before it connects, with the
// address that is really used.
func (g Guard) control(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") {
		return &Error{Reason: "not an internet address"}
	}
	return g.Check(ap.Addr())
}

// client returns a client that dials through the guard only: no proxy, no Unix
// sockets. It returns a redirect as the answer instead of following it, and keeps
// no cookies. It has no overall timeout: the caller's context limits a request.
// Its buffers are large because it also transfers media.
func (g Guard) client(s *sockets) *http.Client {
	return &http.Client{Transport: transport(s, g.DialContext), CheckRedirect: noRedirect}
}
