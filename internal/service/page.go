package service

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/store"
)

// The limits of a page.
const (
	defaultLimit = 50
	maxLimit     = 200
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
	at := store.Page{Limit: p.Limit}
	if at.Limit == 0 {
		at.Limit = defaultLimit
	}
	if at.Limit < 1 || at.Limit > maxLimit {
		return at, &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("limit %d is not between 1 and %d", p.Limit, maxLimit), Hint: "You: leave it out for 50"}
	}
	if p.Cursor != "" {
		const digest = 8
		id := p.Cursor[:max(0, len(p.Cursor)-digest)]
		if !job.IsID(id) || p.Cursor != cursor(filter, id) || strings.TrimSpace(id) == "" {
			return at, &rolecall.Error{Code: rolecall.Invalid, Message: "the cursor is not of this list", Hint: "You: send what the page before gave as next, with the same filters"}
		}
		at.Before = id
	}
	return at, nil
}
