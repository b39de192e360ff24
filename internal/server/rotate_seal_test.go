package server_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/seal"
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

// A sealing key is made for a new database only: where it is missing, no command
// makes another in its place.
func TestMissingSealingKey(t *testing.T) {
	t.Parallel()
	engines.Each(t, func(t *testing.T, o store.Options) {
		w := newWorld(t, o, "{}")
		cfg, err := w.config()
		if err != nil {
			t.Fatal(err)
		}
		w.end()
		key := filepath.Join(w.dir, "rolecall-state", "seal.json")
		kept, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		open := func() error {
			beside, err := server.Beside(t.Context(), cfg, nil)
			if err == nil {
				err = beside.Close()
			}
			return err
		}
		for range 2 {
			if err := open(); rolecall.CodeOf(err) != rolecall.Conflict || !strings.Contains(err.Error(), key) {
				t.Errorf("%v", err)
			}
		}
		if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("another was made: %v", err)
		}
		other, err := seal.New()
		if err != nil {
			t.Fatal(err)
		}
		text, err := other.Text()
		if err != nil {
			t.Fatal(err)
		}
		for content, code := range map[string]rolecall.Code{string(text): rolecall.Conflict, string(kept): ""} {
			if err := os.WriteFile(key, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := open(); rolecall.CodeOf(err) != code {
				t.Errorf("%v", err)
			}
		}
	})
}

// A key file that is a link stays one, and what it leads to has the new key.
func TestLinkedSealingKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inDirectory, "{}")
	cfg, err := w.config()
	if err != nil {
		t.Fatal(err)
	}
	key, target := filepath.Join(w.dir, "rolecall-state", "seal.json"), filepath.Join(t.TempDir(), "mounted.json")
	cfg.Serve.SealingFile = filepath.Join(t.TempDir(), "link.json")
	if err := errors.Join(os.Rename(key, target), os.Symlink(target, cfg.Serve.SealingFile)); err != nil {
		t.Fatal(err)
	}
	beside, err := server.Beside(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(target)
	if _, err := beside.RotateSealing(t.Context()); err != nil {
		t.Error(err)
	}
	if err := beside.Close(); err != nil {
		t.Error(err)
	}
	after, _ := os.ReadFile(target)
	if at, err := os.Readlink(cfg.Serve.SealingFile); err != nil || at != target || bytes.Equal(before, after) {
		t.Errorf("%s, %v", at, err)
	}
}
