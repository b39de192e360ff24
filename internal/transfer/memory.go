package transfer

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// DefaultMemory is what the buffers of a process may take together.
const DefaultMemory = 256 * mib

// streamCost is what one stream of bytes holds at most: a buffer here, and those
// of a connection, or for a copy of two.
const (
	streamCost  = ioBuffer + 2*(readBuffer+writeBuffer)
	readBuffer  = 16 << 10 // objects are read past it
	writeBuffer = 72 << 10 // takes an object of 64 KiB and its header
	smallBuffer = 16 << 10 // for spans that fit it
)

// Memory bounds the buffers of all transfers that share it: one that finds no
// room waits for another to end. What waits to be tried again keeps its room, so
// whoever runs the jobs of several tenants must bound how many do that. Make it
// by NewMemory.
type Memory struct {
	room         *semaphore.Weighted
	large, small sync.Pool // of *[]byte, of ioBuffer and smallBuffer bytes
}

// NewMemory makes room for as many bytes, and for one stream at least.
func NewMemory(limit int64) *Memory {
	return &Memory{room: semaphore.NewWeighted(max(limit, streamCost)), large: buffers(ioBuffer), small: buffers(smallBuffer)}
}

func buffers(size int) sync.Pool {
	return sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}}
}

// acquire waits for room for a stream. Nobody may wait for more while holding
// it.
func (m *Memory) acquire(ctx context.Context) error { return m.room.Acquire(ctx, streamCost) }

func (m *Memory) release() { m.room.Release(streamCost) }

// lend waits for room for a stream, and gives a buffer for n bytes of it: all
// that there are, or ioBuffer at once.
func (m *Memory) lend(ctx context.Context, n int64) (b []byte, giveBack func(), err error) {
	if err := m.acquire(ctx); err != nil {
		return nil, nil, err
	}
	pool := &m.large
	if n <= smallBuffer {
		pool = &m.small
	}
	p := pool.Get().(*[]byte) //nolint:forcetypeassert // the pool has no others
	return *p, func() {
		pool.Put(p)
		m.release()
	}, nil
}
