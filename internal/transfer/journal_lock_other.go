//go:build !unix

package transfer

import (
	"io/fs"
	"os"
)

// lock does nothing: here nobody keeps two processes from one job.
func lock(*os.File) error { return nil }

// linked cannot tell here whether the file has another name as well.
func linked(fs.FileInfo) bool { return false }

// inode cannot tell files from one another here.
func inode(fs.FileInfo) uint64 { return 0 }
