package transfer

import (
	"errors"
	"os"
	"syscall"
)

const tmpfs = 0x01021994 // statfs(2)

// preallocate makes room for the whole file, so that a full disk shows before
// anything is fetched and parts do not scatter. What the disk has no room for is
// not begun, as it would take all the room there is before it fails. Where memory
// is the disk, nothing is made: it would only be cleared twice.
func preallocate(file *os.File, size int64) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var made error
	if err := conn.Control(func(fd uintptr) { made = reserve(int(fd), size) }); err != nil {
		return err
	}
	if errors.Is(made, syscall.ENOSPC) || errors.Is(made, syscall.EDQUOT) || errors.Is(made, syscall.EFBIG) {
		return made
	}
	// Some file systems cannot, and none must: a hole will do.
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
