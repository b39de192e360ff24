// Package check diagnoses a connection against the live account: an ordered
// list of steps, each with what is at fault and what fixes it.
//
// A check leaves nothing behind and fires no event of the customer's: writing
// is tried by multipart uploads that are aborted. A role is used only after
// its probes, as everywhere. Where AWS says whose policy refused, that is
// reported; where it is silent, what else passed narrows it down, and the
// candidates that remain are named.
//
// Which documents a connection needs is package policy's concern, proving
// roles package credential's.
package check

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/correct"
)

// Request says what to check.
type Request struct {
	ID           string // names the check's sessions, as a job's id does
	Organization rolecall.Organization
	Connection   rolecall.Connection
	Vendor       rolecall.Vendor
	Principal    rolecall.Principal // that the connection's jobs run as
	// Faults of the connection's declaration, if it was read leniently: they
	// fail the first step.
	Faults rolecall.Errors
	// Policies are documents as the account has them: they are judged, and
	// patches correct them.
	Policies []correct.Given
	Deep     bool // write and delete a real object too
	// Wait is for how long a denied positive step is tried again before it is
	// called a failure: IAM's changes take time to spread. Zero: not at all.
	Wait time.Duration
	// Discloses has the report say what only the operator may know: for a command
	// that the operator runs. See rolecall.Undisclosed.
	Discloses bool
	// Remote has hints name what a request over HTTP holds, since who asks may have
	// no command.
	Remote bool
	Log    *slog.Logger // nil: none
}

// EventKind is what an Event is about.
type EventKind string

// The kinds of event.
const (
	Started  EventKind = "started"
	Retrying EventKind = "retrying" // denied, and tried again after Pause
	Ended    EventKind = "ended"
)

// Event reports how a step goes. Ended events come in the order of the steps.
type Event struct {
	Kind  EventKind
	Step  string
	Pause time.Duration
	Ended rolecall.CheckStep
}

// finding is what a step found.
type finding struct {
	result     rolecall.CheckResult
	layer      rolecall.CheckLayer
	candidates []rolecall.CheckLayer
	// further are candidates that likelier ones left no room for: the hint
	// names them, and their patches come last.
	further     []rolecall.CheckLayer
	message     string
	hint        string
	cautionHint string           // said behind the hint, whatever documents say
	patches     []rolecall.Patch // the likeliest first
	objectKeys  []string         // of the objects that are known
	denied      bool             // by AWS, so that trying again may help
	denial      policy.Denial    // what AWS said of it
	// suspects are the kinds of documents that may refuse.
	suspects []policy.Kind
}

// passed is what a step found that found nothing wrong.
func passed(format string, args ...any) finding {
	return finding{result: rolecall.CheckPass, message: fmt.Sprintf(format, args...)}
}

// failed is what a step found that knows what is at fault.
func failed(layer rolecall.CheckLayer, message, hint string) finding {
	return finding{result: rolecall.CheckFail, layer: layer, message: message, hint: hint}
}

// joined is the hint of several, one after the other.
func joined(hints ...string) string {
	return strings.Join(slices.DeleteFunc(hints, func(h string) bool { return h == "" }), ". ")
}

// actor is who has documents of a kind, as hints name them.
func actor(kind policy.Kind) string {
	if kind == policy.WorkerDocument {
		return "Operator"
	}
	return "Customer"
}

// skipped says why a step has no meaning here.
func skipped(format string, args ...any) finding {
	return finding{result: rolecall.CheckSkip, message: fmt.Sprintf(format, args...)}
}

// counted writes a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// long writes a duration without what is zero of it.
func long(d time.Duration) string {
	s := d.String()
	if trimmed, ok := strings.CutSuffix(s, "m0s"); ok {
		s = trimmed + "m"
	}
	if trimmed, ok := strings.CutSuffix(s, "h0m"); ok {
		s = trimmed + "h"
	}
	return s
}

const noRole = "static keys: no role"

const onlyRead = "a source is only read"

func named(e rolecall.Encryption) string {
	if e.Key != "" {
		return e.Type + " under " + e.Key
	}
	return cmp.Or(e.Type, "nothing")
}

// fullControl makes what is written the bucket owner's, whatever the
// bucket's setting.
const fullControl = "bucket-owner-full-control"

// question is what S3 was asked.
type question struct {
	verb    string // after "S3 refuses to"
	action  string // that S3 needs for it
	key     string // of the object
	missing bool   // it may be that there is none
	// opened says that S3 let another question on the same bucket pass, so that
	// not everything is refused.
	opened bool
}
