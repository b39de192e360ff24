//go:build !linux

package transfer

import (
	"math"
	"os"
)

// freeSpace knows no limit.
func freeSpace(*os.File) (device uint64, free int64, err error) { return 0, math.MaxInt64, nil }
