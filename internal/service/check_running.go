package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/store"
)

// checks are those that run here, by id.
type checks struct {
	mu      sync.Mutex
	running map[string]*running
}

// What the checks of an organization that run at once may take: how many they
// are, and how large the policies that they were given are together.
const (
	maxChecks   = 50
	maxPolicies = 2 << 20
)

// add adds a check, unless its organization's checks would be too many.
func (c *checks) add(id string, r *running) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, size := 1, r.policies
	for other, o := range c.running {
		if other != id && o.checked.Organization == r.checked.Organization {
			n, size = n+1, size+o.policies
		}
	}
	switch {
	case n > maxChecks && !r.declared:
		return tooManyChecks(fmt.Sprintf("%d checks of the organization run already", maxChecks))
	case r.policies > 0 && size > maxPolicies:
		return tooManyChecks("checks of the organization with large policies run already")
	}
	c.running[id] = r
	return nil
}

func tooManyChecks(message string) error {
	return &TooManyError{After: 10 * time.Second, Err: &rolecall.Error{Code: rolecall.Unavailable, Message: message, Hint: "You: wait for one of them to end"}}
}

func (c *checks) get(id string) *running {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running[id]
}

// set sets what runs under the id; nil: nothing any more.
func (c *checks) set(id string, r *running) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r == nil {
		delete(c.running, id)
		return
	}
	c.running[id] = r
}

// all returns those that run.
func (c *checks) all() []*running {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.running))
}

// running is a check that runs.
type running struct {
	checked  subject // as it was when it began
	call     Call    // that began it
	policies int     // bytes of those that it was given
	declared bool    // the service itself checks what the config declares

	mu      sync.Mutex
	stop    context.CancelFunc // nil: it does not run yet
	stopped bool
	stored  store.Check
	changed chan struct{} // closed when stored changes
}

// mayStop gives the function that stops it.
func (r *running) mayStop(stop context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop = stop; r.stopped {
		stop()
	}
}

// end stops it, now or when it is to run.
func (r *running) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped = true; r.stop != nil {
		r.stop()
	}
}

func (r *running) update(change func(*store.Check)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.stored)
	close(r.changed)
	r.changed = make(chan struct{})
}

// now returns how far the check is, and what is closed when it is further.
func (r *running) now() (store.Check, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stored := r.stored
	stored.Report.Steps = append([]rolecall.CheckStep{}, stored.Report.Steps...)
	return stored, r.changed
}
