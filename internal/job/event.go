package job

import (
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/task"
)

// Kind says what an Event is about.
type Kind string

// The kinds of event.
const (
	Started  Kind = "started"  // a task begins its Try
	Progress Kind = "progress" // see Progress
	Noted    Kind = "noted"    // the task's report has Note
	Retrying Kind = "retrying" // the Try ended with Errors that may pass; the next begins after Wait
	Ended    Kind = "ended"    // see Report
)

// Event is something that happened in a job. Events come one at a time, in
// the order in which they happened.
type Event struct {
	Kind     Kind
	Task     int // its index in the job
	Try      int // from 1
	Progress task.Event
	Note     rolecall.Note
	Errors   rolecall.Errors
	Wait     time.Duration
	Report   rolecall.TaskReport
}
