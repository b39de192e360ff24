//go:build unix

package workdir

import (
	"io/fs"
	"syscall"
)

// Linked reports whether the file has another name (a hard link).
func Linked(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}
