package task

import (
	"context"
	"fmt"
	"sync"

	"github.com/rolecall/rolecall/internal/transfer"
)

// ledger remembers what the steps of a job have done, so that another try of
// a step goes on where the last one ended.
type ledger struct {
	mu   sync.Mutex
	done map[string]int64 // bytes
}

func (l *ledger) find(id string) (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.done[id]
	return n, ok
}

func (l *ledger) enter(id string, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[id] = bytes
}

// once moves one file, unless an earlier try has. The version tells apart what
// has the same name but other bytes by now.
func (s *stage) once(ctx context.Context, at side, name, version string, move func() (transfer.Result, error)) (int64, error) {
	id := fmt.Sprintf("%d %q %s", s.step.Index, name, version)
	if n, ok := s.tools.ledger.find(id); ok {
		s.moved(n)
		s.observe(Event{Kind: FileDone, Name: name, Bytes: n, Reason: "an earlier try has done it"})
		return n, nil
	}
	res, err := move()
	if err != nil {
		return 0, s.fault(ctx, err, at, at.place.Pointer)
	}
	s.tools.ledger.enter(id, res.Bytes)
	e := Event{Kind: FileDone, Name: name, Bytes: res.Bytes}
	if res.Already {
		e.Reason = "it was there already, with the same bytes"
	}
	s.observe(e)
	return res.Bytes, nil
}
