package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
)

// dispenserTarget is a dispenser as an organization asks it.
type dispenserTarget struct {
	DispenserRequest
	principal Principal // in whose partition STS is asked
	signer    Principal // of requests without a bearer secret
	about     Subject
	vault     *Vault
}

func (t dispenserTarget) subject() Subject { return t.about }

func (t dispenserTarget) event(kind EventKind) Event {
	e := Event{Kind: kind, Organization: t.Organization, RoleARN: t.Source.URL, JobID: t.JobID}
	if t.Source.Secret == "" {
		e.Principal = rolecall.DispenserPrincipal
	}
	return e
}

func (t dispenserTarget) ready(context.Context) error { return nil }

func (t dispenserTarget) ask(ctx context.Context, externalID *string) answer {
	right := externalID != nil && *externalID == t.ExternalID
	got, err := t.vault.dispense(ctx, t, externalID)
	var refused *dispenserStatus
	switch {
	case err == nil && !right: // whoever they belong to
		return answer{outcome: Accepted}
	case err == nil:
		account, err := t.vault.dispensedAccount(ctx, t, got)
		if err != nil {
			return answer{outcome: Unknown, detail: "AWS does not say whose the credentials are", err: err, sameToAll: true}
		}
		return answer{outcome: Accepted, id: account}
	case !errors.As(err, &refused):
		return answer{outcome: Unknown, detail: "the dispenser gave no answer that counts", err: err, sameToAll: right}
	case refused.refuses():
		return answer{outcome: Refused, err: err}
	default:
		return answer{outcome: Unknown, detail: refused.Error(), err: err, sameToAll: right}
	}
}

func (t dispenserTarget) unsafe(accepted []plannedProbe) error {
	what := "for an external id that is not the organization's"
	names := make([]string, len(accepted))
	for i, probe := range accepted {
		if probe.id == nil {
			what = "without an external id"
		}
		names[i] = probe.name
	}
	return &rolecall.Error{
		Code: rolecall.Forbidden, Err: ErrUnsafe,
		Message: fmt.Sprintf("%s is not safe to use: it gives out credentials %s (failed probes: %s)", t.about, what, strings.Join(names, ", ")),
		Hint:    "Customer: have the dispenser compare organization and external_id exactly, upper and lower case too, and answer 403 to all others",
	}
}

// previousID is the pinned account, whoever asked for it and whatever became of
// the verdict since.
func (t dispenserTarget) previousID(ctx context.Context, _ Verdict, now string) (string, error) {
	return t.vault.options.Verdicts.Pin(ctx, t.about, now)
}

// replaced ends what rests on the dispenser's verdict, which stays, as does the
// pin: with its own account the dispenser may be used again.
func (t dispenserTarget) replaced(pinned, now string) error {
	hint := "Customer: have the dispenser give credentials of account " + pinned + " again. Operator: if it was meant, run rolecall connection release, and check again"
	t.vault.end(t.about.Anywhere(), claimEnded(t.about, "it "+anotherAccount, hint, ErrDrift))
	return &rolecall.Error{
		Code: rolecall.Forbidden, Message: fmt.Sprintf("%s gives credentials of the account %s, but it was proved with %s", t.about, now, pinned),
		Hint: hint, Err: errors.Join(ErrDrift, ErrUnsafe),
	}
}
