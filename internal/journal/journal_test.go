package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const journalName = ".rolecall/job.journal"

var journalKey = bytes.Repeat([]byte{7}, KeyBytes)

func openJournal(t *testing.T, root *os.Root) *Journal {
	t.Helper()
	j, err := Open(root, journalName, "job-1", journalKey)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// crash closes the journal as the end of a process does: nothing is undone.
func crash(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func newRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// files lists everything below the root, with links.
func files(t *testing.T, root *os.Root) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(root.Name()), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func write(t *testing.T, root *os.Root, name string, data []byte) {
	t.Helper()
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := root.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	first := openJournal(t, root)
	if first.Resumed() || first.Label() != "job-1" {
		t.Error("a new journal: ", first.Resumed(), first.Label())
	}
	if _, err := Open(root, journalName, "job-2", journalKey); !errors.Is(err, ErrLocked) {
		t.Error("opened twice: ", err)
	}
	crash(t, first)
	second, err := Open(root, journalName, "job-2", journalKey)
	if err != nil || !second.Resumed() || second.Label() != "job-1" {
		t.Fatal("opened again: ", second, err)
	}
	if err := second.Remove(); err != nil {
		t.Error(err)
	}
	if got := files(t, root); len(got) > 0 {
		t.Error("left: ", got)
	}
	if _, err := root.Lstat(".rolecall"); err == nil {
		t.Error("its directory is left")
	}
	write(t, root, ".rolecall/other", nil)
	if err := openJournal(t, root).Remove(); err != nil {
		t.Error(err)
	}
	if got := files(t, root); !slices.Equal(got, []string{".rolecall/other"}) {
		t.Error("left: ", got)
	}
}

// The line that is encoded by hand is the one that json.Marshal encodes.
func TestEncode(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, math.MaxInt64} {
		want := line{Do: doDone, ID: DigestOf("a"), Version: DigestOf("b"), Bytes: n, CRC64: ^uint64(n), Time: -n}
		text, err := want.encode()
		var got line
		if err := errors.Join(err, json.Unmarshal(text, &got)); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" || bytes.Contains(text, []byte("\n")) {
			t.Errorf("%s: %s", text, d)
		}
	}
}
