package worker

import (
	"context"
	"log/slog"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
)

// Local has the settings of a local run that are not in its config. All are
// optional.
type Local struct {
	Memory  int64                                         // as in Settings
	Log     *slog.Logger                                  // likewise
	OnEvent func(credential.Event)                        // likewise
	Intent  func(context.Context, credential.Event) error // likewise
}

// OpenLocal opens a worker for local runs of a config.
func OpenLocal(cfg *config.Config, verdicts credential.Verdicts, l Local) (*Worker, error) {
	return Open(Settings{
		Vendor: cfg.Vendor, Sources: cfg.Sources, STSEndpoint: cfg.Endpoints.STS, S3Endpoint: cfg.Endpoints.S3, Allow: cfg.Allow,
		Memory: l.Memory, Log: l.Log, OnEvent: l.OnEvent, Intent: l.Intent,
	}, Stores{Verdicts: verdicts, Secrets: cfg})
}
