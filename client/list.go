package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
)

// Page asks for a part of a list.
type Page struct {
	Limit  int    // 0: 50; at most 200
	Cursor string // Next of the page before; empty: the first
}

func (p Page) query() url.Values {
	out := url.Values{}
	if p.Limit != 0 {
		out.Set("limit", strconv.Itoa(p.Limit))
	}
	if p.Cursor != "" {
		out.Set("cursor", p.Cursor)
	}
	return out
}

// List is a page of a list, the newest first. Next is empty on the last.
type List[T any] struct {
	Results []T    `json:"results"`
	Next    string `json:"next,omitempty"`
}

// Each goes over all pages of a list, and ends with an error if one cannot be
// read:
//
//	for o, err := range client.Each(ctx, c.Organizations) { … }
func Each[T any](ctx context.Context, list func(context.Context, Page) (List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for p := (Page{Limit: 200}); ; {
			page, err := list(ctx, p)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, one := range page.Results {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == "" || page.Next == p.Cursor {
				return
			}
			p.Cursor = page.Next
		}
	}
}
