package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/policy/correct"
)

// declared looks at what the connection says, without a call.
func declared(_ context.Context, w *work) finding {
	c := w.Connection
	if arn, err := rolecall.ParseRoleARN(c.RoleARN); err == nil && w.Vendor.Owns(arn.Account) {
		return failed(rolecall.LayerName, "the role is not usable", "Operator: give a role in the customer's account")
	}
	if len(w.Faults) > 0 {
		f := misdeclared(w.Faults)
		better := correct.Declaration(c)
		if patch := connectionPatch(better); better.Validate() == nil && !bytes.Equal(patch.Connection, connectionPatch(c).Connection) {
			f.patches = []rolecall.Patch{patch}
		}
		return f
	}
	switch {
	case c.Secret != "":
		return skipped(noRole)
	case c.HTTPCredentialSource != nil:
		if err := c.HTTPCredentialSource.Validate(); err != nil {
			return misdeclared(rolecall.List(err))
		}
		if w.externalID() == "" {
			return withoutID()
		}
		return passed("the dispenser's URL is well formed")
	}
	arn, err := rolecall.ParseRoleARN(c.RoleARN)
	switch {
	case err != nil:
		return misdeclared(rolecall.List(err))
	case arn.Partition != w.Principal.ARN.Partition:
		f := failed(rolecall.LayerName,
			fmt.Sprintf("the role is in the partition %s, the principal %s in %s", arn.Partition, w.Principal.Name, w.Principal.ARN.Partition),
			"You: choose a principal of the role's partition with --principal. Operator: or give a role of the principal's partition")
		if w.Remote {
			f.hint = "You: give a role of the principal's partition. Operator: or declare a principal of the role's, and its regions"
		}
		arn.Partition = w.Principal.ARN.Partition
		c.RoleARN = arn.String()
		f.patches = []rolecall.Patch{connectionPatch(c)}
		return f
	case w.externalID() == "":
		return withoutID()
	}
	w.arn = arn
	return passed("%s is the ARN of a role", c.RoleARN)
}

func withoutID() finding {
	return failed(rolecall.LayerName, "the organization has no external id", "Operator: declare external_id in the organization; credentials are asked for with an external id only")
}

// misdeclared says all that is wrong with the declaration.
func misdeclared(faults rolecall.Errors) finding {
	var messages, hints []string
	for _, e := range faults {
		messages = append(messages, e.Error())
		if e.Hint != "" && !slices.Contains(hints, e.Hint) {
			hints = append(hints, e.Hint)
		}
	}
	if len(hints) == 0 {
		hints = []string{"Operator: correct the connection in rolecall.yaml"}
	}
	return failed(rolecall.LayerName, strings.Join(messages, "; "), joined(hints...))
}

// identified asks STS whose the principal's own keys are, and looks at the
// clock.
func identified(ctx context.Context, w *work) finding {
	c, asking := w.Connection, w.role()
	switch source := c.HTTPCredentialSource; {
	case c.Secret != "":
		return skipped(noRole)
	case source != nil && source.Secret != "":
		return skipped("the dispenser takes a bearer secret: no principal")
	case source != nil:
		asking.Principal = rolecall.DispenserPrincipal
	}
	var ahead time.Duration
	var arn rolecall.ARN
	var err error
	safely.Beside(func() {
		if len(w.Faults) == 0 { // else nothing that it says leads anywhere
			ahead = w.clock(ctx)
		}
	}, func() { arn, err = w.Vault.Identify(ctx, asking) })
	if ahead.Abs() >= refusal.WrongBy {
		f := w.wrongClock(ahead)
		if err == nil { // what asks AWS here makes up for it, so that the rest can be checked
			f.result = rolecall.CheckWarn
		}
		return f
	}
	if err != nil {
		return w.fault(ctx, err)
	}
	return passed("the principal %s has credentials of its own, of %s", asking.Principal, arn)
}

// claimed says since when the organization has its claim on the role. What
// another organization has looks like a role that nobody has: see notOurs.
func claimed(ctx context.Context, w *work) finding {
	if w.Connection.Secret != "" {
		return skipped(noRole)
	}
	var err error
	if w.Connection.HTTPCredentialSource != nil {
		w.earlier, err = w.Vault.ClaimDispenser(ctx, w.request().Dispenser())
	} else {
		w.earlier, err = w.Vault.Claim(ctx, w.role())
	}
	name := w.gate().name
	switch {
	case rolecall.CodeOf(err) == rolecall.Forbidden:
		known := w.known(err)
		return failed(rolecall.LayerName, known.Message, known.Hint)
	case err != nil:
		return w.fault(ctx, err)
	case w.earlier.Passed:
		return passed("%s is this organization's, which proved it first on %s", name, w.earlier.First.UTC().Format("2006-01-02 15:04 MST"))
	}
	return passed("this organization has no claim on %s yet", name)
}

// notOurs is what a proof found that passed, but of what another organization
// has claimed. Whose it is, is the operator's to know.
func (w *work) notOurs() (finding, bool) {
	var another *credential.ClaimedError
	f := failed(rolecall.LayerName, w.gate().name+" is not usable", "Customer: give one of your own that serves nobody else. Operator: if it is, look in rolecall's log for the reason")
	if !errors.As(w.proof.err, &another) {
		return f, false
	}
	if w.Discloses {
		known := w.known(w.proof.err)
		f.message, f.hint = known.Message, known.Hint
	}
	return f, true
}

// lasts asks for a session as long as the connection's jobs do; it may do
// nothing.
func lasts(ctx context.Context, w *work) finding {
	if w.Connection.Secret != "" {
		return skipped(noRole)
	}
	if w.Connection.HTTPCredentialSource != nil {
		return dispensedLong(ctx, w)
	}
	want := long(w.place().Duration)
	_, err := w.Vault.Try(ctx, w.harmless())
	switch answer, _ := awscode.Read(err); answer.Meaning {
	case awscode.TooLongChained:
		f := w.shorter()
		f.result, f.layer = rolecall.CheckWarn, rolecall.LayerPrincipal
		f.message = fmt.Sprintf("sessions last one hour, not %s: the principal %s is a role session itself, and AWS lets no session of a session last longer", want, w.Principal.Name)
		f.hint = "Operator: declare an hour, since sessions are renewed and jobs may last longer; or give the principal the keys of a user"
		return f
	case awscode.TooLong:
		f := w.shorter()
		f.result, f.layer = rolecall.CheckFail, rolecall.LayerRole
		f.message = fmt.Sprintf("the role's maximum is shorter than the sessions of %s that the connection asks for", want)
		f.hint = "Customer: raise the role's maximum session duration. Operator: or declare less, since sessions are renewed and jobs may last longer"
		f.patches = append([]rolecall.Patch{w.longerPatch()}, f.patches...)
		return f
	}
	if err != nil {
		f := w.fault(ctx, err)
		if f.denied {
			f.message = fmt.Sprintf("the role gives a session of %s to its probes, but not one of %s", long(rolecall.MinSessionDuration), want)
		}
		return f
	}
	return passed("sessions last %s", want)
}

// shorter begins what is found where sessions cannot last as long as asked.
func (w *work) shorter() finding {
	c := w.Connection
	c.RoleSessionDurationSeconds = int(rolecall.DefaultSessionDuration.Seconds())
	return finding{patches: []rolecall.Patch{connectionPatch(c)}}
}
