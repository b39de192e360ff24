// Package check diagnoses a connection against the live account: an ordered
// list of steps, each with what is at fault and what mends it.
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
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
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
	Deep   bool // write and delete a real object too
	// Wait is for how long a denied positive step is tried again before it is
	// called a failure: IAM's changes take time to spread. Zero: not at all.
	Wait time.Duration
}

// Environment is what a check works with.
type Environment struct {
	Vault      *credential.Vault
	S3Endpoint string         // the operator's; empty: AWS's
	Allow      []netip.Prefix // addresses, beside public ones, that a tenant's endpoint may have
	Log        *slog.Logger   // nil: none
}

// EventKind tells what an Event is about.
type EventKind string

// The kinds of event.
const (
	Started  EventKind = "started"
	Retrying EventKind = "retrying" // denied, and tried again after Pause
	Ended    EventKind = "ended"
)

// Event tells how a step goes. Ended events come in the order of the steps.
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
	message    string
	hint       string
	patches    []rolecall.Patch // the likeliest first
	denied     bool             // by AWS, so that trying again may help
}

// step is one step of a check.
type step struct {
	name  string
	after []string // steps whose ends it needs
	run   func(ctx context.Context, w *work) finding
}

// work is one check under way: what is asked, and what its steps have learnt.
type work struct {
	Request
	Environment
}
