package vend

import (
	"testing"
	"testing/synctest"
	"time"
)

// Credentials are valid for at least a quarter of an hour, whatever the
// provider has in its cache.
func TestCredentialsAreFresh(t *testing.T) {
	t.Parallel()
	for life, issued := range map[time.Duration]int{
		time.Hour:        2, // retrieved every minute for an hour: the second from minute 45 on
		30 * time.Minute: 4,
		10 * time.Minute: 10, // half of its life, or each request would fetch another
	} {
		synctest.Test(t, func(t *testing.T) {
			i := &issuer{now: time.Now, life: life}
			s := NewSource(i, nil)
			for range 60 {
				c, err := s.Retrieve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if left := time.Until(c.Expires); left < min(15*time.Minute, life/2) {
					t.Fatalf("of %s, %s are left", life, left)
				}
				time.Sleep(time.Minute) // of the bubble's fake clock
			}
			if i.issued != issued {
				t.Errorf("%d sessions of %s in an hour, not %d", i.issued, life, issued)
			}
		})
	}
}

func TestRetrieveFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{now: time.Now, life: time.Hour}
		s := NewSource(i, nil)
		if _, err := s.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Minute) // of the bubble's fake clock
		i.fail(errGone)
		if c, err := s.Retrieve(t.Context()); err == nil || c.HasKeys() {
			t.Errorf("%v beside %v", c.AccessKeyID, err)
		}
	})
}
