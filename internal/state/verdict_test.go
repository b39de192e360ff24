package state_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/credential/verdicttest"
	"github.com/rolecall/rolecall/internal/state"
)

var (
	subject = credential.Subject{
		Organization: "acme", Principal: "arn:aws:iam::873682911326:role/worker", RoleARN: "arn:aws:iam::111122223333:role/acme-media", ExternalID: externalID,
	}
	passing = credential.Verdict{Passed: true}
)

const externalID = "Acme-4f0c2d7e91b3"

// verdicts opens the verdicts of a state directory.
func verdicts(t *testing.T, path string, log *slog.Logger) *state.Verdicts {
	t.Helper()
	d, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := d.Verdicts(log)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	verdicttest.Run(t, func(t *testing.T) credential.Verdicts {
		return verdicts(t, t.TempDir(), nil)
	})
}

// What is written is for the owner only, and holds no external id.
func TestVerdictsArePrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "verdicts")
	if err := verdicts(t, filepath.Dir(path), nil).Put(t.Context(), subject, credential.Verdict{}, passing); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(path)
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
		data, err := os.ReadFile(filepath.Join(path, f.Name()))
		if err != nil || strings.Contains(string(data), externalID) {
			t.Errorf("%s holds the external id: %v", f.Name(), err)
		}
	}
}

// Runs beside each other lose none of their verdicts.
func TestVerdictsAreShared(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	name := func(i int) credential.Subject {
		s := subject
		s.Principal = strings.Repeat("x", i+1)
		return s
	}
	var runs sync.WaitGroup
	for i := range 20 {
		runs.Go(func() {
			d, err := state.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			v, err := d.Verdicts(nil)
			if err != nil {
				t.Error(err)
				return
			}
			if err := v.Put(t.Context(), name(i), credential.Verdict{}, passing); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	d := verdicts(t, path, nil)
	for i := range 20 {
		if v, err := d.Get(t.Context(), name(i)); err != nil || !v.Passed {
			t.Errorf("run %d: %+v, %v", i, v, err)
		}
	}
}

// A file that is torn, or that others could have written, is as none: it
// gives no verdict and no claim, is told of, and is written over.
func TestVerdictsDamaged(t *testing.T) {
	t.Parallel()
	write := func(text string) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	mode := func(mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(*testing.T, string){
		"empty": write(""), "torn": write(`{"role_arn":"arn:aws`), "nothing in it": write("{}"), "other types": write(`[]`),
		"no verdicts": write(`{"organization":"acme"}`), "no organization": write(`{"organization":"","verdicts":{}}`),
		"another role's":     write(`{"role_arn":"arn:aws:iam::111122223333:role/other","organization":"globex","verdicts":{}}`),
		"writable by all":    mode(0o606),
		"writable by others": mode(0o660),
		"a link": func(t *testing.T, file string) {
			other := filepath.Join(t.TempDir(), "other")
			if err := errors.Join(os.Rename(file, other), os.Symlink(other, file)); err != nil {
				t.Fatal(err)
			}
		},
		"another user's": func(t *testing.T, file string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file to another user, which this case is about")
			}
			if err := os.Chown(file, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			var log bytes.Buffer
			d := verdicts(t, path, slog.New(slog.NewTextHandler(&log, nil)))
			if err := d.Put(t.Context(), subject, credential.Verdict{}, passing); err != nil {
				t.Fatal(err)
			}
			files, _ := filepath.Glob(filepath.Join(path, "verdicts", "*.json"))
			damage(t, files[0])
			if v, err := d.Get(t.Context(), subject); err != nil || v.Passed {
				t.Errorf("%+v, %v", v, err)
			}
			if !strings.Contains(log.String(), files[0]) || strings.Contains(log.String(), externalID) {
				t.Errorf("log: %s", &log)
			}
			if err := d.Put(t.Context(), subject, credential.Verdict{}, passing); err != nil {
				t.Fatal(err)
			}
			if v, err := d.Get(t.Context(), subject); err != nil || !v.Passed {
				t.Errorf("written over: %+v, %v", v, err)
			}
		})
	}
}

// What a run that was killed has left half written is neither read nor kept.
func TestVerdictsAfterAKilledRun(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := verdicts(t, path, nil)
	elsewhere := filepath.Join(t.TempDir(), "other")
	left := filepath.Join(path, "verdicts", ".new")
	for name, leave := range map[string]func() error{
		"torn":   func() error { return os.WriteFile(left, []byte(`{"role_arn":"arn`), 0o600) },
		"a link": func() error { return errors.Join(os.WriteFile(elsewhere, nil, 0o600), os.Symlink(elsewhere, left)) },
	} {
		if err := leave(); err != nil {
			t.Fatal(err)
		}
		if err := d.Put(t.Context(), subject, credential.Verdict{}, passing); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if v, err := d.Get(t.Context(), subject); err != nil || !v.Passed {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s stays: %v", name, err)
		}
	}
	if data, err := os.ReadFile(elsewhere); err != nil || len(data) > 0 {
		t.Errorf("written beyond the directory: %q, %v", data, err)
	}
}

// A run that holds the directory does not hold up another for ever.
func TestVerdictsLockedByAnother(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := verdicts(t, path, nil)
	synctest.Test(t, func(t *testing.T) {
		other, err := os.OpenFile(filepath.Join(path, "verdicts", ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Close() }()
		if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for name, call := range map[string]func() error{
			"get":    func() error { _, err := d.Get(ctx, subject); return err },
			"put":    func() error { return d.Put(ctx, subject, credential.Verdict{}, passing) },
			"remove": func() error { return d.Remove(ctx, subject) },
		} {
			err := call()
			if rolecall.CodeOf(err) != rolecall.Unavailable || !strings.Contains(err.Error(), "another rolecall") || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
		}
		time.AfterFunc(time.Second, func() { _ = other.Close() })
		if err := d.Put(t.Context(), subject, credential.Verdict{}, passing); err != nil {
			t.Errorf("after the other has ended: %v", err)
		}
	})
}
