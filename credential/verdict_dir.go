package credential

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rolecall/rolecall"
)

// Dir keeps verdicts in a directory, one file per role, for local runs. Runs
// beside each other share it safely. It holds no external id and no secret.
// A file that is damaged, or that another user owns or can write, counts as
// none: its role is proved, and claimed, anew.
type Dir struct {
	Log  *slog.Logger // is told of such files; nil: nobody
	path string
}

// OpenDir makes the directory, for its owner only, and opens it.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	// Whoever writes here decides which roles are safe.
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // a directory needs its x
		return nil, fmt.Errorf("close state directory to others: %w", err)
	}
	return &Dir{path: path}, nil
}

// roleFile is what is kept of one role. The file's form is private to Dir.
type roleFile struct {
	RoleARN      string             `json:"role_arn"`
	Organization string             `json:"organization,omitempty"` // that holds the claim
	Verdicts     map[string]Verdict `json:"verdicts,omitempty"`     // its, by digest of the subject
	Pins         map[string]string  `json:"pins,omitempty"`         // by organization
}

// complete tells whether there is something in the file, and no claim without
// a verdict.
func (f roleFile) complete() bool {
	return (f.Organization == "") == (len(f.Verdicts) == 0) && len(f.Verdicts)+len(f.Pins) > 0
}

// claimed is the refusal of another organization's claim, or nil.
func (f roleFile) claimed(s Subject) error {
	if f.Organization != "" && f.Organization != s.Organization {
		return &ClaimedError{Owner: f.Organization}
	}
	return nil
}

// Get implements Verdicts.
func (d *Dir) Get(ctx context.Context, s Subject) (Verdict, error) {
	var f roleFile
	err := d.locked(ctx, syscall.LOCK_SH, func() (err error) {
		f, err = d.read(ctx, s)
		return err
	})
	if err = cmp.Or(err, f.claimed(s)); err != nil {
		return Verdict{}, err
	}
	return f.Verdicts[s.Digest()], nil
}

// Put implements Verdicts.
func (d *Dir) Put(ctx context.Context, s Subject, old, passing Verdict) error {
	return d.change(ctx, s, func(f *roleFile) error {
		if err := f.claimed(s); err != nil {
			return err
		}
		if !f.Verdicts[s.Digest()].First.Equal(old.First) {
			return ErrStale
		}
		f.Organization = s.Organization
		f.Verdicts[s.Digest()] = passing
		return nil
	})
}

// Remove implements Verdicts.
func (d *Dir) Remove(ctx context.Context, s Subject) error {
	return d.change(ctx, s, func(f *roleFile) error {
		if f.Organization == s.Organization {
			delete(f.Verdicts, s.Digest())
		}
		return nil
	})
}

// Release implements Verdicts.
func (d *Dir) Release(ctx context.Context, s Subject) error {
	return d.change(ctx, s, func(f *roleFile) error {
		if f.Organization == s.Organization {
			clear(f.Verdicts)
		}
		delete(f.Pins, s.Organization)
		return nil
	})
}

// Pin implements Verdicts.
func (d *Dir) Pin(ctx context.Context, s Subject, id string) (pinned string, err error) {
	err = d.change(ctx, s, func(f *roleFile) error {
		if err := f.claimed(s); err != nil {
			return err
		}
		pinned = cmp.Or(f.Pins[s.Organization], id)
		f.Pins[s.Organization] = pinned
		return nil
	})
	return pinned, err
}

// change changes what is kept of the subject's role, or nothing at an error.
func (d *Dir) change(ctx context.Context, s Subject, change func(*roleFile) error) error {
	return d.locked(ctx, syscall.LOCK_EX, func() error {
		f, err := d.read(ctx, s)
		if err != nil {
			return err
		}
		f.RoleARN = s.RoleARN
		if f.Verdicts == nil {
			f.Verdicts = map[string]Verdict{}
		}
		if f.Pins == nil {
			f.Pins = map[string]string{}
		}
		if err := change(&f); err != nil {
			return err
		}
		if len(f.Verdicts) == 0 {
			f.Organization = ""
		}
		if f.complete() {
			return d.write(s, f)
		}
		if err := os.Remove(d.file(s)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove verdict: %w", err)
		}
		return nil
	})
}

func (d *Dir) file(s Subject) string {
	sum := sha256.Sum256([]byte(s.ClaimKey()))
	return filepath.Join(d.path, hex.EncodeToString(sum[:16])+".json")
}

// read gives what is known of the subject's role; the zero roleFile when
// nothing is that can be relied on.
func (d *Dir) read(ctx context.Context, s Subject) (roleFile, error) {
	f, err := readRoleFile(d.file(s))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return roleFile{}, nil
	case errors.Is(err, errUnreliable) || err == nil && Subject{RoleARN: f.RoleARN}.ClaimKey() != s.ClaimKey():
		if d.Log != nil {
			d.Log.WarnContext(ctx, "verdicts not relied on, the role is proved anew", "role", s.RoleARN, "file", d.file(s), "error", err)
		}
		return roleFile{}, nil
	case err != nil:
		return roleFile{}, fmt.Errorf("read verdict: %w", err)
	}
	return f, nil
}

var errUnreliable = errors.New("not a file that was written here")

// readRoleFile reads what only its owner, who is us, could have written. In a
// directory of the same kind nobody can exchange it meanwhile.
func readRoleFile(path string) (roleFile, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return roleFile{}, err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 || int(owner.Uid) != os.Geteuid() {
		return roleFile{}, fmt.Errorf("%w: %s", errUnreliable, info.Mode())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return roleFile{}, err
	}
	var f roleFile
	if err := json.Unmarshal(data, &f); err != nil {
		return roleFile{}, fmt.Errorf("%w: %w", errUnreliable, err)
	}
	if !f.complete() {
		return roleFile{}, fmt.Errorf("%w: incomplete", errUnreliable)
	}
	return f, nil
}

// write puts the file in place whole or not at all. The lock keeps others from
// the new one; what a killed run has left there is overwritten.
func (d *Dir) write(s Subject, f roleFile) error {
	data, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("write verdict: %w", err)
	}
	path := filepath.Join(d.path, ".new")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write verdict: %w", err)
	}
	tmp, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write verdict: %w", err)
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(path, d.file(s))
	}
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("write verdict: %w", err)
	}
	return nil
}

// locked runs do under the directory's lock, which other processes heed too.
func (d *Dir) locked(ctx context.Context, how int, do func() error) error {
	lock, err := os.OpenFile(filepath.Join(d.path, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock state directory: %w", err)
	}
	defer func() { _ = lock.Close() }() // unlocks
	for wait := firstLockWait; ; wait = min(2*wait, maxLockWait) {
		err := syscall.Flock(int(lock.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return do()
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("lock state directory: %w", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return &rolecall.Error{
				Code: rolecall.Unavailable, Message: "another rolecall holds the state directory",
				Hint: "wait for it to end, or look for one that hangs", Err: ctx.Err(),
			}
		}
	}
}

// The lock is held for moments, so it is asked for often.
const (
	firstLockWait = time.Millisecond
	maxLockWait   = 100 * time.Millisecond
)
