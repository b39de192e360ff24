package worker

import (
	"log/slog"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/state"
)

// Local has the settings of a local run that are not in its config. All are
// optional.
type Local struct {
	Memory  int64                  // as in Settings
	Log     *slog.Logger           // likewise
	OnEvent func(credential.Event) // likewise
}

// OpenLocal opens a worker for local runs of a config, with the stores of a
// state directory.
func OpenLocal(cfg *config.Config, dir *state.Dir, l Local) (*Worker, error) {
	verdicts, err := dir.Verdicts(l.Log)
	if err != nil {
		return nil, err
	}
	return Open(Settings{
		Vendor: cfg.Vendor, Sources: cfg.Sources, STSEndpoint: cfg.Endpoints.STS, S3Endpoint: cfg.Endpoints.S3, Allow: cfg.Allow,
		Memory: l.Memory, Log: l.Log, OnEvent: l.OnEvent,
	}, Stores{Verdicts: verdicts, Secrets: cfg})
}
