//go:build unix

package journal

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lock takes the file for this process until it is closed.
func lock(file *os.File) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var made error
	if err := conn.Control(func(fd uintptr) { made = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) }); err != nil {
		return err
	}
	if errors.Is(made, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return made
}

// inode tells the file from others of its file system.
func inode(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ino
	}
	return 0
}
