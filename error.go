package rolecall

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// Code classifies an error for whoever must act on it.
type Code string

// The codes of every error that rolecall shows.
const (
	Invalid         Code = "invalid"         // the input is wrong and will stay wrong
	NotFound        Code = "not_found"       // it does not exist, or is another organization's
	Conflict        Code = "conflict"        // it conflicts with what exists
	Unauthenticated Code = "unauthenticated" // the credentials are missing, wrong or expired
	Forbidden       Code = "forbidden"       // a policy, here or at AWS, refuses it
	Unavailable     Code = "unavailable"     // not reachable or overloaded; trying later may help
	Internal        Code = "internal"        // a fault of rolecall's own
)

// Error is the one form of error that users see, everywhere.
//
// Pointer is a JSON pointer (RFC 6901) into the document that the user gave,
// or empty. Message says what is wrong, Hint what to do and who must do it.
// Err is the cause for logs and errors.Is; it is never shown to a user.
type Error struct {
	Code    Code   `json:"code"`
	Pointer string `json:"pointer,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Err     error  `json:"-"`
}

// Error returns the message with its place, without the hint.
func (e *Error) Error() string {
	if e.Pointer == "" {
		return e.Message
	}
	return e.Pointer + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Undisclosed is a cause that the operator may know and a tenant may not, such as
// where an address leads or whose a role is. It is among the causes of an
// Error, which a command that the operator runs shows by Disclosed.
type Undisclosed struct {
	Message string // what the error's message does not say
	Hint    string // in place of the error's
	Err     error
}

// Error returns the message.
func (u *Undisclosed) Error() string { return u.Message }

// Unwrap returns the cause.
func (u *Undisclosed) Unwrap() error { return u.Err }

// Disclosed returns the errors as the operator may know them.
func (es Errors) Disclosed() Errors {
	out := make(Errors, len(es))
	for i, e := range es {
		out[i] = e
		if u := (*Undisclosed)(nil); errors.As(e.Err, &u) {
			known := *e
			known.Message, known.Hint = e.Message+"; "+u.Message, u.Hint
			out[i] = &known
		}
	}
	return out
}

// Errors is a list of faults found together. The nil list is no error; use
// Err to turn a list into an error value.
type Errors []*Error

// Error returns the messages, one a line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors of the list, for errors.Is and errors.As.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// Err returns the list, or nil if it is empty.
func (es Errors) Err() error {
	if len(es) == 0 {
		return nil
	}
	return es
}

// maxErrors is the longest list: more faults would not help anyone.
const maxErrors = 1000

// Add appends a fault with code Invalid at the pointer.
func (es *Errors) Add(pointer, message, hint string) {
	es.add(&Error{Code: Invalid, Pointer: pointer, Message: message, Hint: hint})
}

func (es *Errors) add(e *Error) {
	switch {
	case len(*es) < maxErrors:
		*es = append(*es, e)
	case len(*es) == maxErrors:
		*es = append(*es, &Error{Code: Invalid, Message: "there are more faults than these", Hint: "You: fix these first"})
	}
}

// AddErr appends err's faults, each with its pointer set below the given one.
func (es *Errors) AddErr(pointer string, err error) {
	for _, e := range List(err) {
		under := *e
		under.Pointer = pointer + e.Pointer
		es.add(&under)
	}
}

// Merge appends those of later whose place has no fault yet: a value of the
// wrong type is not also reported as missing.
func (es Errors) Merge(later Errors) Errors {
	known := es
	for _, e := range later {
		covered := false
		for _, k := range known {
			covered = covered || k.Pointer != "" && (e.Pointer == k.Pointer || strings.HasPrefix(e.Pointer, k.Pointer+"/"))
		}
		if !covered {
			es = append(es, e)
		}
	}
	return es
}

// In returns the faults of a document with its name, and each with the line that
// it is in, before their messages.
func (es Errors) In(document string, lines strict.Lines) Errors {
	out := make(Errors, len(es))
	for i, e := range es {
		named := *e
		if line := lines.Of(e.Pointer); line > 0 {
			named.Message = fmt.Sprintf("%s, line %d: %s", document, line, e.Message)
		} else if e.Pointer != "" || e.Code == Invalid {
			named.Message = document + ": " + e.Message
		}
		out[i] = &named
	}
	return out
}

// List returns err as the list that users see. An error that is not one of
// ours becomes one of code Internal, whose text does not reach the user.
func List(err error) Errors {
	if err == nil {
		return nil
	}
	var list Errors
	if errors.As(err, &list) {
		return list
	}
	var one *Error
	if errors.As(err, &one) {
		return Errors{one}
	}
	return Errors{{Code: Internal, Message: "internal error", Hint: "You: report this as a fault of rolecall's, with the log", Err: err}}
}

// CodeOf returns the code of the first Error in err's chain, or Internal if
// there is none. It is empty for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return List(err)[0].Code
}
