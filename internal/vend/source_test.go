package vend

import (
	"testing"
	"testing/synctest"
	"time"
)

// What is given out lives for a quarter of an hour at least, whatever the
// provider still holds.
func TestTakeIsNeverOld(t *testing.T) {
	t.Parallel()
	for life, issued := range map[time.Duration]int{
		time.Hour:        2, // looked at every minute for an hour: the second from its 45th
		30 * time.Minute: 4,
		10 * time.Minute: 10, // its own half, or each request would ask for another
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

func TestTakeFails(t *testing.T) {
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
