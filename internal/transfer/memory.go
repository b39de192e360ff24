package transfer

import (
	"context"
	"slices"
	"sync"
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
// room waits for another to end. What waits to be tried again keeps its room.
// Make it by NewMemory.
type Memory struct {
	room         *room
	organization string
}

// NewMemory makes room for as many bytes, and for one stream at least.
func NewMemory(limit int64) *Memory {
	return &Memory{room: &room{
		streams: int(max(limit/streamCost, 1)), held: map[string]int{}, sharing: map[string]bool{},
		large: buffers(ioBuffer), small: buffers(smallBuffer),
	}}
}

// Share returns an organization's share of the room: all of it, as long as no
// other organization has had a share. From then on a quarter is always left to
// the others, and what becomes free goes to whoever holds the least: a server
// that one organization chose, and that never answers, stops nobody else's work.
func (m *Memory) Share(organization string) *Memory {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.room.sharing[organization] = true
	return &Memory{room: m.room, organization: organization}
}

// room is what shares are of.
type room struct {
	large, small sync.Pool // of *[]byte, of ioBuffer and smallBuffer bytes
	streams      int       // at once

	mu      sync.Mutex // guards what follows
	taken   int
	held    map[string]int // streams, by organization
	sharing map[string]bool
	waiting []*waiter
}

// waiter waits for room for one stream; ready is closed when it has it.
type waiter struct {
	organization string
	ready        chan struct{}
}

func buffers(size int) sync.Pool {
	return sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}}
}

// fits reports whether there is room for one more stream of the organization.
func (r *room) fits(organization string) bool {
	limit := r.streams
	if len(r.sharing) > 1 {
		limit -= max(r.streams/4, min(r.streams-1, 1))
	}
	return r.taken < r.streams && r.held[organization] < limit
}

func (r *room) take(organization string) {
	r.taken++
	r.held[organization]++
}

// free takes back a stream's room and hands it on.
func (r *room) free(organization string) {
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

// acquire waits for room for a stream. Nobody may wait for more while holding
// it.
func (m *Memory) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := m.room
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
		r.free(m.organization) // it came at the same time
	}
	return ctx.Err()
}

func (m *Memory) release() {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.room.free(m.organization)
}

// lend waits for room for a stream, and gives a buffer for n bytes of it: all
// that there are, or ioBuffer at once.
func (m *Memory) lend(ctx context.Context, n int64) (b []byte, giveBack func(), err error) {
	if err := m.acquire(ctx); err != nil {
		return nil, nil, err
	}
	pool := &m.room.large
	if n <= smallBuffer {
		pool = &m.room.small
	}
	p := pool.Get().(*[]byte) //nolint:forcetypeassert // the pool has no others
	return *p, func() {
		pool.Put(p)
		m.release()
	}, nil
}
