package check

import (
	"context"
	"errors"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// dispensed proves the connection's dispenser and reports whether it takes the
// right external id.
func dispensed(ctx context.Context, w *work) finding {
	w.proof.verdict, w.proof.err = w.Vault.ProveDispenser(ctx, w.request().Dispenser())
	if f, isAnothers := w.notOurs(); isAnothers {
		return f
	}
	p := w.proof
	w.drift = w.drift || errors.Is(p.err, credential.ErrDrift)
	switch refused := len(p.with(credential.ProbeRight, credential.Refused)) > 0; {
	case p.err == nil:
		return passed("the dispenser gives credentials of the account %s", p.verdict.RoleID)
	case p.loose() && !refused: // which other steps report
		return passed("the dispenser gives credentials for the organization's external id")
	case refused:
		known := rolecall.List(p.err)[0]
		f := failed(rolecall.LayerTrust, known.Message, known.Hint)
		f.denied = true
		return f
	}
	return w.dispenserFault(ctx, p.err)
}

// shortLived is how long credentials must live so that they need not be asked
// for all the time: the quarter of an hour that is the least STS gives, but for
// what passes on the way.
const shortLived = 14 * time.Minute

// dispensedLong checks how long a dispenser's credentials live.
func dispensedLong(ctx context.Context, w *work) finding {
	got, err := w.Vault.Dispenser(w.request().Dispenser()).Retrieve(ctx)
	if err != nil {
		return w.dispenserFault(ctx, err)
	}
	life := time.Until(got.Expires).Round(time.Second)
	if life < shortLived {
		return finding{
			result: rolecall.CheckWarn, layer: rolecall.LayerRole, message: "the dispenser's credentials live for " + long(life) + " only",
			hint: "Customer: let them live for a quarter of an hour at least, so that the dispenser is not asked all the time",
		}
	}
	return passed("the dispenser's credentials live for %s", long(life))
}
