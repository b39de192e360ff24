package task

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"golang.org/x/sync/semaphore"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/transfer"
)

// boundedSearch returns a search whose tools have little memory.
func boundedSearch(t *testing.T, memory int64) (*search, *transfer.Limits, queue) {
	t.Helper()
	limits := transfer.NewLimits(memory)
	tools := New(&access.Access{Limits: limits}, Job{})
	s := &work{tools: tools, log: slog.New(slog.DiscardHandler), observe: func(Event) {}, stop: func(error) {}, wait: startWait("the test", func(Event) {})}
	f := &search{work: s, name: func(o transfer.Object) (string, error) { return o.Key, nil }}
	return f, limits, queue{make(chan piece, searchAhead), semaphore.NewWeighted(aheadBytes)}
}

func object(n int) transfer.Object {
	return transfer.Object{Key: fmt.Sprintf("%07d", n) + strings.Repeat("k", maxKey-7)}
}

// Before a page of a listing is judged, objects are held as long as there is
// memory for them. Then they are moved, and where that may not be, the step ends.
func TestHeldNamesAreBounded(t *testing.T) {
	t.Parallel()
	const memory = 1 << 20
	f, limits, ready := boundedSearch(t, memory)
	n := 0
	for ; len(ready.pieces) == 0; n++ {
		if err := f.take(t.Context(), object(n), ready); err != nil {
			t.Fatal(err)
		}
	}
	if held := int64(n) * (piece{object(0), object(0).Key}).held(); held < memory/4 || held > memory/2+4096 {
		t.Errorf("%d bytes are held of %d", held, memory)
	}
	if len(ready.pieces) != n {
		t.Errorf("%d of %d are given", len(ready.pieces), n)
	}
	f.close()
	if !limits.Hold(memory/2 - 1) {
		t.Error("names are still held after the step")
	}
	limits.Drop(memory/2 - 1)

	last, _, ready := boundedSearch(t, memory)
	last.last = true
	var err error
	for n := 0; err == nil; n++ {
		err = last.take(t.Context(), object(n), ready)
	}
	if rolecall.CodeOf(err) != rolecall.Unavailable || !strings.Contains(err.Error(), "no memory left to hold") {
		t.Errorf("got %v", err)
	}
	last.close()
}

// The names of what is given and not begun yet are bounded by their bytes.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	f, _, ready := boundedSearch(t, 64<<20)
	defer f.close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	p := piece{object(0), object(0).Key}
	n := 0
	for ready.room.TryAcquire(p.held()) {
		ready.pieces <- p
		n++
	}
	if held := int64(n) * p.held(); held < aheadBytes/2 || held > aheadBytes {
		t.Errorf("%d bytes are queued", held)
	}
	if err := ready.add(ended, p); err == nil {
		t.Error("one more is queued")
	}
}

// Of a million objects that are set aside few are kept: those of the first keys.
func TestSetAsideIsBounded(t *testing.T) {
	t.Parallel()
	f, _, _ := boundedSearch(t, 1<<20)
	defer f.close()
	for n := 1000; n > 0; n-- {
		err := f.setAside(t.Context(), f.at.object(object(n).Key, "/files"), noName(object(n).Key, "why"))
		if err == nil {
			t.Fatal("no error")
		}
	}
	kept := f.aside.kinds["name"]
	if len(kept.first) != maxFaults || kept.more != 1000-maxFaults || kept.first[0].key != object(1).Key {
		t.Errorf("%d are kept, %d more", len(kept.first), kept.more)
	}
	list := rolecall.List(f.aside.err())
	if len(list) != maxFaults || !strings.Contains(list[maxFaults-1].Message, "(and 980 more like it)") {
		t.Errorf("%d faults, the last: %s", len(list), list[len(list)-1].Message)
	}
}
