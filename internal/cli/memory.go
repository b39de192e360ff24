package cli

import (
	"errors"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memory is a flag's amount of memory, in bytes.
type memory int64

const (
	leastMemory = 4 << 20 // a few streams
	mostMemory  = 1 << 40
	// besideMemory is what a run takes beside that: the program, listings and what
	// is garbage until it is collected.
	besideMemory = 110 << 20
)

// UnmarshalText reads bytes, or a number with one of the units of 1024: K, M
// and G, also as KiB and so on.
func (m *memory) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "KMGiB")
	shift, known := map[string]int{"": 0, "B": 0, "K": 10, "KiB": 10, "M": 20, "MiB": 20, "G": 30, "GiB": 30}[string(text)[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known || n < 0 || n > math.MaxInt64>>shift {
		return errors.New("an amount of memory looks like 256MiB, 1GiB or 268435456")
	}
	if n <<= shift; n < leastMemory || n > mostMemory {
		return errors.New("an amount of memory from 4MiB to 1024GiB is wanted")
	}
	*m = memory(n)
	return nil
}

// limitHeap has the garbage collector keep the process close to its memory. The
// environment's GOMEMLIMIT goes before.
func (m memory) limitHeap() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(m) + besideMemory)
	}
}
