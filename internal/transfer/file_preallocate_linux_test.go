package transfer

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// A file in memory is not allocated, which would clear it twice, but one that
// cannot fit is still refused.
func TestPreallocateInMemory(t *testing.T) {
	t.Parallel()
	var fs syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &fs); err != nil || int64(fs.Type) != tmpfs || fs.Blocks == 0 {
		t.Skip("this machine has no bounded tmpfs in its usual place")
	}
	file, err := os.CreateTemp("/dev/shm", "rolecall-test-")
	if err != nil {
		t.Skip(err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := preallocate(file, 2*mib); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if used := info.Sys().(*syscall.Stat_t).Blocks; info.Size() != 2*mib || used > 0 { //nolint:forcetypeassert // of os, on Linux
		t.Errorf("it has %d bytes, and %d blocks of them", info.Size(), used)
	}
	if err := preallocate(file, 1<<50); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("more than there is room for: %v", err)
	}
}

// A file that does not fit does not fill the disk first, which others need too.
func TestPreallocateLeavesRoom(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(file.Name(), &fs); err != nil || fs.Blocks == 0 {
		t.Skip("this machine does not tell how large its disk is")
	}
	if err := preallocate(file, int64(fs.Blocks+1)*fs.Bsize); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("more than there is room for: %v", err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if used := info.Sys().(*syscall.Stat_t).Blocks; used > 0 { //nolint:forcetypeassert // of os, on Linux
		t.Errorf("%d blocks are taken", used)
	}
}
