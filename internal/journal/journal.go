// Package journal keeps what the transfers of a job have begun and done, so
// that whoever takes the job up again, another try or another process after a
// crash, goes on where it ended.
//
// A journal is a file below the job's working directory: locked, appended to
// line by line, each line sealed. It lies where the job's programs can write,
// and is not trusted: its lines are sealed with a key; an entry is found by a
// digest of what a transfer is about, and names neither a file nor a bucket to
// be touched; the parts that it tells of are for the transfer to hold against
// what S3 lists, or to sum again.
//
// Of S3 and of files it knows names and sums only. What is begun is taken back
// by functions that the transfers leave.
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

// Journal is a job's. Use New or Open.
type Journal struct {
	label   string
	resumed bool
	root    *os.Root // of Open; nil: in memory only
	name    string
	at      workdir.Dir // the directory that the file is in
	base    string      // the file's name there
	key     []byte

	mu     sync.Mutex // guards what follows
	seals  *seals
	file   *os.File
	size   int64
	failed error // the first to write; nothing is written after it
	open   map[Digest]*pending
	done   map[Digest]Finished
	busy   map[Digest]bool // transfers at work in this process
	lost   map[string]bool // markers of uploads whose ids were lost in this process
}

// ErrLocked says that another process is at work on the job.
var ErrLocked = errors.New("another process has the journal")

const (
	maxJournal = 32 << 20 // bytes: what 180,000 small files take, or 1 TiB in parts
	maxOpen    = 10_000   // transfers that an earlier process left open
	maxLabel   = 64
)

// New makes a journal in memory, for the tries of one process. Its label is
// random.
func New() *Journal {
	return &Journal{label: rand.Text(), open: map[Digest]*pending{}, done: map[Digest]Finished{}, busy: map[Digest]bool{}, lost: map[string]bool{}}
}

// Open begins the file name below dir, with the label, or goes on with what is
// there, which has a label already. A label is 1 to 64 letters, digits and
// hyphens. The key is KeyBytes of randomness, to be kept where those who can
// write below dir cannot read: what was not written with it, under this name,
// into this very file, is refused. The error wraps ErrLocked while another
// process has the file. Dir must stay open as long as the journal.
func Open(dir *os.Root, name, label string, key []byte) (*Journal, error) {
	j := New()
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
	if len(j.key) != KeyBytes {
		return fmt.Errorf("a key of %d bytes is none of a journal", len(j.key))
	}
	var err error
	if j.at, j.base, err = workdir.Enter(j.root, j.name); err != nil {
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

// lock opens the file and locks it. Whoever had it may have removed it between
// the two: then another one is begun.
func (j *Journal) lock() (*os.File, error) {
	for range 100 {
		file, err := j.at.Regular(j.base, os.O_RDWR|os.O_APPEND|os.O_CREATE)
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
			if there, err := j.at.Lstat(j.base); err == nil && os.SameFile(locked, there) {
				return file, nil
			}
		}
		file.Close()
	}
	return nil, errors.New("it is removed again and again")
}

// load reads what is there. What follows the first line that is none of
// ours, or was torn by a crash, is dropped.
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
	if info.Size() > 0 && good == 0 && !torn(j.file) {
		return errors.New("it is none of ours")
	}
	j.size, j.resumed = good, good > 0
	return j.file.Truncate(good)
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

// Close leaves the file for a later process. Its error is the first that kept
// something from being noted.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		if err := j.file.Close(); j.failed == nil {
			j.failed = err
		}
		j.file = nil
	}
	j.at.Close()
	j.at = workdir.Dir{}
	return j.failed
}

func isLabel(label string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	return label != "" && len(label) <= maxLabel && strings.Trim(label, letters+"0123456789-_") == ""
}
