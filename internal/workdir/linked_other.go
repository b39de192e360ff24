//go:build !unix

package workdir

import "io/fs"

// Linked cannot tell here whether the file has another name as well.
func Linked(fs.FileInfo) bool { return false }
