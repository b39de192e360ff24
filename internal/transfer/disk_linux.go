package transfer

import (
	"math"
	"os"
	"syscall"
)

// freeSpace returns which file system a file is on, and how many bytes are free
// there. One that does not say how large it is has no limit.
func freeSpace(file *os.File) (device uint64, free int64, err error) {
	conn, err := file.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var fs syscall.Statfs_t
	var at syscall.Stat_t
	free = math.MaxInt64
	err = conn.Control(func(fd uintptr) {
		if syscall.Fstat(int(fd), &at) == nil && syscall.Fstatfs(int(fd), &fs) == nil && fs.Blocks > 0 && fs.Frsize > 0 {
			free = int64(min(fs.Bavail, math.MaxInt64/uint64(fs.Frsize)) * uint64(fs.Frsize))
		}
	})
	return uint64(at.Dev), free, err
}
