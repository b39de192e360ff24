package transfer

import (
	"errors"
	"os"
	"syscall"
)

const tmpfs = 0x01021994 // statfs(2)

// preallocate makes room for the whole file, so that a full disk shows before
// anything is fetched and parts do not scatter. Where memory is the disk that
// would only clear the memory twice: there it looks whether there is room.
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
	if err := syscall.Fstatfs(fd, &fs); err != nil || int64(fs.Type) != tmpfs { // an int32 on some machines
		return syscall.Fallocate(fd, 0, 0, size)
	}
	if fs.Blocks > 0 && fs.Bavail < uint64(size)/uint64(fs.Bsize) { // no blocks: no limit
		return syscall.ENOSPC
	}
	return nil
}
