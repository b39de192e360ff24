package api

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/service"
)

// waits returns how long the answer says to wait; zero: it is none.
func waits(t *testing.T, err error) int64 {
	t.Helper()
	if err == nil {
		return 0
	}
	var many *service.TooManyError
	if !errors.As(err, &many) {
		t.Fatal(err)
	}
	return many.Seconds()
}

// An organization has its requests, and nobody else uses them up.
func TestRequestsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(Limits{RequestsPerSecond: 5})
		acme, globex, operator := account.Actor{Organization: "acme"}, account.Actor{Organization: "globex"}, account.Actor{}
		asks := func(a account.Actor, path string) (n int) {
			for n < 100 && waits(t, l.mayAsk(a, path)) == 0 {
				n++
			}
			return n
		}
		for range 2 {
			// By whoever, for whatever path.
			if got := asks(acme, "/api/o/globex"); got != 10 {
				t.Errorf("%d at once", got)
			}
			if got := asks(globex, "/api/o/globex/tokens"); got != 10 {
				t.Errorf("another: %d at once", got)
			}
			if got := asks(operator, "/api/o/acme/tokens"); got != 10 {
				t.Errorf("an operator: %d at once", got)
			}
			if got := asks(operator, "/api/o"); got != 100 {
				t.Errorf("an operator, about none: %d at once", got)
			}
			time.Sleep(time.Second) // of the bubble's fake clock
			if got := asks(acme, "/api/o/acme"); got != 5 {
				t.Errorf("%d a second", got)
			}
			time.Sleep(time.Minute) // of the bubble's fake clock
		}
	})
}

// Who guesses tokens is stopped, and who shares an address with him is not.
func TestFailuresAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(Limits{Failures: 3})
		from, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		l.tried(from, "valid", true)
		l.tried(from, "revoked", true)
		for i := range 3 {
			token := fmt.Sprint("wrong", i)
			if i == 2 {
				token = "revoked"
			}
			if waits(t, l.mayTry(from, token)) != 0 {
				t.Fatalf("the %dth is refused", i)
			}
			l.tried(from, token, false)
		}
		for _, token := range []string{"wrong", "revoked", "never seen"} {
			if got := waits(t, l.mayTry(from, token)); got != 6 {
				t.Errorf("%s: try again after %d s", token, got)
			}
		}
		if waits(t, l.mayTry(from, "valid")) != 0 || waits(t, l.mayTry(other, "wrong")) != 0 {
			t.Error("others are stopped")
		}
		time.Sleep(6 * time.Second) // of the bubble's fake clock
		if waits(t, l.mayTry(from, "wrong")) != 0 {
			t.Error("it is stopped for longer than it was told")
		}
		// All addresses of an IPv6 network are one's.
		for i := range 3 {
			l.tried(netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", i)), "wrong", false)
		}
		if waits(t, l.mayTry(netip.MustParseAddr("2001:db8::9"), "wrong")) == 0 || waits(t, l.mayTry(netip.MustParseAddr("2001:db8:0:1::9"), "wrong")) != 0 {
			t.Error("an IPv6 network is not one")
		}
	})
}

// However many there are, what is remembered is bounded.
func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	seen := recent{}
	for i := range 3 * maxRecent {
		seen.add(fmt.Sprint(i))
	}
	if len(seen.new)+len(seen.old) > 2*maxRecent || !seen.has(fmt.Sprint(3*maxRecent-1)) {
		t.Errorf("%d", len(seen.new)+len(seen.old))
	}
}

// Who is bound to one connection has a part of the rate, and all of them together
// leave the organization its own.
func TestBoundTokensAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(Limits{RequestsPerSecond: 50})
		asks := func(a account.Actor) (n int) {
			for n < 1000 && waits(t, l.mayAsk(a, "/api/o/acme")) == 0 {
				n++
			}
			return n
		}
		all := 0
		for i := range 20 {
			n := asks(account.Actor{Organization: "acme", ID: fmt.Sprint(i), Connection: "c", Role: account.Setup})
			if all += n; n > 20 {
				t.Errorf("%d at once of one link", n)
			}
		}
		if own := asks(account.Actor{Organization: "acme", Role: account.Admin}); all != 100 || own != 100 {
			t.Errorf("%d of links, and then %d of the organization's own", all, own)
		}
	})
}

// Streams are bounded for each actor and each organization, and one that ends makes
// room.
func TestStreamsAreLimited(t *testing.T) {
	t.Parallel()
	var s streams
	var ends []func()
	opens := func(a account.Actor) (n int) {
		for n < 1000 {
			closed, err := s.open(a)
			if err != nil {
				if waits(t, err) == 0 {
					t.Error(err)
				}
				break
			}
			ends, n = append(ends, closed), n+1
		}
		return n
	}
	all := 0
	for i := range 20 {
		n := opens(account.Actor{Organization: "acme", ID: fmt.Sprint(i)})
		if all += n; n > actorStreams {
			t.Errorf("%d of one actor", n)
		}
	}
	if other := opens(account.Actor{Organization: "globex", ID: "x"}); all != organizationStreams || other != actorStreams {
		t.Errorf("%d of one organization, and then %d of another", all, other)
	}
	for _, end := range ends {
		end()
	}
	if len(s.of) != 0 {
		t.Errorf("%v are left", s.of)
	}
}
