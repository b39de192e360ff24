package state

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
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// Verdicts keeps verdicts, claims and pins, in one file per role. It holds no
// external id and no secret. A file that is damaged, or that another user owns
// or can write, counts as none: its role is proved, and claimed, again.
type Verdicts struct {
	dir *Dir
	log *slog.Logger
}

const verdictDir = "verdicts"

// Verdicts returns the store of verdicts, and makes its directory. The log,
// which may be nil, gets the files that are not relied on.
func (d *Dir) Verdicts(log *slog.Logger) (*Verdicts, error) {
	if err := d.make(verdictDir); err != nil {
		return nil, d.unusable("cannot keep verdicts in the state directory ", err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Verdicts{d, log}, nil
}

// roleFile is what is kept of one role. The file's form is private to Verdicts.
type roleFile struct {
	RoleARN      string `json:"role_arn"`
	Organization string `json:"organization,omitempty"` // that holds the claim
	// Its verdicts, by digest of the subject. Those of earlier versions, whose
	// digests have no region, prove nothing any more, but hold the claim.
	Verdicts map[string]credential.Verdict `json:"verdicts,omitempty"`
	Pins     map[string]string             `json:"pins,omitempty"` // by organization
}

// complete reports whether the file holds something, and no claim without a
// verdict.
func (f roleFile) complete() bool {
	return (f.Organization == "") == (len(f.Verdicts) == 0) && len(f.Verdicts)+len(f.Pins) > 0
}

// claimed returns the refusal of another organization's claim, or nil.
func (f roleFile) claimed(s credential.Subject) error {
	if f.Organization != "" && f.Organization != s.Organization {
		return &credential.ClaimedError{Owner: f.Organization}
	}
	return nil
}

// Get implements credential.Verdicts.
func (v *Verdicts) Get(ctx context.Context, s credential.Subject) (credential.Verdict, error) {
	var f roleFile
	err := v.locked(ctx, syscall.LOCK_SH, func() (err error) {
		f, err = v.read(ctx, s)
		return err
	})
	if err = cmp.Or(err, f.claimed(s)); err != nil {
		return credential.Verdict{}, err
	}
	return f.Verdicts[s.Digest()], nil
}

// Put implements credential.Verdicts.
func (v *Verdicts) Put(ctx context.Context, s credential.Subject, old, passing credential.Verdict) error {
	return v.change(ctx, s, func(f *roleFile) error {
		if err := f.claimed(s); err != nil {
			return err
		}
		if !f.Verdicts[s.Digest()].First.Equal(old.First) {
			return credential.ErrStale
		}
		f.Organization = s.Organization
		f.Verdicts[s.Digest()] = passing
		of, _, _ := strings.Cut(s.Digest(), "/")
		delete(f.Verdicts, of) // see roleFile
		return nil
	})
}

// Remove implements credential.Verdicts.
func (v *Verdicts) Remove(ctx context.Context, s credential.Subject) error {
	return v.change(ctx, s, func(f *roleFile) error {
		if f.Organization == s.Organization {
			of, _, _ := strings.Cut(s.Digest(), "/")
			maps.DeleteFunc(f.Verdicts, func(digest string, _ credential.Verdict) bool {
				return digest == s.Digest() || s == s.Anywhere() && (digest == of || strings.HasPrefix(digest, of+"/"))
			})
		}
		return nil
	})
}

// Release implements credential.Verdicts.
func (v *Verdicts) Release(ctx context.Context, s credential.Subject) error {
	return v.change(ctx, s, func(f *roleFile) error {
		if f.Organization == s.Organization {
			clear(f.Verdicts)
		}
		delete(f.Pins, s.Organization)
		return nil
	})
}

// Pin implements credential.Verdicts.
func (v *Verdicts) Pin(ctx context.Context, s credential.Subject, id string) (pinned string, err error) {
	err = v.change(ctx, s, func(f *roleFile) error {
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
func (v *Verdicts) change(ctx context.Context, s credential.Subject, change func(*roleFile) error) error {
	return v.locked(ctx, syscall.LOCK_EX, func() error {
		f, err := v.read(ctx, s)
		if err != nil {
			return err
		}
		f.RoleARN = s.RoleARN
		if f.Verdicts == nil {
			f.Verdicts = map[string]credential.Verdict{}
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
			return v.write(s, f)
		}
		if err := os.Remove(v.path(fileOf(s))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove verdict: %w", err)
		}
		return nil
	})
}

func (v *Verdicts) path(name string) string { return filepath.Join(v.dir.path, verdictDir, name) }

func fileOf(s credential.Subject) string {
	sum := sha256.Sum256([]byte(s.ClaimKey()))
	return hex.EncodeToString(sum[:16]) + ".json"
}

// read returns what is known of the subject's role, and the zero roleFile where
// nothing is that can be relied on.
func (v *Verdicts) read(ctx context.Context, s credential.Subject) (roleFile, error) {
	data, err := v.dir.read(filepath.Join(verdictDir, fileOf(s)))
	if errors.Is(err, fs.ErrNotExist) {
		return roleFile{}, nil
	}
	var f roleFile
	if err == nil {
		f, err = v.parse(data, s)
	}
	switch {
	case isUnreliable(err):
		v.log.WarnContext(ctx, "verdicts not relied on, the role is proved anew", "role", s.RoleARN, "file", v.path(fileOf(s)), "error", err)
		return roleFile{}, nil
	case err != nil:
		return roleFile{}, fmt.Errorf("read verdict: %w", err)
	}
	return f, nil
}

func (v *Verdicts) parse(data []byte, s credential.Subject) (roleFile, error) {
	var f roleFile
	damaged := func(reason string) (roleFile, error) {
		return roleFile{}, &unreliableError{path: v.path(fileOf(s)), reason: reason}
	}
	switch err := json.Unmarshal(data, &f); {
	case err != nil:
		return damaged(err.Error())
	case !f.complete():
		return damaged("it is incomplete")
	case credential.Subject{RoleARN: f.RoleARN}.ClaimKey() != s.ClaimKey():
		return damaged("it is another role's")
	}
	return f, nil
}

// write keeps the file. The lock keeps other writers away, so that what is
// half-written there is a killed process's.
func (v *Verdicts) write(s credential.Subject, f roleFile) error {
	sweep(v.path(""), 0)
	data, err := json.Marshal(f)
	if err == nil {
		err = v.dir.write(filepath.Join(verdictDir, fileOf(s)), data)
	}
	if err != nil {
		return fmt.Errorf("write verdict: %w", err)
	}
	return nil
}

// locked runs do under the lock of the verdicts, which other processes take
// too.
func (v *Verdicts) locked(ctx context.Context, how int, do func() error) error {
	lock, err := os.OpenFile(v.path(".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock state directory: %w", err)
	}
	defer func() { _ = lock.Close() }() // unlocks
	switch err := flock(ctx, lock, how); {
	case err == nil:
		return do()
	case ctx.Err() != nil:
		return &rolecall.Error{
			Code: rolecall.Unavailable, Message: "another rolecall holds the state directory",
			Hint: "You: wait for it to end, or look for one that hangs", Err: ctx.Err(),
		}
	default:
		return fmt.Errorf("lock state directory: %w", err)
	}
}
