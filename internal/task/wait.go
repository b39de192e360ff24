package task

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/internal/transfer"
)

// longWait is for how long nothing happens before it is said what is waited for.
const longWait = 3 * time.Second

// wait is what a step waits for while nothing happens in it. Use startWait.
type wait struct {
	observe func(Event)
	stop    func() // ends it, and waits for its goroutine

	mu      sync.Mutex
	what    string    // that is waited for
	since   time.Time // nothing has happened
	said    bool      // that it is waited
	retries int       // since then
	last    string    // how the last attempt ended
}

// startWait watches a step whose events go to observe.
func startWait(what string, observe func(Event)) *wait {
	w := &wait{observe: observe, what: what, since: time.Now()}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for next := longWait; ; {
			timer := time.NewTimer(next)
			select {
			case <-quit:
				timer.Stop()
				return
			case <-timer.C:
				err := safely.Do(func() error {
					next = w.look()
					return nil
				})
				if err != nil {
					return // whoever hears of it is at fault, not the step
				}
			}
		}
	}()
	w.stop = sync.OnceFunc(func() {
		close(quit)
		<-ended
		w.happened()
	})
	return w
}

// look says what is waited for, if it was long, and returns when to look again.
func (w *wait) look() time.Duration {
	w.mu.Lock()
	waited := time.Since(w.since)
	if waited < longWait {
		w.mu.Unlock()
		return longWait - waited
	}
	w.said = true
	reason := w.words("waiting", waited)
	w.mu.Unlock()
	w.observe(Event{Kind: Waiting, Reason: reason})
	return waited // twice as long as it was
}

func (w *wait) words(verb string, waited time.Duration) string {
	out := fmt.Sprintf("%s %v for %s", verb, waited.Round(time.Second), w.what)
	if w.retries > 0 {
		out += fmt.Sprintf("; %d attempts failed, the last with %s", w.retries, w.last)
	}
	return out
}

// on says what is waited for from now on.
func (w *wait) on(what string) {
	w.happened()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.what = what
}

// happened ends a wait. One that was long becomes a note.
func (w *wait) happened() {
	w.mu.Lock()
	said, reason := w.said, ""
	if said {
		reason = w.words("waited", time.Since(w.since))
	}
	w.said, w.since, w.retries = false, time.Now(), 0
	w.mu.Unlock()
	if said {
		w.observe(Event{Kind: Waiting, Note: rolecall.Waited, Reason: reason})
	}
}

// retried counts an attempt that failed and is made again.
func (w *wait) retried(err error) {
	answer, _ := awscode.Read(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retries++
	if w.last = awscode.Shown(answer.Code); w.last == "" {
		w.last = "no answer"
	}
}

// watch returns the step's context and observer with what is waited for told.
func (s *work) watch(ctx context.Context, observe func(Event)) context.Context {
	s.wait = startWait("the step to begin", observe)
	s.observe = func(e Event) {
		s.wait.happened()
		observe(e)
	}
	return transfer.WithRetries(ctx, s.wait.retried)
}
