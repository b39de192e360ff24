package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// hide keeps the command, which runs as the same user, from reading the
// principals' keys in this process: in its memory, and in the environment that it
// was started with, which the kernel shows as long as it is not written over. Of
// the superuser with all capabilities only the latter is hidden.
// https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
func hide() error {
	_ = eraseEnvironment() // not every kernel lets it; what follows is enough for all but the superuser
	if _, _, code := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0); code != 0 {
		return fmt.Errorf("PR_SET_DUMPABLE: %w", code)
	}
	return nil
}

// eraseEnvironment writes over the environment that /proc/PID/environ shows. The
// os package has a copy of its own.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func eraseEnvironment() error {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return err
	}
	const first, start, end = 3, 50, 51 // numbers of fields; the second may have blanks
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= end-first {
		return errors.New("/proc/self/stat has no bounds of the environment")
	}
	from, err := strconv.ParseInt(string(fields[start-first]), 10, 64)
	to, err2 := strconv.ParseInt(string(fields[end-first]), 10, 64)
	if err := errors.Join(err, err2); err != nil || from >= to {
		return err
	}
	memory, err := os.OpenFile("/proc/self/mem", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = memory.WriteAt(make([]byte, to-from), from)
	return errors.Join(err, memory.Close())
}
