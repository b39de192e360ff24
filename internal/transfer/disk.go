package transfer

import (
	"fmt"
	"math"
	"os"
	"sync"
	"syscall"
)

// disks are the file systems that the files of a process are on, with what
// transfers have yet to write there. A file whose object does not fit beside what
// is promised to others is not begun, since it would use up all space before it
// fails. Nothing is allocated: how large an object is, its server says, which may
// promise what it never sends. The zero value is ready.
type disks struct {
	mu      sync.Mutex
	sharing map[string]bool
	disks   map[uint64]*disk // by device
}

// disk is what is promised on one file system.
type disk struct {
	promised int64
	held     map[string]int64 // of which, by organization
}

// diskShare is an organization's share of what is free. As with package bound, it
// may be promised no more than it leaves free, where there is another one.
type diskShare struct {
	disks        *disks
	organization string
}

func (d *disks) share(organization string) diskShare {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sharing == nil {
		d.sharing = map[string]bool{}
	}
	d.sharing[organization] = true
	return diskShare{d, organization}
}

// promise is room for one file. Its holder gives it back.
type promise struct {
	share diskShare
	on    *disk
	mu    sync.Mutex
	left  int64 // bytes that are not written yet
}

// promise promises room for a file of the size, and gives the file that size. Its
// error is ENOSPC if there is no room.
func (s diskShare) promise(file *os.File, size int64) (*promise, error) {
	device, free, err := freeSpace(file)
	if err != nil {
		return nil, err
	}
	p, err := s.reserve(device, free, size)
	if err != nil {
		return nil, err
	}
	if err := file.Truncate(size); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// reserve promises size bytes of a device that has so many free.
func (s diskShare) reserve(device uint64, free, size int64) (*promise, error) {
	s.disks.mu.Lock()
	defer s.disks.mu.Unlock()
	if s.disks.disks == nil {
		s.disks.disks = map[uint64]*disk{}
	}
	on := s.disks.disks[device]
	if on == nil {
		on = &disk{held: map[string]int64{}}
		s.disks.disks[device] = on
	}
	free -= on.promised
	if size > free || len(s.disks.sharing) > 1 && on.held[s.organization]+size > free {
		return nil, fmt.Errorf("%d bytes where %d are free beside what is promised to others: %w", size, max(free, 0), syscall.ENOSPC)
	}
	on.promised += size
	on.held[s.organization] += size
	return &promise{share: s, on: on, left: size}, nil
}

// written says that n bytes are written: they are not free any more, and not
// promised.
func (p *promise) written(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n = min(n, p.left)
	p.left -= n
	p.share.disks.mu.Lock()
	defer p.share.disks.mu.Unlock()
	p.on.promised -= n
	if p.on.held[p.share.organization] -= n; p.on.held[p.share.organization] == 0 {
		delete(p.on.held, p.share.organization)
	}
}

// end gives back what is not written. Nothing is written after it.
func (p *promise) end() { p.written(math.MaxInt64) }
