package demo

import (
	"context"
	"slices"
	"sync"

	"github.com/rolecall/rolecall/credential"
)

// vaultLog records the vault's events in order.
type vaultLog struct {
	mu     sync.Mutex
	events []credential.Event
}

func (l *vaultLog) add(e credential.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// byRole returns the events of one role.
func (l *vaultLog) byRole(role string) []credential.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.events), func(e credential.Event) bool { return e.RoleARN != role })
}

// roles records how each role of the job was proved and assumed: the probes as
// the vault made them, the sessions as STS issued them.
func (d *demo) roles(context.Context) error {
	for _, step := range d.plan.Steps {
		role := Role{ARN: step.Place.RoleARN, Principal: d.plan.Principal.Name}
		proved := false
		for _, e := range d.vaultLog.byRole(role.ARN) {
			switch e.Kind {
			case credential.EventProbe:
				d.expect(!proved, "a role was assumed before its probes had passed")
				role.Probes = append(role.Probes, *e.Probe)
			case credential.EventProof:
				proved = e.Passed
			case credential.EventAssume:
				d.expect(proved, "a role was assumed without a passing proof")
				role.SessionName, role.Policy = e.SessionName, e.Policy
			}
		}
		for _, e := range d.server.Trail() {
			if e.AssumeRole != nil && e.Resource == role.ARN && e.AssumeRole.SessionPolicy == string(role.Policy) && e.ErrorCode == "" {
				role.Calls++
				d.expect(e.AssumeRole.HasExternalID && e.AssumeRole.SessionName == role.SessionName, "STS saw another session than the job's")
			}
		}
		d.expect(proved && role.Calls > 0, "the role "+role.ARN+" was not proved and assumed")
		d.story.Roles = append(d.story.Roles, role)
	}
	return nil
}
