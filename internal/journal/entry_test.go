package journal

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var (
	version = DigestOf("a version")
	later   = DigestOf("a later one")
)

// upload begins an upload with a stored part.
func upload(j *Journal, id string) *Entry {
	e := j.Acquire(DigestOf(id), version)
	e.BeginUpload("bucket", "keys/"+id, "marker")
	e.Began("upload-"+id, nothing)
	e.Part(3, thirdPart)
	return e
}

func nothing(context.Context) error { return nil }

var thirdPart = Part{ETag: `"e"`, Bytes: 5, CRC64: 6, Other: []byte{7}}

// What a process records is there for the next one, and for the next attempt.
func TestEntry(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	j := openJournal(t, root)
	e := upload(j, "x")
	if other := j.Acquire(DigestOf("x"), version); other != nil {
		t.Error("two have one entry")
	}
	e.Release()
	done := j.Acquire(DigestOf("y"), version)
	done.BeginFile("down", nothing)
	done.Done(Finished{Bytes: 5, CRC64: 6, Time: 7})
	for _, earlier := range []bool{false, true} {
		want := Unfinished{Upload: "upload-x", Parts: map[int]Part{3: thirdPart}}
		e = j.Acquire(DigestOf("x"), version)
		if left, ok := e.Unfinished(); !ok || !cmp.Equal(left, want) {
			t.Error(cmp.Diff(left, want))
		}
		e.Release()
		want.Stale = true
		e = j.Acquire(DigestOf("x"), later)
		if left, ok := e.Unfinished(); !ok || !cmp.Equal(left, want) {
			t.Error(cmp.Diff(left, want))
		}
		e.Release()
		done.Release()
		done = j.Acquire(DigestOf("y"), version)
		whole, ok := done.Finished()
		if d := cmp.Diff(Finished{Bytes: 5, CRC64: 6, Time: 7, Earlier: earlier}, whole, cmpopts.IgnoreUnexported(Finished{})); !ok || d != "" {
			t.Error(ok, d)
		}
		done.Release()
		done = j.Acquire(DigestOf("y"), later)
		if _, ok := done.Finished(); ok {
			t.Error("it is done for another version")
		}
		crash(t, j)
		j = openJournal(t, root)
	}
	if n := j.Unfinished(); n != 1 {
		t.Error("unfinished: ", n)
	}
	crash(t, j)
}

// A nil entry records nothing and does no harm.
func TestNoEntry(t *testing.T) {
	t.Parallel()
	j := New()
	defer j.Acquire(DigestOf("x"), version).Release()
	e := j.Acquire(DigestOf("x"), version)
	e.BeginFile("d", nothing)
	e.BeginUpload("b", "k", "m")
	e.Began("u", nothing)
	e.Resume(nothing)
	e.Part(1, thirdPart)
	e.Done(Finished{})
	e.Drop()
	e.Release()
	_, done := e.Finished()
	if _, left := e.Unfinished(); left || done || e.TempName() != "" || j.Unfinished() != 0 {
		t.Error("something was kept")
	}
}

// Retract undoes what this process began, and returns what it could not undo.
func TestRetract(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	j := openJournal(t, root)
	upload(j, "earlier")
	crash(t, j)
	j = openJournal(t, root)
	wrong := errors.New("may not")
	for id, err := range map[string]error{"a": nil, "b": nil, "stays": wrong} {
		e := j.Acquire(DigestOf(id), version)
		e.BeginFile("", func(context.Context) error { return err })
	}
	odd := j.Acquire(DigestOf("odd"), version)
	odd.BeginFile("", func(context.Context) error { panic("odd input") })
	if err := j.Retract(t.Context()); !errors.Is(err, wrong) || !strings.Contains(err.Error(), "odd input") || j.Unfinished() != 3 {
		t.Error(j.Unfinished(), err)
	}
	odd.Drop()
	crash(t, j)
	if j = openJournal(t, root); j.Unfinished() != 2 {
		t.Error("another process knows of ", j.Unfinished())
	}
	crash(t, j)
}

func TestSweep(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	j := openJournal(t, root)
	upload(j, "left")
	upload(j, "taken")
	crash(t, j)
	j = openJournal(t, root)
	if !j.Knows("", "", "upload-left") || j.Knows("bucket", "keys/left", "upload-other") {
		t.Error("it does not know what it should")
	}
	j.Acquire(DigestOf("taken"), version).Resume(nothing)
	j.Acquire(DigestOf("new"), version).BeginUpload("bucket", "keys/new", "marker")
	if !j.Knows("bucket", "keys/new", "any") || j.Knows("other", "keys/new", "any") {
		t.Error("it does not know what may begin")
	}
	var aborted []string
	abort := func(key, id string) error {
		aborted = append(aborted, key, id)
		return nil
	}
	wrong := errors.New("may not")
	if err := j.Sweep("", "marker", func(string, string) error { return wrong }); !errors.Is(err, wrong) {
		t.Error("got ", err)
	}
	for _, c := range [][2]string{{"other/", "marker"}, {"keys/", "another"}, {"keys/", "marker"}, {"keys/", "marker"}} {
		if err := j.Sweep(c[0], c[1], abort); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff([]string{"keys/left", "upload-left"}, aborted); d != "" || j.Unfinished() != 2 {
		t.Error(j.Unfinished(), d)
	}
	crash(t, j)
}

// Renew forgets what is done, and leaves what is open to be undone.
func TestRenew(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	j := openJournal(t, root)
	upload(j, "x")
	j.Acquire(DigestOf("y"), version).Done(Finished{})
	crash(t, j)
	j = openJournal(t, root)
	j.Renew()
	crash(t, j)
	j = openJournal(t, root)
	left, open := j.Acquire(DigestOf("x"), version).Unfinished()
	if _, done := j.Acquire(DigestOf("y"), version).Finished(); done || !open || !left.Stale || len(left.Parts) > 0 || left.Upload == "" {
		t.Error(done, open, left)
	}
	crash(t, j)
}

// Unfinished files that no transfer resumed are removed with the journal.
func TestRemove(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	j := openJournal(t, root)
	for _, dir := range []string{"down", "."} {
		e := j.Acquire(DigestOf(dir), version)
		e.BeginFile(dir, nothing)
		write(t, root, dir+"/"+e.TempName(), nil)
	}
	j.Acquire(DigestOf("gone"), version).BeginFile("gone", nothing)
	crash(t, j)
	j = openJournal(t, root)
	if err := j.Remove(); err != nil {
		t.Error(err)
	}
	if got := files(t, root); len(got) > 0 {
		t.Error("left: ", got)
	}
	if _, err := root.Lstat(".rolecall"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("its directory is left")
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
