package transfer

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/bound"
)

// nothingTaken fails the test if something of the limits is still taken.
func nothingTaken(t *testing.T, l *Limits) {
	t.Helper()
	for name, b := range map[string]*bound.Budget{
		"streams": l.budgets.streams, "memory": l.budgets.memory, "held": l.budgets.held, "pages": l.budgets.pages, "answers": l.budgets.answers, "requests": l.budgets.requests,
	} {
		n := b.Taken()
		for until := time.Now().Add(10 * time.Second); n != 0 && time.Now().Before(until); n = b.Taken() {
			<-time.After(time.Millisecond) // a request whose context ended gives its room back soon after
		}
		if n != 0 {
			t.Errorf("%d of %s is still taken", n, name)
		}
	}
	l.budgets.disks.mu.Lock()
	defer l.budgets.disks.mu.Unlock()
	for device, d := range l.budgets.disks.disks {
		if d.promised != 0 || len(d.held) != 0 {
			t.Errorf("%d bytes are promised on %d", d.promised, device)
		}
	}
}

// Names are held in half of the memory at most, so that streams always have room.
func TestNamesLeaveRoomForStreams(t *testing.T) {
	t.Parallel()
	l := NewLimits(8 * streamCost).Share("acme")
	const name = 1 << 10
	n := 0
	for l.Hold(name) {
		n++
	}
	if n != 4*streamCost/name {
		t.Errorf("%d names", n)
	}
	for range 4 {
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.acquire(ended); err == nil {
		t.Error("a fifth stream")
	}
	for range 4 {
		l.release()
	}
	for range n {
		l.Drop(name)
	}
	for range 8 { // streams leave no room for names
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if l.Hold(name) {
		t.Error("a name where there is no room")
	}
	for range 8 {
		l.release()
	}
	nothingTaken(t, l)
}

// However much memory there is, the streams of a process are counted, too.
func TestStreamsAreCounted(t *testing.T) {
	t.Parallel()
	l := NewLimits(2 * streams * streamCost)
	ours, theirs := l.Share("acme"), l.Share("globex")
	full, cancel := context.WithCancel(t.Context())
	cancel()
	taken := 0
	for ours.streams.TryAcquire(1) {
		ours.streams.Release(1)
		if err := ours.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		taken++
	}
	if taken != streams/2 || ours.acquire(full) == nil {
		t.Errorf("%d streams of an organization that is not alone", taken)
	}
	if err := theirs.acquire(t.Context()); err != nil {
		t.Error(err)
	}
	theirs.release()
	for range taken {
		ours.release()
	}
	nothingTaken(t, l)
}

// However many listings are under way, their pages take no more than their room.
func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for i := range 3 {
		s.store(t, "in/"+strconv.Itoa(i), []byte("x"))
	}
	b := s.bucket(t, "origin")
	var most atomic.Int64
	done := make(chan int)
	for range 4 * pages {
		go func() {
			n := 0
			for _, err := range List(t.Context(), b, "in/") {
				if err != nil {
					t.Error(err)
				}
				n++
				most.Store(max(most.Load(), b.Client.wire.limits.budgets.pages.Taken()))
			}
			done <- n
		}()
	}
	for range 4 * pages {
		if n := <-done; n != 3 {
			t.Errorf("%d objects", n)
		}
	}
	if got := most.Load(); got == 0 || got > pages*pageCost {
		t.Errorf("%d bytes at once", got)
	}
}

// How much a server promises is not believed beyond what is free beside what is
// promised to others, no organization is promised more than it leaves free, and
// nothing is allocated.
func TestDiskIsPromisedOnce(t *testing.T) {
	t.Parallel()
	const gib, free = 1 << 30, 100 << 30
	l := NewLimits(0)
	acme := l.Share("acme").disk
	first, err := acme.reserve(1, free, 80*gib)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := acme.reserve(1, free, 21*gib); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("more than is left: %v", err)
	}
	first.written(60 * gib)
	second, err := acme.reserve(1, free-60*gib, 20*gib)
	if err != nil {
		t.Errorf("what is left: %v", err)
	}
	other, err := acme.reserve(2, free, 100*gib)
	if err != nil {
		t.Errorf("another disk: %v", err)
	}
	globex := l.Share("globex").disk
	if _, err := globex.reserve(1, free-60*gib, 1); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("nothing is left: %v", err)
	}
	first.end()
	if _, err := acme.reserve(1, free-60*gib, gib); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("above its share: %v", err)
	}
	third, err := globex.reserve(1, free-60*gib, 10*gib)
	if err != nil {
		t.Errorf("within its share: %v", err)
	}
	for _, p := range []*promise{second, other, third} {
		p.end()
		p.end()
	}
	nothingTaken(t, l)

	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p, err := acme.promise(file, 64*mib)
	if err != nil {
		t.Fatal(err)
	}
	defer p.end()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if of, ok := info.Sys().(*syscall.Stat_t); info.Size() != 64*mib || ok && of.Blocks > 16 {
		t.Errorf("%d bytes, %+v", info.Size(), info.Sys())
	}
}

// A key that is exactly the prefix is the first, and one object is asked for.
func TestListFirst(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, key := range []string{"in/a", "in/ab"} {
		s.store(t, key, []byte("x"))
	}
	b := s.bucket(t, "origin")
	for prefix, want := range map[string]string{"in/a": "in/a", "in/": "in/a", "in/ab": "in/ab", "in/b": ""} {
		o, ok, err := ListFirst(t.Context(), b, prefix)
		if err != nil || o.Key != want || ok != (want != "") {
			t.Errorf("%s: %q %v, %v", prefix, o.Key, ok, err)
		}
	}
	if _, _, err := ListFirst(t.Context(), s.bucket(t, "nowhere"), "in/"); KindOf(err) != NoBucket || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v", err)
	}
}
