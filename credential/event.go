package credential

import (
	"context"
	"fmt"
	"time"
)

// EventKind says what an event is about.
type EventKind string

// The kinds of event.
const (
	EventProbe    EventKind = "probe"    // one probe was answered
	EventProof    EventKind = "proof"    // all probes were; Passed is the verdict
	EventAssume   EventKind = "assume"   // a role was assumed for work
	EventDispense EventKind = "dispense" // a dispenser gave credentials for work, which rolecall does not narrow
	EventDrift    EventKind = "drift"    // a role or dispenser that had passed changed; Reason says how
)

// Event is something that the vault did. It holds no secret and no external
// id.
type Event struct {
	Kind         EventKind     `json:"event"`
	Time         time.Time     `json:"time"`
	Organization string        `json:"organization"`
	Principal    string        `json:"principal"`
	RoleARN      string        `json:"role_arn"` // or the dispenser's URL
	SessionName  string        `json:"session_name"`
	JobID        string        `json:"-"` // of the work that the session is for
	Probe        *Probe        `json:"probe,omitempty"`
	Passed       bool          `json:"passed,omitempty"`
	Reason       string        `json:"reason,omitempty"`
	Region       string        `json:"region,omitempty"` // whose STS assumed the role
	Policy       []byte        `json:"-"`
	Duration     time.Duration `json:"-"`
	AccessKeyID  string        `json:"access_key_id,omitempty"`
	Expires      time.Time     `json:"expires,omitzero"`
}

// report passes an event on to the program.
func (v *Vault) report(e Event) {
	e.Time = v.options.Now()
	v.options.OnEvent(e)
}

// intend calls Options.Intent.
func (v *Vault) intend(ctx context.Context, e Event) error {
	if v.options.Intent == nil {
		return nil
	}
	e.Time = v.options.Now()
	if err := v.options.Intent(ctx, e); err != nil {
		return fmt.Errorf("record a session of %s: %w", e.RoleARN, err)
	}
	return nil
}
