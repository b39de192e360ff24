// Package journal records what the transfers of a job have begun and done, so
// that another attempt, or another process after a crash, can resume them.
//
// A journal is a file below the job's working directory: locked, and appended
// to line by line. The job's programs can write there, so the file is not
// trusted. Its lines are sealed with a key. An entry is found by a digest of
// the transfer and names no file or bucket to change. The transfer compares the
// recorded parts with those that S3 lists, or sums them again.
//
// Of S3 and of files the journal has only names and sums. What transfers began
// is undone by functions that they register.
package journal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/rolecall/rolecall/internal/workdir"
)

// Journal is the journal of one job. Use New or Open.
type Journal struct {
	label   string
	resumed bool
	root    *os.Root // set by Open; nil: in memory only
	name    string
	dir     workdir.Dir // of the file
	base    string      // the file's name in dir
	key     []byte

	mu     sync.Mutex // guards what follows
	seals  *seals
	file   *os.File
	size   int64
	failed error // first error of writing; nothing is written after it
	open   map[Digest]*pending
	done   map[Digest]Finished
	busy   map[Digest]bool // transfers that run in this process
	lost   map[string]bool // markers of uploads whose ids were lost in this process
}

// ErrLocked is the error of Open while another process works on the job.
var ErrLocked = errors.New("another process has the journal")

const (
	maxJournal = 32 << 20 // bytes: enough for 180,000 small files, or 1 TiB in parts
	maxOpen    = 10_000   // transfers that an earlier process left open
	maxLabel   = 64
)

// New returns a journal in memory, for the attempts of one process. Its label
// is random.
func New() *Journal {
	return &Journal{label: rand.Text(), open: map[Digest]*pending{}, done: map[Digest]Finished{}, busy: map[Digest]bool{}, lost: map[string]bool{}}
}

// Open creates the file name below dir with the label, or opens the one that
// exists, which has a label already. A label has 1 to 64 letters, digits,
// hyphens and underscores. The key is KeyBytes random bytes, stored where those
// who can write below dir cannot read it. Open refuses what was not written
// with the key, under this name, into this file. The error wraps ErrLocked
// while another process has the file open. Dir must stay open as long as the
// journal.
func Open(dir *os.Root, name, label string, key []byte) (*Journal, error) {
	j := New()
	j.root, j.name, j.label, j.key = dir, name, label, key
	err := j.start()
	if err != nil {
		j.Close()
		return nil, fmt.Errorf("journal %s: %w", name, err)
	}
	return j, nil
}

func (j *Journal) start() error {
	if !isLabel(j.label) {
		return fmt.Errorf("%q is no label", j.label)
	}
	if len(j.key) != KeyBytes {
		return fmt.Errorf("a key of %d bytes is none of a journal", len(j.key))
	}
	var err error
	if j.dir, j.base, err = workdir.Enter(j.root, j.name); err != nil {
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
	return j.file.Sync()
}

// lock opens the file and locks it. The previous holder may have removed the
// file between the two; then it is created again.
func (j *Journal) lock() (*os.File, error) {
	for range 100 {
		file, err := j.dir.Regular(j.base, os.O_RDWR|os.O_APPEND|os.O_CREATE)
		if err != nil {
			return nil, err
		}
		if err := lock(file); err != nil {
			file.Close()
			return nil, err
		}
		locked, err := file.Stat()
		if err == nil && workdir.Linked(locked) {
			file.Close()
			return nil, errors.New("it has another name as well")
		}
		if err == nil {
			if current, err := j.dir.Lstat(j.base); err == nil && os.SameFile(locked, current) {
				return file, nil
			}
		}
		file.Close()
	}
	return nil, errors.New("it is removed again and again")
}

// load reads the file. It drops everything from the first line on that is
// invalid or was cut by a crash.
func (j *Journal) load() error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > maxJournal {
		return errors.New("it is longer than any of ours")
	}
	j.seals = newSeals(j.key, j.name, inode(info))
	good, err := j.read(io.LimitReader(j.file, maxJournal))
	if err != nil {
		return err
	}
	if info.Size() > 0 && good == 0 && !noWholeLine(j.file) {
		return errors.New("it is none of ours")
	}
	j.size, j.resumed = good, good > 0
	return j.file.Truncate(good)
}

// noWholeLine reports whether the file has no complete line.
func noWholeLine(file *os.File) bool {
	head := make([]byte, maxLine)
	n, err := file.ReadAt(head, 0)
	return errors.Is(err, io.EOF) && !strings.Contains(string(head[:n]), "\n")
}

// Label returns the label of the process that created the journal: the job's
// id.
func (j *Journal) Label() string { return j.label }

// Resumed reports whether Open found an existing journal.
func (j *Journal) Resumed() bool { return j.resumed }

// Close closes the file and leaves it for a later process. It returns the first
// error of writing to it.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		if err := j.file.Close(); j.failed == nil {
			j.failed = err
		}
		j.file = nil
	}
	j.dir.Close()
	j.dir = workdir.Dir{}
	return j.failed
}

func isLabel(label string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	return label != "" && len(label) <= maxLabel && strings.Trim(label, letters+"0123456789-_") == ""
}
