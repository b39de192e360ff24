//go:build !unix

package workdir

import "io/fs"

// Linked returns false: here hard links cannot be recognized.
func Linked(fs.FileInfo) bool { return false }
