//go:build !linux

package transfer

import "os"

// preallocate gives the file its size.
func preallocate(file *os.File, size int64) error { return file.Truncate(size) }
