package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Whatever is in the journal's place is not followed, not waited for and not
// overwritten.
func TestPlaces(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, prepare := range map[string]func(*os.Root) error{
		"link": func(r *os.Root) error {
			return errors.Join(r.Mkdir(".rolecall", 0o700), r.Symlink("../x", journalName))
		},
		"link out": func(r *os.Root) error {
			return errors.Join(r.Mkdir(".rolecall", 0o700), r.Symlink(outside, journalName))
		},
		"hard link": func(r *os.Root) error {
			return errors.Join(r.Mkdir(".rolecall", 0o700), r.WriteFile("x", nil, 0o600), r.Link("x", journalName))
		},
		"linked":    func(r *os.Root) error { return errors.Join(r.Mkdir("real", 0o700), r.Symlink("real", ".rolecall")) },
		"file":      func(r *os.Root) error { return r.WriteFile(".rolecall", nil, 0o600) },
		"directory": func(r *os.Root) error { return r.MkdirAll(journalName, 0o700) },
		"pipe": func(r *os.Root) error {
			return errors.Join(r.Mkdir(".rolecall", 0o700), syscall.Mkfifo(filepath.Join(r.Name(), journalName), 0o600))
		},
		"other text": func(r *os.Root) error {
			return errors.Join(r.Mkdir(".rolecall", 0o700), r.WriteFile(journalName, []byte("x\n"), 0o600))
		},
		"other label": func(r *os.Root) error {
			return errors.Join(r.Mkdir(".rolecall", 0o700), r.WriteFile(journalName, sealed(r, `{"do":"begin","label":"a/b"}`+"\n"), 0o600))
		},
		"long": func(r *os.Root) error {
			return errors.Join(r.Mkdir(".rolecall", 0o700), r.WriteFile(journalName, nil, 0o600), os.Truncate(filepath.Join(r.Name(), journalName), maxJournal+1))
		},
	} {
		root := newRoot(t)
		if err := prepare(root); err != nil {
			t.Fatal(err)
		}
		before := fmt.Sprint(files(t, root))
		_, err := Open(root, journalName, "job-1", journalKey)
		if err == nil {
			t.Errorf("%s: it was taken", name)
		}
		if after := fmt.Sprint(files(t, root)); after != before {
			t.Errorf("%s: there is %s", name, after)
		}
	}
	for _, name := range []string{"../x", "/x", "", "a/../b"} {
		if _, err := Open(newRoot(t), name, "job-1", journalKey); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
	if _, err := Open(newRoot(t), journalName, "job 1", journalKey); err == nil {
		t.Error("a label with a blank was taken")
	}
}

// A job may crash before the first line is complete.
func TestTornAtFirst(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	for _, text := range []string{"", `{"do":"begin","la`} {
		write(t, root, journalName, []byte(text))
		j := openJournal(t, root)
		if j.Resumed() || j.Label() != "job-1" {
			t.Errorf("%q: resumed %v, %s", text, j.Resumed(), j.Label())
		}
		crash(t, j)
		if j = openJournal(t, root); !j.Resumed() {
			t.Errorf("%q: it is not there again", text)
		}
		crash(t, j)
	}
}

// A full disk does not end the work: Close returns the error.
func TestCannotWrite(t *testing.T) {
	t.Parallel()
	j := openJournal(t, newRoot(t))
	j.file.Close()
	e := j.Acquire(DigestOf("x"), DigestOf("v"))
	e.BeginUpload("b", "k", "m")
	e.Part(1, Part{Bytes: 5})
	if left, ok := e.Unfinished(); !ok || left.Parts[1].Bytes != 5 {
		t.Error("it does not go on in memory: ", left)
	}
	if err := j.Close(); !errors.Is(err, os.ErrClosed) {
		t.Error("closed with ", err)
	}
}

// The same goes for a journal that is full. It does not matter to a complete
// job.
func TestFull(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Journal) error{"closed": (*Journal).Close, "removed": (*Journal).Remove} {
		root := newRoot(t)
		j := openJournal(t, root)
		j.size = maxJournal
		j.Acquire(DigestOf("x"), DigestOf("v")).Done(Finished{Bytes: 5})
		if err := end(j); (err != nil) != (name == "closed") {
			t.Errorf("%s: %v", name, err)
		}
		if got := files(t, root); len(got) > 0 != (name == "closed") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Whatever is in the file, it is read within limits, only what a journal can
// have is kept, and what is written after it is read again.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"do":"begin","label":"job-1"}` + "\n" + `{"do":"begin","id":"AAAAAAAAAAAAAAAAAAAAAQ","version":"AAAAAAAAAAAAAAAAAAAAAg","key":"x","marker":"m","dir":"down"}` + "\n" +
		`{"do":"upload","id":"AAAAAAAAAAAAAAAAAAAAAQ","upload":"u"}` + "\n" + `{"do":"part","id":"AAAAAAAAAAAAAAAAAAAAAQ","part":1,"etag":"\"e\"","bytes":5,"crc64":7,"other":"AAA="}` + "\n"))
	f.Add([]byte(`{"do":"begin","label":"job-1"}` + "\n" + `{"do":"done","id":"AAAAAAAAAAAAAAAAAAAAAQ","version":"AAAAAAAAAAAAAAAAAAAAAg","bytes":5,"time":1}` + "\n" + `{"do":"over"}` + "\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if good, err := reader().read(bytes.NewReader(text)); err != nil || good != 0 {
			t.Fatal("without seals: ", good, err)
		}
		j, text := reader(), reader().seals.all(text)
		good, err := j.read(bytes.NewReader(text))
		if err != nil || good < 0 || good > int64(len(text)) || (good > 0 && text[good-1] != '\n') {
			t.Fatal(good, err)
		}
		if good > 0 && !isLabel(j.Label()) {
			t.Errorf("the label is %q", j.Label())
		}
		for _, p := range j.open {
			if p.retract != nil || len(p.upload) > maxText || (p.dir != "" && !filepath.IsLocal(p.dir)) || len(p.key) > maxText || len(p.parts) > maxParts {
				t.Errorf("got %+v", p)
			}
			for number, part := range p.parts {
				if number < 1 || number > maxParts || part.Bytes < 0 || len(part.ETag) > maxText {
					t.Errorf("got %d %+v", number, part)
				}
			}
		}
		for _, r := range j.done {
			if !r.Earlier || r.Bytes < 0 {
				t.Errorf("got %+v", r)
			}
		}
		again := reader()
		if n, err := again.read(io.LimitReader(strings.NewReader(string(text[:good])), good)); n != good || err != nil || len(again.open) != len(j.open) {
			t.Errorf("read again: %d of %d, %v", n, good, err)
		}
	})
}
