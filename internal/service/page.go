package service

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/store"
)

// MaxLimit is the most that a page has.
const (
	defaultLimit = 50
	MaxLimit     = 200
)

// page reads a page of the list that the filter names. Read returns what is on
// a page, and the id of each.
func page[T any](p Page, filter string, read func(store.Page) ([]T, []string, error)) (List[T], error) {
	list := List[T]{Results: []T{}}
	at, err := p.position(filter)
	if err != nil {
		return list, err
	}
	limit := at.Limit
	at.Limit++ // one more tells whether there is another page
	results, ids, err := read(at)
	if err != nil {
		return list, err
	}
	if len(results) > limit {
		results, list.Next = results[:limit], cursor(filter, ids[limit-1])
	}
	list.Results = append(list.Results, results...)
	return list, nil
}

// A cursor is the last id of a page, and a digest of the list that it is of: it
// is worth nothing for another, and nothing but a position for this one.
func cursor(filter, id string) string {
	sum := sha256.Sum256([]byte(filter))
	return id + hex.EncodeToString(sum[:4])
}

func (p Page) position(filter string) (store.Page, error) {
	limit, id, err := p.after(filter)
	if err == nil && id != "" && !job.IsID(id) {
		err = errCursor
	}
	return store.Page{Limit: limit, Before: id}, err
}

// after returns the limit, and what the page comes after; empty: nothing.
func (p Page) after(filter string) (limit int, last string, err error) {
	if limit = p.Limit; limit == 0 {
		limit = defaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		return limit, "", &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("limit %d is not between 1 and %d", p.Limit, MaxLimit), Hint: "You: leave it out for 50"}
	}
	if p.Cursor == "" {
		return limit, "", nil
	}
	last = p.Cursor[:max(0, len(p.Cursor)-digestLength)]
	if last == "" || p.Cursor != cursor(filter, last) {
		return limit, "", errCursor
	}
	return limit, last, nil
}

const digestLength = 8

var errCursor = &rolecall.Error{Code: rolecall.Invalid, Message: "the cursor is not of this list", Hint: "You: send what the page before gave as next, with the same filters"}
