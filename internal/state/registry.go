package state

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rolecall/rolecall"
)

const (
	registryFile = "registry.json"
	localFile    = "local.lock"
)

// Registry says which database has taken over what local runs keep: from then on
// the files of the directory are not read.
type Registry struct {
	Directory string `json:"directory"` // the directory's own id
	Database  string `json:"database"`  // the database's
	Engine    string `json:"engine"`    // SQLite, in the directory, or PostgreSQL
}

// Registry returns which database has taken over the directory, the zero
// Registry for none.
func (d *Dir) Registry() (r Registry, err error) {
	text, err := d.read(registryFile)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return r, nil
	}
	if err != nil {
		return r, d.unusable("cannot read which database has taken over the state directory ", err)
	}
	if json.Unmarshal(text, &r) != nil || r.Directory == "" || r.Database == "" {
		return r, &rolecall.Error{
			Code: rolecall.Conflict, Pointer: "/state", Message: filepath.Join(d.path, registryFile) + " is damaged",
			Hint: "Operator: restore it from a backup; rolecall serve writes it",
		}
	}
	return r, nil
}

// KeepRegistry stores which database has taken over the directory.
func (d *Dir) KeepRegistry(r Registry) error {
	text, err := json.Marshal(r)
	if err == nil {
		err = d.write(registryFile, append(text, '\n'))
	}
	if err != nil {
		return d.unusable("cannot keep in the state directory which database has taken it over: ", err)
	}
	return nil
}

// NewDirectoryID returns an id for a directory that has none.
func NewDirectoryID() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // never fails; see crypto/rand
	return hex.EncodeToString(bits[:])
}

// BeginLocal begins a local run that keeps what it keeps in files: no database
// takes the directory over until the function that it returns is called. It
// waits for one that does at this moment.
func (d *Dir) BeginLocal(ctx context.Context) (end func(), err error) {
	return d.lockLocal(ctx, syscall.LOCK_SH, maxLocalWait, "a service is taking over the state directory "+d.path, "You: try again in a moment")
}

// BeginTakeOver waits a moment for local runs to end, and lets no other begin
// until the function that it returns is called. The code of its error is Conflict
// while local runs go on.
func (d *Dir) BeginTakeOver(ctx context.Context) (end func(), err error) {
	return d.lockLocal(ctx, syscall.LOCK_EX, takeOverWait, "a local run is under way, which keeps claims in the state directory "+d.path,
		"Operator: let rolecall run, check or exec end first, then start rolecall serve again")
}

// How long the two wait for each other.
const (
	maxLocalWait = 10 * time.Second
	takeOverWait = 2 * time.Second
)

func (d *Dir) lockLocal(ctx context.Context, how int, wait time.Duration, busy, hint string) (func(), error) {
	if err := d.make("."); err != nil {
		return nil, d.unusable("cannot keep anything in the state directory ", err)
	}
	lock, err := os.OpenFile(filepath.Join(d.path, localFile), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, d.unusable("cannot lock the state directory ", err)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	switch err := flock(ctx, lock, how); {
	case err == nil:
		return func() { _ = lock.Close() }, nil // unlocks
	case ctx.Err() != nil:
		_ = lock.Close() // it was not locked
		return nil, &rolecall.Error{Code: rolecall.Conflict, Message: busy, Hint: hint, Err: err}
	default:
		return nil, d.unusable("cannot lock the state directory ", errors.Join(err, lock.Close()))
	}
}

// flock locks a file. It asks often, since locks are held for moments.
func flock(ctx context.Context, file *os.File, how int) error {
	for wait := firstLockWait; ; wait = min(2*wait, maxLockWait) {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("lock %s: %w", file.Name(), ctx.Err())
		}
	}
}

const (
	firstLockWait = time.Millisecond
	maxLockWait   = 100 * time.Millisecond
)
