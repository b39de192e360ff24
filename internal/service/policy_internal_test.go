package service

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall"
)

// What takes too long is not waited for, and counts until it ends: an
// organization runs two at once, whatever others do.
func TestToolsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running tools
		end := make(chan struct{})
		slow := func(who string) error {
			_, err := inTime(t.Context(), &running, who, func() (int, error) {
				<-end
				return 0, nil
			})
			return err
		}
		begun := time.Now()
		for range toolsAtOnce {
			if err := slow("acme"); rolecall.CodeOf(err) != rolecall.Invalid {
				t.Errorf("%v", err)
			}
		}
		if took := time.Since(begun); took != toolsAtOnce*toolTime {
			t.Errorf("it took %s", took)
		}
		quick := func(who string) (int, error) {
			return inTime(t.Context(), &running, who, func() (int, error) { return 7, nil })
		}
		if _, err := quick("acme"); !errors.As(err, new(*TooManyError)) {
			t.Errorf("a third: %v", err)
		}
		if got, err := quick("globex"); got != 7 || err != nil {
			t.Errorf("another's: %d, %v", got, err)
		}
		close(end)
		synctest.Wait()
		if got, err := quick("acme"); got != 7 || err != nil {
			t.Errorf("afterwards: %d, %v", got, err)
		}
		if _, err := inTime(t.Context(), &running, "acme", func() (int, error) { panic("odd") }); rolecall.CodeOf(err) != rolecall.Internal || len(running.running) != 0 {
			t.Errorf("a panic: %v, %v", err, running.running)
		}
	})
}
