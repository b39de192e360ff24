package transfer

import (
	"context"
	"sync"

	"github.com/rolecall/rolecall/internal/bound"
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

// What a process holds beside the memory that its operator gives to it.
const (
	pageCost   = 6 * mib // of a page of a listing, while it is read: see listingLimit
	pages      = 8       // at once
	answerCost = 2 * mib // of another answer that may be long, while it is read
	answers    = 12      // at once, or fewer of listings
	requests   = 256     // at once, of those whose answers are short and held in memory
	streams    = 384     // at once, whatever the memory: each is a connection, or two for a copy
)

// Limits are what all transfers of a process share: memory, requests and disk.
// A transfer that finds no room waits until another ends; one that waits for a
// retry keeps its room. Each organization has its share, as package bound says.
// NewLimits makes them.
//
// Nobody waits for what depends on it: who lists may hold a page while its objects
// wait to be moved, who moves waits for a stream, an answer or a request, and these
// wait for a server only.
type Limits struct {
	budgets  *budgets
	streams  *bound.Share // streams
	memory   *bound.Share // bytes: of streams, and of names that are held
	held     *bound.Share // bytes of names, of which there may be half as much: streams always have the rest
	pages    *bound.Share // bytes
	answers  *bound.Share // bytes
	requests *bound.Share // requests
	disk     diskShare
}

// budgets are what the shares are of.
type budgets struct {
	streams, memory, held, pages, answers, requests *bound.Budget
	disks                                           disks
	large, small                                    sync.Pool // of *[]byte, of ioBuffer and smallBuffer bytes
}

// NewLimits returns Limits of as many bytes of memory for streams and for names
// that are held, but with room for one stream at least.
func NewLimits(memory int64) *Limits {
	memory = max(memory, streamCost)
	b := &budgets{
		streams: bound.New(streams), memory: bound.New(memory), held: bound.New(memory / 2), pages: bound.New(pages * pageCost),
		answers: bound.New(answers * answerCost), requests: bound.New(requests),
		large: newBufferPool(ioBuffer), small: newBufferPool(smallBuffer),
	}
	return &Limits{
		budgets: b, streams: b.streams.Whole(), memory: b.memory.Whole(), held: b.held.Whole(), pages: b.pages.Whole(),
		answers: b.answers.Whole(), requests: b.requests.Whole(), disk: diskShare{disks: &b.disks},
	}
}

// Share returns an organization's share.
func (l *Limits) Share(organization string) *Limits {
	b := l.budgets
	return &Limits{
		budgets: b, streams: b.streams.Share(organization), memory: b.memory.Share(organization), held: b.held.Share(organization),
		pages: b.pages.Share(organization), answers: b.answers.Share(organization), requests: b.requests.Share(organization), disk: b.disks.share(organization),
	}
}

func newBufferPool(size int) sync.Pool {
	return sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}}
}

// Hold takes n bytes for names of objects that wait for something else than a
// stream, and reports whether there is room for them. It never waits. What it
// took is given back by Drop.
func (l *Limits) Hold(n int64) bool {
	if !l.held.TryAcquire(n) {
		return false
	}
	if !l.memory.TryAcquire(n) {
		l.held.Release(n)
		return false
	}
	return true
}

// Drop gives back what Hold took.
func (l *Limits) Drop(n int64) {
	l.memory.Release(n)
	l.held.Release(n)
}

// acquire waits for room for one stream. Its holder must not acquire more,
// which could deadlock.
func (l *Limits) acquire(ctx context.Context) error {
	if err := l.streams.Acquire(ctx, 1); err != nil {
		return err
	}
	if err := l.memory.Acquire(ctx, streamCost); err != nil {
		l.streams.Release(1)
		return err
	}
	return nil
}

func (l *Limits) release() {
	l.memory.Release(streamCost)
	l.streams.Release(1)
}

// buffer waits for room for a stream, and returns a buffer for n bytes of it:
// large enough for all of them, or of ioBuffer bytes.
func (l *Limits) buffer(ctx context.Context, n int64) (b []byte, release func(), err error) {
	if err := l.acquire(ctx); err != nil {
		return nil, nil, err
	}
	buffers := &l.budgets.large
	if n <= smallBuffer {
		buffers = &l.budgets.small
	}
	p := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool has no others
	return *p, func() {
		buffers.Put(p)
		l.release()
	}, nil
}
