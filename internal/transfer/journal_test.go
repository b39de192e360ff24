package transfer

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rolecall/rolecall/internal/journal"
)

const journalName = ".rolecall/job.journal"

var journalKey = bytes.Repeat([]byte{7}, journal.KeyBytes)

func openJournal(t *testing.T, root *os.Root) *journal.Journal {
	t.Helper()
	j, err := journal.Open(root, journalName, "job-1", journalKey)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// crash closes the journal as the end of a process does: nothing is undone.
func crash(t *testing.T, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// partsNoted counts the parts of the one open transfer in the journal's file.
func partsNoted(root *os.Root) int {
	text, _ := root.ReadFile(journalName) // empty if it does not exist yet
	parts := map[int]bool{}
	for l := range strings.Lines(bare(string(text))) {
		var noted struct {
			Do   string
			Part int
		}
		if json.Unmarshal([]byte(l), &noted) != nil {
			break // it is being written
		}
		if noted.Do == "part" {
			parts[noted.Part] = true
		} else {
			clear(parts)
		}
	}
	return len(parts)
}

// rewrite changes the journal's file between two processes, with valid seals.
func (f *fixture) rewrite(t *testing.T, change func(text string) string) {
	t.Helper()
	crash(t, f.j)
	text, err := f.root.ReadFile(journalName)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.root, journalName, sealed(t, f.root, change(bare(string(text)))))
	f.j = openJournal(t, f.root)
}

var sealOfLine = regexp.MustCompile(`(?m) [\w-]{22}$`)

// bare returns the text of a journal's file without its seals.
func bare(text string) string { return sealOfLine.ReplaceAllString(text, "") }

// sealed returns the text with valid seals.
func sealed(t *testing.T, root *os.Root, text string) []byte {
	t.Helper()
	info, err := root.Stat(journalName)
	if err != nil {
		t.Fatal(err)
	}
	inode := info.Sys().(*syscall.Stat_t).Ino //nolint:forcetypeassert // of os, on Unix
	last := journal.DigestOf("rolecall journal", journalName, strconv.FormatUint(inode, 10))
	var out []byte
	for line := range strings.Lines(text) {
		whole, ok := strings.CutSuffix(line, "\n")
		if !ok {
			return append(out, line...)
		}
		mac := hmac.New(sha256.New, journalKey)
		mac.Write(last[:])
		mac.Write([]byte(whole))
		last = journal.Digest(mac.Sum(nil)[:16])
		out = append(base64.RawURLEncoding.AppendEncode(append(append(out, whole...), ' '), last[:]), '\n')
	}
	return out
}
