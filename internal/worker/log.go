package worker

import (
	"context"
	"log/slog"

	"github.com/rolecall/rolecall/credential"
)

// logEvents returns a function that logs the events of a vault and passes them
// to next, which may be nil. Events contain no secrets and no external ids. The
// vault logs drift itself.
func logEvents(log *slog.Logger, next func(credential.Event)) func(credential.Event) {
	return func(e credential.Event) {
		if next != nil {
			next(e)
		}
		attrs := []any{"org", e.Organization, "principal", e.Principal, "role", e.RoleARN}
		if e.SessionName != "" { // not a dispenser's
			attrs = append(attrs, "session", e.SessionName)
		}
		log, ctx := log.With(attrs...), context.Background()
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
