package transfer

import (
	"errors"
	"os"
	"syscall"
)

// preallocate makes room for the whole file, so that a full disk shows before
// anything is fetched and parts do not scatter.
func preallocate(file *os.File, size int64) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var made error
	if err := conn.Control(func(fd uintptr) { made = syscall.Fallocate(int(fd), 0, 0, size) }); err != nil {
		return err
	}
	if errors.Is(made, syscall.ENOSPC) || errors.Is(made, syscall.EDQUOT) || errors.Is(made, syscall.EFBIG) {
		return made
	}
	// Some file systems cannot, and none must: a hole will do.
	return file.Truncate(size)
}
