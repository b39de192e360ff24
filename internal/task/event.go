package task

import "github.com/rolecall/rolecall"

// Kind is what an Event is about.
type Kind string

// The kinds of event.
const (
	Authorized Kind = "authorized" // an end of the step has its credential's scope: Place, and Role, Session, Policy or Dispenser
	Planned    Kind = "planned"    // what will move, as far as it is known: Files, Bytes; and More, as long as it may grow
	Moved      Kind = "moved"      // Bytes more have moved
	Kept       Kind = "kept"       // Bytes of those that Moved tells of are an earlier try's or run's
	FileDone   Kind = "file_done"  // Name with its Bytes is done
	Skipped    Kind = "skipped"    // Name is left out, for the Reason
	Unused     Kind = "unused"     // Name is an entry of exclude that left nothing out
	Waiting    Kind = "waiting"    // nothing happens for a while: Reason says what is waited for; with a Note, what was waited for
	Lost       Kind = "lost"       // Name is done, but not all of it could be kept, for the Reason; tags are reported once
)

// Event is something that happened in a step, for progress bars and for the
// story of a job.
type Event struct {
	Kind      Kind
	Note      rolecall.NoteKind // that Name and Reason are, for the task's report; empty: none
	Name      string            // key or file
	Files     int
	Bytes     int64
	More      bool
	Reason    string
	Place     string // s3://bucket/key
	Role      string // ARN; empty where a secret or dispenser authorizes
	Dispenser string // URL; the sessions that it gives are not narrowed here
	Session   string // name of the role session, as the customer's CloudTrail shows it
	Policy    []byte // session policy
}

// Outcome is what a step did.
type Outcome struct {
	Files int
	Bytes int64
}
