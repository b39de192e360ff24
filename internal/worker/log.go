package worker

import (
	"context"
	"log/slog"

	"github.com/rolecall/rolecall/credential"
)

// logged logs what a vault does and passes it on to next, which may be nil. Events
// hold no secrets and no external ids. Drift is logged by the vault itself.
func logged(log *slog.Logger, next func(credential.Event)) func(credential.Event) {
	return func(e credential.Event) {
		if next != nil {
			next(e)
		}
		about := []any{"org", e.Organization, "principal", e.Principal, "role", e.RoleARN}
		if e.SessionName != "" { // no dispenser's
			about = append(about, "session", e.SessionName)
		}
		log, ctx := log.With(about...), context.Background()
		switch e.Kind {
		case credential.EventProbe:
			log.DebugContext(ctx, "probed", "probe", e.Probe.Name, "outcome", e.Probe.Outcome)
		case credential.EventProof:
			log.InfoContext(ctx, "proved", "passed", e.Passed)
		case credential.EventAssume:
			log.InfoContext(ctx, "role assumed", "region", e.Region, "expires", e.Expires)
		case credential.EventDispense:
			log.InfoContext(ctx, "credentials dispensed", "expires", e.Expires)
		}
	}
}
