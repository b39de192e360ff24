//go:build unix

package transfer

import "syscall"

// objectsOpen is how many objects may move side by side. Each has some four files
// and connections open, and other tasks have theirs: together they stay well
// below what the process may.
func objectsOpen() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return objectsAtMost
	}
	return int(max(min(uint64(limit.Cur)/16, objectsAtMost), objectsAtFirst)) //nolint:unconvert // it is signed on some systems
}
