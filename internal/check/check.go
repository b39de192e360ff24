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
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
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
	Log  *slog.Logger // nil: none
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
	further []rolecall.CheckLayer
	message string
	hint    string
	caution string           // said behind the hint, whatever documents say
	patches []rolecall.Patch // the likeliest first
	denied  bool             // by AWS, so that trying again may help
	denial  policy.Denial    // what AWS said of it
}

// passed is what a step found that found nothing wrong.
func passed(format string, args ...any) finding {
	return finding{result: rolecall.CheckPass, message: fmt.Sprintf(format, args...)}
}

// failed is what a step found that knows what is at fault.
func failed(layer rolecall.CheckLayer, message, hint string) finding {
	return finding{result: rolecall.CheckFail, layer: layer, message: message, hint: hint}
}

// skipped says why a step has no meaning here.
func skipped(format string, args ...any) finding {
	return finding{result: rolecall.CheckSkip, message: fmt.Sprintf(format, args...)}
}

// step is one step of a check. It runs as soon as those that it names have
// ended, beside others.
type step struct {
	name  string
	needs []string // steps without which it cannot run: it is skipped when one failed, or was skipped for that
	after []string // steps that it only waits for
	// always runs it after a cancellation too: it cleans up.
	always bool
	run    func(ctx context.Context, w *work) finding
}

// steps are all steps of a check, in the order in which it reports them.
func steps() []step {
	order, all := rolecall.CheckSteps(), append(roleSteps(), bucketSteps()...)
	slices.SortFunc(all, func(a, b step) int { return slices.Index(order, a.name) - slices.Index(order, b.name) })
	return all
}

// work is one check under way: what is asked, and what its steps have learnt.
// A step writes only what it alone finds out, and reads only what steps found
// that it needs or comes after; so there is nothing to lock.
type work struct {
	Request
	*access.Access

	roleWork
	bucketWork
}

// request asks for access to the connection's place as its jobs do.
func (w *work) request(operations ...policy.Operation) access.Request {
	r := access.Request{
		Organization: w.Organization.APIName, Principal: w.Principal, ID: w.ID, Label: "check", TaskID: "check", Tool: rolecall.StorageGet,
		Place: w.place(), Operations: operations, Attempts: attempts,
	}
	if slices.Contains(operations, policy.Write) {
		r.Tool = rolecall.StoragePut
	}
	return r
}

// place is the connection's, with the region that was found.
func (w *work) place() rolecall.Place {
	p := w.Organization.PlaceOf(w.Connection)
	p.Region = cmp.Or(w.region, p.Region)
	p.Revision = w.ID // each check takes credentials of its own
	return p
}

// externalID is that of work on the connection.
func (w *work) externalID() string { return w.Organization.ExternalIDFor(w.Connection) }

// role asks for a session of the connection's role, as its jobs do; what the
// session may do is left to say. Steps that ask come after the one that finds
// the bucket: STS is asked near it.
func (w *work) role() credential.Role { return w.request().Role() }
