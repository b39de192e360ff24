//go:build unix

package transfer

import "syscall"

// maxOpenObjects returns how many objects may move in parallel. Each has about
// four open files and connections, and other tasks have theirs. Together they
// stay well below the process's limit.
func maxOpenObjects() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return mostObjects
	}
	return int(max(min(uint64(limit.Cur)/16, mostObjects), firstObjects)) //nolint:unconvert // it is signed on some systems
}
