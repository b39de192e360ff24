package service

import (
	"testing"
	"testing/synctest"
	"time"
)

// Of one actor's refusals so many are on record, and the next one says how many
// are not; others' go on.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, kept := newRefusals(), 0
		for range 3 * refusalsAtOnce {
			if _, ok := r.reason("a", "no"); ok {
				kept++
			}
		}
		if _, ok := r.reason("b", "no"); kept != refusalsAtOnce || !ok {
			t.Errorf("%d are on record, and of another: %v", kept, ok)
		}
		time.Sleep(5 * time.Second) // of the bubble's fake clock
		if got, ok := r.reason("a", "no"); !ok || got != "no (and 200 refusals before it are not on record)" {
			t.Errorf("%q, %v", got, ok)
		}
		time.Sleep(5 * time.Second) // of the bubble's fake clock
		if got, ok := r.reason("a", "no"); !ok || got != "no" {
			t.Errorf("%q, %v", got, ok)
		}
	})
}
