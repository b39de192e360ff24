package transfer

import (
	"context"
	"slices"
	"sync"
)

// DefaultMemory is the usual limit for the buffers of a process, in bytes.
const DefaultMemory = 256 * mib

// streamCost is the most bytes that one stream uses: a buffer here, and those
// of a connection, or of two for a copy.
const (
	streamCost  = ioBuffer + 2*(readBuffer+writeBuffer)
	readBuffer  = 16 << 10 // large reads bypass it
	writeBuffer = 72 << 10 // fits an object of 64 KiB and its header
	smallBuffer = 16 << 10 // for spans that fit into it
)

// Memory limits the buffers of all transfers that share it. A transfer that
// finds no room waits until another ends; one that waits for a retry keeps its
// room. NewMemory makes it.
type Memory struct {
	pool         *streamPool
	organization string
}

// NewMemory returns a Memory of limit bytes, but with room for one stream at
// least.
func NewMemory(limit int64) *Memory {
	return &Memory{pool: &streamPool{
		streams: int(max(limit/streamCost, 1)), held: map[string]int{}, sharing: map[string]bool{},
		large: newBufferPool(ioBuffer), small: newBufferPool(smallBuffer),
	}}
}

// Share returns an organization's share of the memory: all of it, as long as no
// other organization has had a share. From then on an organization may take no
// more than it leaves free, and freed room goes to the one that uses the least.
// So servers that some organizations chose, and that never answer, stop nobody
// else's work: however many they are, something is left for one more, unless
// there is room for fewer streams than for organizations.
func (m *Memory) Share(organization string) *Memory {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	m.pool.sharing[organization] = true
	return &Memory{pool: m.pool, organization: organization}
}

// streamPool is the memory that shares belong to.
type streamPool struct {
	large, small sync.Pool // of *[]byte, of ioBuffer and smallBuffer bytes
	streams      int       // at once

	mu      sync.Mutex // guards what follows
	taken   int
	held    map[string]int // streams, by organization
	sharing map[string]bool
	waiting []*waiter
}

// waiter waits for room for one stream. Ready is closed when it has the room.
type waiter struct {
	organization string
	ready        chan struct{}
}

func newBufferPool(size int) sync.Pool {
	return sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}}
}

// fits reports whether there is room for one more stream of the organization.
func (r *streamPool) fits(organization string) bool {
	free := r.streams - r.taken
	return free > 0 && (len(r.sharing) < 2 || r.held[organization] < free)
}

func (r *streamPool) take(organization string) {
	r.taken++
	r.held[organization]++
}

// release frees the room of one stream, and passes it on to a waiter.
func (r *streamPool) release(organization string) {
	r.taken--
	if r.held[organization]--; r.held[organization] == 0 {
		delete(r.held, organization)
	}
	for {
		next := -1
		for i, w := range r.waiting {
			if r.fits(w.organization) && (next < 0 || r.held[w.organization] < r.held[r.waiting[next].organization]) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		w := r.waiting[next]
		r.waiting = slices.Delete(r.waiting, next, next+1)
		r.take(w.organization)
		close(w.ready)
	}
}

// acquire waits for room for one stream. Its holder must not acquire more,
// which could deadlock.
func (m *Memory) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := m.pool
	r.mu.Lock()
	if r.fits(m.organization) {
		r.take(m.organization)
		r.mu.Unlock()
		return nil
	}
	w := &waiter{organization: m.organization, ready: make(chan struct{})}
	r.waiting = append(r.waiting, w)
	r.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.waiting, w); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
	} else {
		r.release(m.organization) // it got room at the same time
	}
	return ctx.Err()
}

func (m *Memory) release() {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	m.pool.release(m.organization)
}

// buffer waits for room for a stream, and returns a buffer for n bytes of it:
// large enough for all of them, or of ioBuffer bytes.
func (m *Memory) buffer(ctx context.Context, n int64) (b []byte, release func(), err error) {
	if err := m.acquire(ctx); err != nil {
		return nil, nil, err
	}
	buffers := &m.pool.large
	if n <= smallBuffer {
		buffers = &m.pool.small
	}
	p := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool has no others
	return *p, func() {
		buffers.Put(p)
		m.release()
	}, nil
}
