package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// all seals the complete lines of a text.
func (s *seals) all(text []byte) []byte {
	var out []byte
	for l := range bytes.Lines(text) {
		if whole, ok := bytes.CutSuffix(l, []byte("\n")); ok {
			out = append(out, s.seal(bytes.Clone(whole))...)
		} else {
			out = append(out, l...)
		}
	}
	return out
}

// sealed returns the text with the seals for the journal's file, which exists.
func sealed(root *os.Root, text string) []byte {
	info, err := root.Stat(journalName)
	if errors.Is(err, fs.ErrNotExist) {
		err = root.WriteFile(journalName, nil, 0o600)
		info, _ = root.Stat(journalName)
	}
	if err != nil {
		panic(err)
	}
	return newSeals(journalKey, journalName, inode(info)).all([]byte(text))
}

var sealOfLine = regexp.MustCompile(`(?m) [\w-]{22}$`)

// bare returns the text of a journal's file without its seals.
func bare(text string) string { return sealOfLine.ReplaceAllString(text, "") }

// reader returns a journal that reads the lines of a file without an inode.
func reader() *Journal {
	j := New()
	j.seals = newSeals(journalKey, journalName, 0)
	return j
}

// Only what was written with the key, in this place, is a journal.
func TestForged(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(t *testing.T, root *os.Root, text string) (name string, key []byte){
		"without seals": func(t *testing.T, root *os.Root, text string) (string, []byte) {
			write(t, root, journalName, []byte(bare(text)))
			return journalName, journalKey
		},
		"another label": func(t *testing.T, root *os.Root, text string) (string, []byte) {
			write(t, root, journalName, []byte(strings.Replace(text, "job-1", "job-2", 1)))
			return journalName, journalKey
		},
		"less the first line": func(t *testing.T, root *os.Root, text string) (string, []byte) {
			_, rest, _ := strings.Cut(text, "\n")
			write(t, root, journalName, []byte(rest))
			return journalName, journalKey
		},
		"another key": func(*testing.T, *os.Root, string) (string, []byte) {
			return journalName, make([]byte, KeyBytes)
		},
		"another name": func(t *testing.T, root *os.Root, _ string) (string, []byte) {
			if err := root.Rename(journalName, ".rolecall/other.journal"); err != nil {
				t.Fatal(err)
			}
			return ".rolecall/other.journal", journalKey
		},
		"a copy": func(t *testing.T, root *os.Root, text string) (string, []byte) {
			if err := root.Rename(".rolecall", "original"); err != nil {
				t.Fatal(err)
			}
			write(t, root, journalName, []byte(text))
			return journalName, journalKey
		},
	} {
		root := newRoot(t)
		j := openJournal(t, root)
		j.Acquire(DigestOf("x"), DigestOf("v")).BeginUpload("b", "k", "m")
		crash(t, j)
		text, err := root.ReadFile(journalName)
		if err != nil {
			t.Fatal(err)
		}
		at, key := forge(t, root, string(text))
		before, err := root.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = Open(root, at, "job-1", key); err == nil {
			t.Errorf("%s: it was taken", name)
		}
		if after, err := root.ReadFile(at); err != nil || !bytes.Equal(after, before) {
			t.Errorf("%s: it was changed, %v", name, err)
		}
	}
	for _, key := range [][]byte{nil, journalKey[1:]} {
		if _, err := Open(newRoot(t), journalName, "job-1", key); err == nil {
			t.Errorf("a key of %d bytes was taken", len(key))
		}
	}
}

// Lines from the first on that is inserted, omitted, moved or changed are
// ignored.
func TestSpliced(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		splice func(lines []string) []string
		want   int // lines
	}{
		"as it is":   {func(l []string) []string { return l }, 5},
		"cut":        {func(l []string) []string { return l[:3] }, 3},
		"left out":   {func(l []string) []string { return append(l[:2:2], l[3:]...) }, 2},
		"twice":      {func(l []string) []string { return append(l[:3:3], l[2:]...) }, 3},
		"moved":      {func(l []string) []string { l[2], l[3] = l[3], l[2]; return l }, 2},
		"changed":    {func(l []string) []string { l[3] = strings.Replace(l[3], "upload-2", "upload-9", 1); return l }, 3},
		"put in":     {func(l []string) []string { l[2] = bare(l[2]); return l }, 2},
		"wrong seal": {func(l []string) []string { l[4] = l[4][:len(l[4])-2] + "!\n"; return l }, 4},
		"of another": {func(l []string) []string { l[2] = sealOfLine.FindString(l[3]) + "\n"; return l }, 2},
	} {
		root := newRoot(t)
		j := openJournal(t, root)
		for n := range 4 {
			j.record(line{Do: doUpload, ID: DigestOf(name), Upload: fmt.Sprint("upload-", n)})
		}
		crash(t, j)
		text, err := root.ReadFile(journalName)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
		lines[4] += "\n"
		write(t, root, journalName, []byte(strings.Join(c.splice(lines), "")))
		j = openJournal(t, root)
		if !j.Resumed() || j.Label() != "job-1" {
			t.Errorf("%s: %v, %s", name, j.Resumed(), j.Label())
		}
		j.record(line{Do: doDrop}) // it continues after the last valid line
		crash(t, j)
		if text, err = root.ReadFile(journalName); err != nil || bytes.Count(text, []byte("\n")) != c.want+1 {
			t.Errorf("%s: %v, it is now\n%s", name, err, text)
		}
		j = openJournal(t, root)
		if after, err := root.ReadFile(journalName); err != nil || !bytes.Equal(after, text) {
			t.Errorf("%s: read again, it is\n%s%v", name, after, err)
		}
		crash(t, j)
	}
}

// What a program put in the journal's place is removed with the journal.
func TestRemoveReplaced(t *testing.T) {
	t.Parallel()
	for name, usurp := range map[string]func(*testing.T, *os.Root){
		"the file is gone": func(t *testing.T, root *os.Root) {
			if err := root.Remove(journalName); err != nil {
				t.Fatal(err)
			}
		},
		"the directory is another": func(t *testing.T, root *os.Root) {
			if err := root.Rename(".rolecall", "moved"); err != nil {
				t.Fatal(err)
			}
			write(t, root, journalName, []byte("forged\n"))
		},
		"the file is a directory": func(t *testing.T, root *os.Root) {
			if err := root.Rename(journalName, "moved"); err != nil {
				t.Fatal(err)
			}
			write(t, root, journalName+"/x", []byte("forged\n"))
		},
	} {
		root := newRoot(t)
		j := openJournal(t, root)
		usurp(t, root)
		if err := j.Remove(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := root.Lstat(".rolecall"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: left %q, %v", name, files(t, root), err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	s, text := reader().seals, make([]byte, 160, 256)
	b.ReportAllocs()
	for b.Loop() {
		s.seal(text)
	}
}
