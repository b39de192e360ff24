package task

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
)

// What is waited for is said after three seconds in which nothing happens, and
// again when it has been twice as long, with the attempts that failed; its end
// becomes a note.
func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // whose clock is a fake one
		var mu sync.Mutex // guards got
		var got []Event
		w := startWait("S3", func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, e)
		})
		time.Sleep(2 * time.Second)
		w.happened()
		w.on("STS")
		time.Sleep(4 * time.Second)
		w.retried(errors.New("connection refused"))
		w.retried(&smithy.GenericAPIError{Code: "SlowDown"})
		time.Sleep(3 * time.Second)
		w.on("the transfers")
		time.Sleep(2 * time.Second)
		w.stop()
		want := []Event{
			{Kind: Waiting, Reason: "waiting 3s for STS"},
			{Kind: Waiting, Reason: "waiting 6s for STS; 2 attempts failed, the last with SlowDown"},
			{Kind: Waiting, Note: rolecall.Waited, Reason: "waited 7s for STS; 2 attempts failed, the last with SlowDown"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
