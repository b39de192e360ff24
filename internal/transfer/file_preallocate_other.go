//go:build !linux

package transfer

import "os"

// preallocate sets the file's size.
func preallocate(file *os.File, size int64) error { return file.Truncate(size) }
