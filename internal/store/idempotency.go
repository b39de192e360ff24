package store

import (
	"context"
	"time"
)

// Answer is a kept answer to a request.
type Answer struct {
	Key    string // names the request
	Body   string // digest of what was sent
	Answer string
}

// Kept returns the answer that is kept under the key since that time or later,
// or ErrNone.
func (t *Tx) Kept(ctx context.Context, key string, since time.Time) (Answer, error) {
	a := Answer{Key: key}
	err := t.one(ctx, `SELECT body, answer FROM idempotency WHERE key = $1 AND created >= $2`, []any{key, toMicros(since)}, &a.Body, &a.Answer)
	return a, err
}

// Keep keeps an answer.
func (t *Tx) Keep(ctx context.Context, a Answer) error {
	_, err := t.exec(ctx, `INSERT INTO idempotency (key, body, answer, created) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET body = excluded.body, answer = excluded.answer, created = excluded.created`, a.Key, a.Body, a.Answer, toMicros(t.Now()))
	return err
}
