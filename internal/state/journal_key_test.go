package state_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/journal"
	"github.com/rolecall/rolecall/internal/state"
)

// The key is made once, whoever asks first, and for its owner only.
func TestJournalKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	d, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for n := range keys {
		wg.Go(func() {
			var err error
			if keys[n], err = d.JournalKey("acme"); err != nil {
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
	if key, err := d.JournalKey("globex"); err != nil || bytes.Equal(key, keys[0]) {
		t.Errorf("another organization's key is %x, %v", key, err)
	}
	there, err := os.ReadDir(path)
	if err != nil || len(there) != 2 || there[0].Name() != "format" || there[1].Name() != "journal.key" {
		t.Fatal("there is ", there, err)
	}
	for _, file := range there {
		if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info, err)
		}
	}
	if err := os.WriteFile(filepath.Join(path, "journal.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = d.JournalKey("acme")
	if rolecall.CodeOf(err) != rolecall.Invalid || !strings.Contains(err.Error(), "journal.key in the state directory is 0 bytes long") {
		t.Errorf("an empty key: %v", err)
	}
}

// A key that others could read is closed to them.
func TestReadableKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	d, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	before, err := d.JournalKey("acme")
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(path, "journal.key")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	after, err := d.JournalKey("acme")
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("%x, then %x, %v", before, after, err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
