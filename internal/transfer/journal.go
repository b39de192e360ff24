package transfer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// Journal notes what the transfers of a job have begun and done, so that
// whoever takes the job up again, another try or another process after a
// crash, goes on where it ended. Use NewJournal or OpenJournal. A transfer
// that fails leaves its upload, or its unfinished file, open when another try
// could go on with it; Retract takes those back.
//
// The file lies where a job's programs can write, and is not trusted: its
// lines are sealed with a key; an entry is found by a digest of what a transfer
// is about, and names neither a file nor a bucket to be touched; the parts that
// it tells of are held against what S3 lists, or summed again.
type Journal struct {
	label   string
	resumed bool
	root    *os.Root // of OpenJournal; nil: in memory only
	name    string
	at      *target // the directory that the file is in
	key     []byte

	mu     sync.Mutex // guards what follows
	seals  *seals
	file   *os.File
	size   int64
	failed error // the first to write; nothing is written after it
	open   map[digest128]*pending
	done   map[digest128]record
	busy   map[digest128]bool // transfers at work in this process
}

// ErrLocked says that another process is at work on the job.
var ErrLocked = errors.New("another process has the journal")

const (
	maxJournal = 32 << 20 // bytes: what 180,000 small files take, or 1 TiB in parts
	maxOpen    = 10_000   // transfers that an earlier process left open
	maxLabel   = 64
)

// NewJournal makes a journal in memory, for the tries of one process. Its
// label is random.
func NewJournal() *Journal {
	return &Journal{label: rand.Text(), open: map[digest128]*pending{}, done: map[digest128]record{}, busy: map[digest128]bool{}}
}

// OpenJournal begins the file name below dir, with the label, or goes on with
// what is there, which has a label already. A label is 1 to 64 letters, digits
// and hyphens. The key is JournalKeyBytes of randomness, to be kept where those
// who can write below dir cannot read: what was not written with it, under this
// name, into this very file, is refused. The error wraps ErrLocked while
// another process has the file. Dir must stay open as long as the journal.
func OpenJournal(dir *os.Root, name, label string, key []byte) (*Journal, error) {
	j := NewJournal()
	j.root, j.name, j.label, j.key = dir, name, label, key
	err := j.begin()
	if err != nil {
		j.Close()
		return nil, fmt.Errorf("journal %s: %w", name, err)
	}
	return j, nil
}

func (j *Journal) begin() error {
	if !isLabel(j.label) {
		return fmt.Errorf("%q is no label", j.label)
	}
	if len(j.key) != JournalKeyBytes {
		return fmt.Errorf("a key of %d bytes is none of a journal", len(j.key))
	}
	if err := local(j.name); err != nil {
		return err
	}
	var err error
	if j.at, err = descend(j.root, j.name); err != nil {
		return err
	}
	if j.file, err = j.lock(); err != nil {
		return err
	}
	if err := j.load(); err != nil {
		return err
	}
	if !j.resumed {
		if j.write(line{Do: doBegin, Label: j.label}.encode()); j.failed != nil {
			return j.failed
		}
	}
	return badFile(j.file.Sync())
}

// lock opens the file and locks it. Whoever had it may have removed it between
// the two: then another one is begun.
func (j *Journal) lock() (*os.File, error) {
	for range 100 {
		file, err := j.at.regular(j.at.name, os.O_RDWR|os.O_APPEND|os.O_CREATE)
		if err != nil {
			return nil, err
		}
		if err := lock(file); err != nil {
			file.Close()
			return nil, err
		}
		locked, err := file.Stat()
		if err == nil && linked(locked) {
			file.Close()
			return nil, badFile(errors.New("it has another name as well"))
		}
		if err == nil {
			if there, err := j.at.dir.Lstat(j.at.name); err == nil && os.SameFile(locked, there) {
				return file, nil
			}
		}
		file.Close()
	}
	return nil, badFile(errors.New("it is removed again and again"))
}

// load reads what is there. What follows the first line that is none of
// ours, or was torn by a crash, is dropped.
func (j *Journal) load() error {
	info, err := j.file.Stat()
	if err != nil {
		return badFile(err)
	}
	if info.Size() > maxJournal {
		return badFile(errors.New("it is longer than any of ours"))
	}
	j.seals = newSeals(j.key, j.name, inode(info))
	good, err := j.read(io.LimitReader(j.file, maxJournal))
	if err != nil {
		return badFile(err)
	}
	if info.Size() > 0 && good == 0 && !torn(j.file) {
		return badFile(errors.New("it is none of ours"))
	}
	j.size, j.resumed = good, good > 0
	return badFile(j.file.Truncate(good))
}

// torn tells whether the file has no whole line.
func torn(file *os.File) bool {
	head := make([]byte, maxLine)
	n, err := file.ReadAt(head, 0)
	return errors.Is(err, io.EOF) && !strings.Contains(string(head[:n]), "\n")
}

// Label gives the label of whoever began the journal: the job's id.
func (j *Journal) Label() string { return j.label }

// Resumed tells whether the journal was there already.
func (j *Journal) Resumed() bool { return j.resumed }

// Retract takes back all that is open and was begun or taken up by this
// process: it aborts uploads and removes unfinished files. No transfer may be
// at work any more. It outlives ctx a little. What cannot be taken back stays
// noted; an *Error of it names the upload.
func (j *Journal) Retract(ctx context.Context) error {
	type open struct {
		id      digest128
		retract func(context.Context) error
	}
	var all []open
	j.mu.Lock()
	for id, p := range j.open {
		if p.retract != nil {
			all = append(all, open{id, p.retract})
		}
	}
	j.mu.Unlock()
	var g errgroup.Group
	g.SetLimit(capacity)
	errs := make([]error, len(all))
	for i, o := range all {
		g.Go(func() error {
			if errs[i] = o.retract(ctx); errs[i] == nil {
				j.note(line{Do: doOver, ID: o.id})
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // they are in errs
	return errors.Join(errs...)
}

// Close leaves the file for a later process. Its error is the first that kept
// something from being noted.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		if err := j.file.Close(); j.failed == nil {
			j.failed = badFile(err)
		}
		j.file = nil
	}
	if j.at != nil {
		j.at.leave()
		j.at = nil
	}
	return j.failed
}

// Remove closes the journal of a job that is complete, and removes its file,
// and its directory when that is empty, and unfinished files that no transfer
// took up again.
func (j *Journal) Remove() error {
	j.mu.Lock()
	var err error
	named := j.file != nil
	if named {
		for id, p := range j.open {
			if p.dir != "" {
				err = errors.Join(err, absent(j.root.Remove(path.Join(p.dir, temporaryName(id.text())))))
			}
		}
		// Still locked, so that who opens it now finds that it is gone.
		err = errors.Join(err, j.usurped(), absent(j.at.dir.Remove(j.at.name)))
	}
	j.mu.Unlock()
	if closed := j.Close(); err == nil {
		err = closed
	}
	if dir := path.Dir(j.name); named && dir != "." {
		if failed := absent(j.root.Remove(dir)); failed != nil && !errors.Is(failed, syscall.ENOTEMPTY) && err == nil {
			err = failed
		}
	}
	return err
}

// usurped removes what has the file's name and is another: a program may have
// moved the file, or its directory, and put something else there.
func (j *Journal) usurped() error {
	ours, err := j.file.Stat()
	if err != nil {
		return badFile(err)
	}
	at, err := descend(j.root, j.name)
	if err != nil {
		return err
	}
	defer at.leave()
	if there, err := at.dir.Lstat(at.name); err != nil || os.SameFile(ours, there) {
		return absent(err)
	}
	return absent(at.dir.RemoveAll(at.name))
}

// absent is nil where what was to be removed is not there.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return badFile(err)
}

func isLabel(label string) bool {
	return label != "" && len(label) <= maxLabel && strings.Trim(label, letters+"0123456789-_") == ""
}
