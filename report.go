package rolecall

import "fmt"

// Status is the state of a job or a task. The numbers are part of the API.
type Status int

// The statuses. WaitingForResources and ResourceTerminated are temporary: no
// worker fits yet; a worker died and another takes over.
const (
	Submitted           Status = 0
	InProgress          Status = 1
	Completed           Status = 2
	Failed              Status = 3
	Aborted             Status = 4
	WaitingForResources Status = 5
	ResourceTerminated  Status = 6
)

// String returns the status as people read it.
func (s Status) String() string {
	texts := [...]string{"Submitted", "In progress", "Completed", "Failed", "Aborted", "Waiting for resources", "Resource terminated"}
	if s < 0 || int(s) >= len(texts) {
		return fmt.Sprintf("Status %d", int(s))
	}
	return texts[s]
}

// JobReport is the state of a job, as `run` prints it and the API returns it.
type JobReport struct {
	ID         string       `json:"id"`
	Status     Status       `json:"status"`
	StatusText string       `json:"status_text"`
	Tags       []string     `json:"tags"`
	Tasks      []TaskReport `json:"tasks"`
	Errors     Errors       `json:"errors"`
}

// TaskReport is the state of a task.
type TaskReport struct {
	Index      int    `json:"index"`
	Name       string `json:"name,omitempty"`
	Tool       string `json:"tool"`
	Status     Status `json:"status"`
	StatusText string `json:"status_text"`
	Files      int    `json:"files"`
	Bytes      int64  `json:"bytes"`
	Timeout    int    `json:"timeout_seconds"` // of each attempt
	Notes      []Note `json:"notes"`
	Errors     Errors `json:"errors"`
}

// NoteKind says what a note is about.
type NoteKind string

// The kinds of notes.
const (
	Skipped          NoteKind = "skipped"           // the object or file was left out
	Lost             NoteKind = "lost"              // it is done, but not all of it could be kept
	Kept             NoteKind = "kept"              // an earlier try or run had moved it, or a part of it
	AlreadyDelivered NoteKind = "already_delivered" // it was there already, with the same bytes
	Unused           NoteKind = "unused"            // the entry of exclude left nothing out
	Waited           NoteKind = "waited"            // nothing happened for longer than three seconds
	Retried          NoteKind = "retried"           // a try failed, and another followed
)

// Note says what is worth knowing of a task, beside how it ended. Of each kind a
// task has MaxNotes at most; a last one without a key says how many more there are.
type Note struct {
	Kind    NoteKind `json:"kind"`
	Key     string   `json:"key"` // of the object, or the file's name; empty: the note is about all
	Message string   `json:"message"`
}

// MaxNotes is how many notes of a kind a task's report has.
const MaxNotes = 1000
