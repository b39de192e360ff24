package transfer

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// DefaultMemory is what the buffers of a process may take together.
const DefaultMemory = 256 * mib

// streamCost is what one stream of bytes holds: a buffer here, and two in its
// connections.
const streamCost = 3 * ioBuffer

// Memory bounds the buffers of all transfers that share it: one that finds no
// room waits for another to end. What waits to be tried again keeps its room, so
// whoever runs the jobs of several tenants must bound how many do that. Make it
// by NewMemory.
type Memory struct {
	room    *semaphore.Weighted
	buffers sync.Pool // of *[]byte, each of ioBuffer bytes
}

// NewMemory makes room for as many bytes, and for one stream at least.
func NewMemory(limit int64) *Memory {
	return &Memory{room: semaphore.NewWeighted(max(limit, streamCost)), buffers: sync.Pool{New: func() any {
		b := make([]byte, ioBuffer)
		return &b
	}}}
}

// acquire waits for room for a stream. Nobody may wait for more while holding
// it.
func (m *Memory) acquire(ctx context.Context) error { return m.room.Acquire(ctx, streamCost) }

func (m *Memory) release() { m.room.Release(streamCost) }

// lend waits for room for a stream, and gives its buffer of ioBuffer bytes.
func (m *Memory) lend(ctx context.Context) (b []byte, giveBack func(), err error) {
	if err := m.acquire(ctx); err != nil {
		return nil, nil, err
	}
	p := m.buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool has no others
	return *p, func() {
		m.buffers.Put(p)
		m.release()
	}, nil
}
