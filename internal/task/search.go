package task

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/rolecall/rolecall/internal/transfer"
)

// search finds the objects that a step's patterns name, or its one object, in
// order of their keys, and hands them on to be moved while it still lists.
//
// Nothing is handed on before a page of a listing is found, so that most mistakes
// show before anything moves. An object that can have no name where it is to go, or
// that cannot be moved, is set aside, and so is a pattern that matches nothing:
// the others are moved, and then the error names all of them.
type search struct {
	*work
	at      side
	markers bool                                  // are objects too
	last    bool                                  // nothing is given before all is listed
	name    func(transfer.Object) (string, error) // gives what an object becomes; asked in order of the keys

	waiting []piece     // to be given; they are held
	wrong   atomic.Bool // nothing is to be moved any more
	found   Event       // Planned, of what is found so far
}

const (
	searchAhead = 10_000  // objects that are given and not begun yet
	aheadBytes  = 1 << 20 // of their names
	page        = 1000    // objects; as many as S3 lists at once
)

// move moves what is found, several at a time, and returns what is done.
func (f *search) move(ctx context.Context, work func(context.Context, piece) (int64, error)) (Outcome, error) {
	f.found = Event{Kind: Planned, More: true}
	searching, enough := context.WithCancel(ctx)
	defer enough()
	return each(ctx, f.pieces(searching), piece.size, func(ctx context.Context, p piece) (int64, error) {
		n, err := work(ctx, p)
		if err == nil {
			return n, nil
		}
		if err = f.setAside(ctx, f.at.object(p.Key, f.at.place.Pointer), err); !errors.Is(err, errAside) {
			enough() // else the failure would be noticed only with the next piece
		}
		return n, err
	})
}

// pieces yields what the search finds, and at last its error, unless that is
// only that ctx has ended.
func (f *search) pieces(ctx context.Context) iter.Seq2[piece, error] {
	return func(yield func(piece, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		ready := queue{make(chan piece, searchAhead), semaphore.NewWeighted(aheadBytes)}
		var err error
		var wait sync.WaitGroup
		wait.Go(func() {
			defer close(ready.pieces)
			if err = transfer.Safely(func() error { return f.run(ctx, ready) }); err != nil {
				f.wrong.Store(true)
			}
		})
		defer wait.Wait()
		defer cancel()
		for p := range ready.pieces {
			ready.room.Release(p.held())
			if !f.wrong.Load() && !yield(p, nil) {
				return
			}
		}
		if err != nil && ctx.Err() == nil {
			yield(piece{}, err)
		}
	}
}

// run finds all there is.
func (f *search) run(ctx context.Context, ready queue) error {
	if err := f.each(ctx, func(o transfer.Object) error { return f.take(ctx, o, ready) }); err != nil {
		return err
	}
	f.found.More = false
	f.observe(f.found)
	return f.give(ctx, ready)
}

// each yields the objects.
func (f *search) each(ctx context.Context, give func(transfer.Object) error) error {
	place := f.at.place
	if len(f.step.Files) == 0 {
		o, err := f.head(ctx, f.at, place.Key, place.Pointer)
		if err != nil {
			return err
		}
		return give(o)
	}
	sel := newSelection(f.step.Files, f.step.Exclude, prefixesOf(f.step.Files))
	heads, err := f.heads(ctx, f.at, sel)
	if err != nil {
		return err
	}
	headsBefore := func(key string) error {
		for ; len(heads) > 0 && (key == "" || heads[0].Key < key); heads = heads[1:] {
			if err := give(heads[0]); err != nil {
				return err
			}
		}
		return nil
	}
	err = f.list(ctx, f.at, sel, f.markers, func(o transfer.Object) error {
		if err := headsBefore(o.Key); err != nil {
			return err
		}
		return give(o)
	})
	if err != nil {
		return err
	}
	if err := f.unfound(ctx, sel, f.at.String()); err != nil {
		return err
	}
	return headsBefore("")
}

// take names an object, and hands it on when it is time.
func (f *search) take(ctx context.Context, o transfer.Object, ready queue) error {
	name, err := f.name(o)
	if err != nil {
		if err = f.setAside(ctx, f.at.object(o.Key, f.pointer()), err); errors.Is(err, errAside) {
			return nil
		}
		return err
	}
	if f.wrong.Load() {
		return nil
	}
	f.found.Files, f.found.Bytes = f.found.Files+1, f.found.Bytes+o.Size
	if f.found.Files > maxObjects {
		return f.tooManyObjects()
	}
	if f.found.Files%page == 0 {
		f.observe(f.found)
	}
	p := piece{o, name}
	if f.hold(p.held()) {
		if f.waiting = append(f.waiting, p); f.last || f.found.Files < page {
			return nil
		}
		return f.give(ctx, ready)
	}
	if f.last {
		return f.noRoom(f.found.Files - 1)
	}
	if err := f.give(ctx, ready); err != nil {
		return err
	}
	return ready.add(ctx, p)
}

// give hands on all that waits.
func (f *search) give(ctx context.Context, ready queue) error {
	for _, p := range f.waiting {
		if err := ready.add(ctx, p); err != nil {
			return err // what is held is dropped when the step ends
		}
		f.drop(p.held())
	}
	f.waiting = nil
	return nil
}

// queue has the pieces that are given and not begun yet.
type queue struct {
	pieces chan piece
	room   *semaphore.Weighted // for bytes of them
}

// add adds a piece when there is room for it.
func (q queue) add(ctx context.Context, p piece) error {
	if err := q.room.Acquire(ctx, p.held()); err != nil {
		return err
	}
	select {
	case q.pieces <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pointer is where the job names the objects.
func (f *search) pointer() string {
	if len(f.step.Files) == 0 {
		return f.at.place.Pointer
	}
	return f.step.FilesPointer
}
