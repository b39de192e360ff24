package cli

import (
	"context"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/state"
)

// exposed prints a note for each file that decides who rolecall is and what it
// does, and that other users can change, and for each file with keys that they
// can read. The state directory is refused where it is so, not only noted.
func exposed(ctx context.Context, sys System, cfg *config.Config, out *output) {
	for _, p := range cfg.Places(ctx, sys.Getenv) {
		found, err := state.ExposureOf(p.Path)
		switch {
		case err != nil || p.Path == cfg.State: // what cannot be opened is reported where it is read
		case found.Write:
			out.note("others can write to %s, %s, or put another file there. Operator: chmod go-w the file and its directory, and own both", p.What, p.Path)
		case found.Read && p.Secret:
			out.note("others can read %s, %s. Operator: chmod go-r the file", p.What, p.Path)
		}
	}
}
