package transfer

import (
	"errors"
	"os"
	"syscall"
)

const tmpfs = 0x01021994 // statfs(2)

// preallocate allocates space for the whole file, so that a full disk is
// noticed before anything is fetched, and parts are not scattered. A file that
// does not fit is not begun, since it would use up all space before it fails.
// Nothing is allocated on tmpfs, where it would only clear memory twice.
func preallocate(file *os.File, size int64) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var reserved error
	if err := conn.Control(func(fd uintptr) { reserved = reserve(int(fd), size) }); err != nil {
		return err
	}
	if errors.Is(reserved, syscall.ENOSPC) || errors.Is(reserved, syscall.EDQUOT) || errors.Is(reserved, syscall.EFBIG) {
		return reserved
	}
	// Not every file system can allocate. A sparse file is enough.
	return file.Truncate(size)
}

func reserve(fd int, size int64) error {
	var fs syscall.Statfs_t
	if err := syscall.Fstatfs(fd, &fs); err == nil {
		if fs.Blocks > 0 && fs.Frsize > 0 && fs.Bavail < uint64(size)/uint64(fs.Frsize) { // no blocks: no limit
			return syscall.ENOSPC
		}
		if int64(fs.Type) == tmpfs { // an int32 on some machines
			return nil
		}
	}
	return syscall.Fallocate(fd, 0, 0, size)
}
