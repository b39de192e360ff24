package task

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/refusal"
	"github.com/rolecall/rolecall/internal/reserved"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/workdir"
)

// maxKey is how long an object's key may be, in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// file is a local file that is to become an object.
type file struct {
	name string // below the working directory
	key  string
	size int64
}

// fileCost is about how many bytes a file takes in a list that grows, without its
// names.
const fileCost = 96

func newFile(name, key string, info fs.FileInfo) file {
	return file{name: name, key: key, size: info.Size()}
}

// files returns the files that the step delivers. What matches but is no regular
// file is set aside, and so are patterns that match nothing.
// No link is followed: a program in an earlier task may have left one to be
// fallen for.
func (s *work) files(ctx context.Context) ([]file, error) {
	dir, place := s.tools.job.Dir, s.step.Place
	if err := s.noLinks(ctx, dir); err != nil {
		return nil, err
	}
	if len(s.step.Files) == 0 {
		name, err := objectName(s.step.BaseDir, place.Key)
		if err != nil {
			return nil, s.located(err, place.Pointer)
		}
		info, err := dir.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(place.Key, "*?") {
			return nil, &rolecall.Error{
				Code: rolecall.NotFound, Pointer: place.Pointer, Message: fmt.Sprintf("there is no %q in the working directory", name),
				Hint: refusal.MissingHint(place.Key), Err: err,
			}
		}
		if err != nil {
			return nil, s.noFile(ctx, err, name, place.Pointer)
		}
		f := newFile(name, place.Key, info)
		if err := f.check(info.Mode()); err != nil {
			return nil, s.located(err, place.Pointer)
		}
		return []file{f}, nil
	}
	w := walk{work: s, sel: newSelection(s.step.Files, s.step.Exclude, []string{""})}
	base := path.Join(".", s.step.BaseDir)
	if err := fs.WalkDir(dir.FS(), base, w.visit(ctx)); err != nil {
		return nil, s.noFile(ctx, err, base, s.step.FilesPointer)
	}
	return w.found, s.unfound(ctx, w.sel, "the working directory")
}

type walk struct {
	work  *work
	sel   *selection
	found []file
}

func (w *walk) visit(ctx context.Context) fs.WalkDirFunc {
	return func(name string, entry fs.DirEntry, err error) error {
		relative := name
		if base := w.work.step.BaseDir; base != "" {
			relative = strings.TrimPrefix(strings.TrimPrefix(name, base), "/")
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return w.unreadable(ctx, name, relative, entry, err)
		case reserved.Path(name) && entry.IsDir():
			return fs.SkipDir
		case entry.IsDir(), reserved.Path(name), workdir.IsTemporary(name):
			return nil
		}
		if wanted, err := w.sel.match(ctx, "", relative); err != nil || !wanted {
			return err
		}
		if err := w.sel.take(ctx, "", relative); err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return w.setAside(ctx, name, relative, w.work.noFile(ctx, err, name, w.work.step.FilesPointer))
		}
		f := newFile(name, w.work.step.Place.Key+relative, info)
		if err := f.check(info.Mode()); err != nil {
			return w.setAside(ctx, name, relative, err)
		}
		if len(w.found) == maxObjects {
			return w.work.tooMany(fmt.Sprintf("more than %d files match", maxObjects))
		}
		if !w.work.hold(fileCost + int64(len(f.name)+len(f.key))) {
			return w.work.noRoom(len(w.found))
		}
		w.found = append(w.found, f)
		return nil
	}
}

// unreadable sets aside a directory that cannot be read, unless it is the base, or
// all of it is left out.
func (w *walk) unreadable(ctx context.Context, name, relative string, entry fs.DirEntry, err error) error {
	err = w.work.noFile(ctx, err, name, w.work.step.FilesPointer)
	if relative == "" || relative == "." || entry == nil {
		return err
	}
	left, ended := w.sel.leavesOut(ctx, relative+"/")
	if ended != nil {
		return ended
	}
	if !left {
		if err := w.setAside(ctx, name+"/", relative+"/", err); err != nil {
			return err
		}
	}
	return fs.SkipDir
}

func (w *walk) setAside(ctx context.Context, name, relative string, err error) error {
	err = w.work.setAside(ctx, subject{key: name, name: relative, pointer: w.work.step.FilesPointer}, err)
	if errors.Is(err, errAside) {
		return nil
	}
	return err
}

// check reports whether the file can be delivered.
func (f file) check(mode fs.FileMode) error {
	refuse := func(why, hint string) error {
		return &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("%q cannot be delivered: %s", f.name, why), Hint: hint}
	}
	switch {
	case !mode.IsRegular():
		return refuse("it is "+kindOfFile(mode), "You: deliver a regular file; links are never followed")
	case !utf8.ValidString(f.key):
		return refuse("its name is not UTF-8", "You: rename the file; keys in S3 are UTF-8")
	case len(f.key) > maxKey:
		return refuse(fmt.Sprintf("its key would have %d bytes, S3 takes %d", len(f.key), maxKey), "You: give it a shorter name or prefix")
	}
	return nil
}

func kindOfFile(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}

// noLinks refuses a base directory that leads through a link.
func (s *work) noLinks(ctx context.Context, dir *os.Root) error {
	at := strict.Pointer("tasks", s.step.Index, "parameters", "base_dir")
	name := ""
	for part := range strings.SplitSeq(s.step.BaseDir, "/") {
		if part == "" {
			return nil
		}
		name = path.Join(name, part)
		info, err := dir.Lstat(name)
		if err != nil {
			return s.noFile(ctx, err, name, at)
		}
		if !info.IsDir() {
			return &rolecall.Error{
				Code: rolecall.Invalid, Pointer: at, Message: fmt.Sprintf("%q is %s, not a directory", name, describe(info.Mode())),
				Hint: "You: give a directory or file itself; links are never followed",
			}
		}
	}
	return nil
}

func describe(mode fs.FileMode) string {
	if mode.IsRegular() {
		return "a file"
	}
	return kindOfFile(mode)
}

func (s *work) noFile(ctx context.Context, err error, name, pointer string) error {
	var own *rolecall.Error
	switch {
	case errors.As(err, &own):
		return s.located(err, pointer)
	case errors.Is(err, fs.ErrNotExist):
		return &rolecall.Error{
			Code: rolecall.NotFound, Pointer: pointer, Message: fmt.Sprintf("there is no %q in the working directory", name),
			Hint: "You: name a file that an earlier task of the job fetches or makes", Err: err,
		}
	case ctx.Err() != nil:
		return err
	}
	e := &rolecall.Error{Code: rolecall.Invalid, Pointer: pointer, Message: fmt.Sprintf("%q in the working directory cannot be read", name), Err: err}
	var says syscall.Errno
	if errors.As(err, &says) {
		e.Message += ": " + says.Error()
	}
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) { // too many files are open just now
		e.Code = rolecall.Unavailable
	}
	return e
}
