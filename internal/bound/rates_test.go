package bound

import (
	"fmt"
	"testing"
)

// However many there are, what is counted is bounded.
func TestRatesAreBounded(t *testing.T) {
	t.Parallel()
	r := NewRates(2, 1e-6)
	for i := range 3 * maxRates {
		r.Take(fmt.Sprint(i))
	}
	if len(r.of) > maxRates {
		t.Errorf("%d", len(r.of))
	}
}
