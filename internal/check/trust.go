package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

// with returns the probes whose names begin so and that ended so.
func (p proof) with(name string, outcomes ...credential.Outcome) []string {
	var out []string
	for _, probe := range p.verdict.Probes {
		if strings.HasPrefix(probe.Name, name) && slices.Contains(outcomes, probe.Outcome) {
			out = append(out, probe.Name)
		}
	}
	return out
}

// detail is what was said of a probe.
func (p proof) detail(name string) string {
	for _, probe := range p.verdict.Probes {
		if probe.Name == name {
			return probe.Detail
		}
	}
	return ""
}

// loose reports whether the role takes an external id that is not the right one.
// Then it is there, and the principal may assume it.
func (p proof) loose() bool {
	return len(p.with(credential.ProbeAbsent, credential.Accepted))+len(p.with(credential.ProbeRandom, credential.Accepted))+len(p.with(credential.ProbeNear, credential.Accepted)) > 0
}

// assumed proves the role and reports whether it takes the right external id.
func assumed(ctx context.Context, w *work) finding {
	if w.Connection.Secret != "" {
		return finding{
			result: rolecall.CheckWarn, message: "static keys: they cannot be limited to a task, nor end with it",
			hint: "Customer: make a role; it gives each task a session of its own, which can do just what the task needs",
		}
	}
	if w.Connection.HTTPCredentialSource != nil {
		return dispensed(ctx, w)
	}
	if f, unfit := w.unfit(); unfit {
		return f
	}
	w.proof.verdict, w.proof.err = w.Vault.Prove(ctx, w.role())
	if f, isAnothers := w.notOurs(); isAnothers {
		return f
	}
	p := w.proof
	recreated := p.err == nil && w.earlier.Passed && w.earlier.RoleID != p.verdict.RoleID
	w.drift = w.drift || recreated || errors.Is(p.err, credential.ErrDrift)
	switch {
	case recreated:
		return finding{
			result: rolecall.CheckWarn, layer: rolecall.LayerRole, message: "the role is another than the one that was proved before: it was deleted and made again",
			hint: "Customer: say whether that was meant; what still worked with the old one has been stopped",
		}
	case p.err == nil, len(p.with(credential.ProbeRightAgain, credential.Accepted)) > 0: // what else is wrong, other steps report
		return passed("%s assumes the role with the external id", w.Principal.ARN)
	case len(p.with(credential.ProbeRight, credential.Refused)) > 0: // or the second of them
		return w.refusal(p.err)
	default:
		return w.fault(ctx, p.err)
	}
}

func refusesAbsent(ctx context.Context, w *work) finding {
	return w.refuses(ctx, credential.ProbeAbsent, "without an external id")
}

func refusesRandom(ctx context.Context, w *work) finding {
	return w.refuses(ctx, credential.ProbeRandom, "with an external id that has nothing of the right one")
}

func refusesNear(ctx context.Context, w *work) finding {
	return w.refuses(ctx, credential.ProbeNear, "with an external id that is like the right one")
}

// gate is what the probes are at, in words.
type gate struct{ name, open, shut string }

func (w *work) gate() gate {
	if w.Connection.HTTPCredentialSource != nil {
		return gate{"the dispenser", "the dispenser gives credentials", "the dispenser gives no credentials"}
	}
	return gate{"the role", "the role can be assumed", "the role cannot be assumed"}
}

// refuses reports whether the probes of that name were refused.
func (w *work) refuses(ctx context.Context, name, how string) finding {
	accepted := w.proof.with(name, credential.Accepted)
	unknown := w.proof.with(name, credential.Unknown)
	refused := w.proof.with(name, credential.Refused)
	at := w.gate()
	switch {
	case w.Connection.Secret != "":
		return skipped(noRole)
	case len(accepted) > 0:
		f := w.untrusting(at.open + " " + how)
		if name == credential.ProbeNear {
			f.message += " (" + enumerate(accepted, len(w.proof.verdict.Probes)) + ")"
		}
		return f
	case len(unknown) > 0:
		f := w.unproved(ctx)
		if errors.Is(w.proof.err, credential.ErrUnsafe) { // by another probe
			f = failed(rolecall.LayerNetwork, w.proof.detail(unknown[0]), "You: fix what else is wrong, and check again")
		}
		f.message = fmt.Sprintf("it is not known whether %s %s: %s", at.open, how, f.message)
		return f
	case len(refused) == 0:
		return skipped("not reached: %s was not asked", at.name)
	case len(w.proof.with(credential.ProbeRightAgain, credential.Accepted)) == 0:
		return skipped("not told: %s refuses the right external id as well", at.name)
	case name == credential.ProbeNear:
		return passed("%s refuses %d that are like the right one", at.name, len(refused))
	}
	return passed("%s %s", at.shut, how)
}

// unproved says why the probes prove nothing.
func (w *work) unproved(ctx context.Context) finding {
	if w.Connection.HTTPCredentialSource != nil {
		return w.dispenserFault(ctx, w.proof.err)
	}
	return w.fault(ctx, w.proof.err)
}

// enumerate names the probes, unless they are many.
func enumerate(probes []string, of int) string {
	if len(probes) > maxNamed {
		return fmt.Sprintf("%d of %d probes", len(probes), of)
	}
	return strings.Join(probes, ", ")
}

const maxNamed = 4

// lets says what in a trust policy lets wrong external ids pass.
func (p proof) lets() string {
	near := p.with(credential.ProbeNear, credential.Accepted)
	absent, random := len(p.with(credential.ProbeAbsent, credential.Accepted)) > 0, len(p.with(credential.ProbeRandom, credential.Accepted)) > 0
	switch {
	case absent && random:
		return "the trust policy does not ask for an external id"
	case absent:
		return "an operator with IfExists, or a second statement, lets calls without an external id pass"
	case random:
		return "the trust policy asks for some external id, whichever it is"
	case len(near) == 0:
		return ""
	case !slices.ContainsFunc(near, func(name string) bool { return !strings.HasPrefix(name, credential.ProbeRetired) }):
		return "the trust policy still takes the organization's external id from before the last change, which has to be removed now"
	case slices.Equal(near, []string{credential.ProbeNearCase}):
		return "an operator that ignores case, such as StringEqualsIgnoreCase, lets the same id in another case pass"
	}
	return "an operator with a wildcard, such as StringLike, lets ids like the right one pass"
}

// untrusting is found where the trust policy is at fault and nothing else.
func (w *work) untrusting(message string) finding {
	if w.Connection.HTTPCredentialSource != nil {
		return failed(rolecall.LayerTrust, message,
			"Customer: have the dispenser compare organization and external_id exactly, upper and lower case too, and answer 403 to all others")
	}
	if lets := w.proof.lets(); lets != "" {
		message += "; " + lets
	}
	f := failed(rolecall.LayerTrust, message,
		"Customer: correct the trust policy, so that no other customer of this service can reach the role; keep right statements for other callers")
	f.patches, f.suspects = w.patch(policy.TrustDocument, ""), []policy.Kind{policy.TrustDocument}
	return f
}

// refusal finds out who refuses the right external id.
func (w *work) refusal(err error) finding {
	if w.proof.loose() {
		f := w.untrusting("the role refuses the organization's external id, and takes others")
		f.denied = true
		return f
	}
	f := w.refused(err)
	if w.earlier.Passed && len(f.candidates) > 0 {
		f.message += "; it could once, so that somebody changed something"
	}
	return f
}
