package safely

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDo(t *testing.T) {
	t.Parallel()
	if err := Do(func() error { return io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("an error: %v", err)
	}
	err := Do(func() error { panic("odd input") })
	var p *Panic
	if !errors.As(err, &p) || p.Value != "odd input" || !strings.Contains(err.Error(), "safely_test.go") {
		t.Errorf("a panic: %v", err)
	}
	if again := Do(func() error { panic(p) }); again != err { //nolint:errorlint // it is the very same
		t.Errorf("one that was caught before: %v", again)
	}
}

// All work ends before the panic of some is the caller's.
func TestBeside(t *testing.T) {
	t.Parallel()
	var ended atomic.Int32
	work := func() { ended.Add(1) }
	err := Do(func() error {
		Beside(work, func() { panic("odd input") }, work, func() { panic("another") }, work)
		return nil
	})
	var p *Panic
	if !errors.As(err, &p) || p.Value != "odd input" || ended.Load() != 3 {
		t.Errorf("%d ended, %v", ended.Load(), err)
	}
	Beside()
}
