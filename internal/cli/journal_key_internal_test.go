package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rolecall/rolecall/internal/journal"
)

// The key is made once, whoever asks first, and for its owner only.
func TestJournalKey(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for n := range keys {
		wg.Go(func() {
			var err error
			if keys[n], err = journalKey(state); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, key := range keys {
		if len(key) != journal.KeyBytes || !bytes.Equal(key, keys[0]) || bytes.Equal(key, make([]byte, len(key))) {
			t.Errorf("got %x and %x", key, keys[0])
		}
	}
	there, err := os.ReadDir(state)
	if err != nil || len(there) != 1 || there[0].Name() != "journal.key" {
		t.Fatal("there is ", there, err)
	}
	if info, err := there[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if err := os.WriteFile(filepath.Join(state, "journal.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journalKey(state); err == nil {
		t.Error("an empty key was taken")
	}
}
