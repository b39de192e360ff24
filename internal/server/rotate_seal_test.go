package server_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/store"
)

// However many rotate the sealing key at once, the file keeps every key that
// something is wrapped under.
func TestRotationsOfTheSealingKeyAtOnce(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
		w.must(http.StatusOK, http.MethodPut, "/api/o/acme/secrets/text", `{"type":"text","value":"planted","host":"a.example"}`)
		cfg, err := config.LoadServe(w.path())
		if err != nil {
			t.Fatal(err)
		}
		cfg.Serve.DatabaseURL = w.database
		var together sync.WaitGroup
		for range 8 {
			together.Go(func() {
				beside, err := server.Beside(t.Context(), cfg, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := beside.RotateSealing(t.Context()); err != nil {
					t.Error(err)
				}
				if err := beside.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		together.Wait()
		w.end()
		w.start() // proves the key, and would refuse to start
		w.must(http.StatusOK, http.MethodPut, "/api/o/acme/secrets/text", `{"type":"text","value":"planted","host":"a.example"}`)
	})
}
