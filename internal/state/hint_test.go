package state_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/hinttest"
	"github.com/rolecall/rolecall/internal/state"
)

// TestHints does what each hint about a state directory says, in each way that it
// names: then the directory is used.
func TestHints(t *testing.T) {
	t.Parallel()
	use := func(do func(*state.Dir) error) func(string) error {
		return func(path string) error {
			d, err := state.Open(path)
			if err != nil {
				return err
			}
			return do(d)
		}
	}
	export := use(func(d *state.Dir) error { _, err := d.Export(t.Context(), slog.New(slog.DiscardHandler)); return err })
	key := use(func(d *state.Dir) error { _, err := d.JournalKey("acme"); return err })
	id := use(func(d *state.Dir) error { _, _, err := d.Names().GenerateID(t.Context(), "acme"); return err })
	registry := use(func(d *state.Dir) error { _, err := d.Registry(); return err })
	write := func(text string, mode os.FileMode, name ...string) func(path string) (string, error) {
		return func(path string) (string, error) {
			file := filepath.Join(append([]string{path}, name...)...)
			err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.RemoveAll(file), os.WriteFile(file, []byte(text), mode), os.Chmod(file, mode))
			return path, err
		}
	}
	link := func(name string) func(path string) (string, error) {
		return func(path string) (string, error) { return path, os.Symlink(t.TempDir(), filepath.Join(path, name)) }
	}
	chmod := func(mode os.FileMode, name ...string) func(path string) (string, error) {
		return func(path string) (string, error) {
			return path, os.Chmod(filepath.Join(append([]string{path}, name...)...), mode)
		}
	}
	chown := func(owner int) func(path string) (string, error) {
		return func(path string) (string, error) { return path, os.Chown(path, owner, -1) }
	}
	another := func(string) (string, error) { return t.TempDir(), nil }
	const generated = "0123456789abcdef0123456789abcdef\n"
	const sealed = "0123456789abcdef0123456789abcdef"
	type change = func(path string) (string, error)
	type row struct {
		wrong    change
		use      func(path string) error
		hint     string
		followed []change
	}
	rows := []row{
		{write("", 0o600, "external-ids", "taken", "abc"), export, "restore it from a backup", []change{write("acme\n", 0o600, "external-ids", "taken", "abc")}},
		{write("short", 0o600, "journal.key"), key, "remove the file", []change{func(path string) (string, error) { return path, os.Remove(filepath.Join(path, "journal.key")) }}},
		{write("acme\n", 0o600, "external-ids", "generated", "acme"), id, "put back the id", []change{write(generated, 0o600, "external-ids", "generated", "acme")}},
		{write("{", 0o600, "registry.json"), registry, "restore it from a backup; rolecall serve writes it", []change{write(`{"directory":"d","database":"b","engine":"SQLite"}`, 0o600, "registry.json")}},
		{write(sealed, 0o622, "journal.key"), key, "(chmod go-w)", []change{chmod(0o600, "journal.key")}},
		{link("journal.key"), key, "put what belongs there in its place", []change{write(sealed, 0o600, "journal.key")}},
		{link("external-ids"), id, "put what belongs there in its place", []change{func(path string) (string, error) {
			room := filepath.Join(path, "external-ids")
			return path, errors.Join(os.Remove(room), os.Mkdir(room, 0o700))
		}}},
		{write("{}", 0o600, "verdicts", "0123.json"), id, "restore external-ids", []change{
			write(generated, 0o600, "external-ids", "generated", "acme"),
			func(path string) (string, error) { return path, os.Mkdir(filepath.Join(path, "external-ids"), 0o700) },
		}},
		{chmod(0o777 | os.ModeSticky), key, "name a new directory within it", []change{func(path string) (string, error) { return filepath.Join(path, "new"), nil }}},
		{func(path string) (string, error) {
			file := filepath.Join(path, "file")
			return file, os.WriteFile(file, nil, 0o600)
		}, key, "or name another directory as state", []change{another}},
	}
	changeless := []string{
		"Operator: run the version of rolecall that wrote it, or a newer one; another directory would forget all claims and external ids", // nothing of the directory changes
	}
	if os.Geteuid() == 0 {
		rows = append(rows, row{chown(65534), key, "give it to the user that runs rolecall (chown)", []change{chown(0), another}})
	} else { // who can give no directory away, but cannot write everywhere
		changeless = append(changeless, "Operator: give it to the user that runs rolecall (chown), or name another directory as state in rolecall.yaml")
		rows = append(rows, row{chmod(0o500), key, "make it writable", []change{chmod(0o700)}})
	}
	var done []string
	for _, c := range rows {
		for _, follow := range c.followed {
			path, err := c.wrong(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			hints := hintsOf(c.use(path))
			if len(hints) != 1 || !strings.Contains(hints[0], c.hint) {
				t.Errorf("the hints are %q, not %q", hints, c.hint)
			}
			done = append(done, hints...)
			if path, err = follow(path); err != nil {
				t.Fatal(err)
			}
			if err := c.use(path); err != nil {
				t.Errorf("by %q: %v", hints, err)
			}
		}
	}
	done = append(done, followLocks(t)...)
	hinttest.Followed(t, ".", done, changeless)
}

// followLocks follows the hints on what others hold: when they end, it is free.
func followLocks(t *testing.T) []string {
	var done []string
	type lock = func(context.Context, *state.Dir) (func(), error)
	serve := func(_ context.Context, d *state.Dir) (func(), error) { return d.LockServe("a test") }
	local := func(ctx context.Context, d *state.Dir) (func(), error) { return d.BeginLocal(ctx) }
	takeOver := func(ctx context.Context, d *state.Dir) (func(), error) { return d.BeginTakeOver(ctx) }
	for _, c := range []struct{ other, call lock }{{serve, serve}, {takeOver, local}, {local, takeOver}} {
		path := t.TempDir()
		d, err := state.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			end, err := c.other(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.call(t.Context(), d)
			done = append(done, hintsOf(err)...)
			end()
			end, err = c.call(t.Context(), d)
			if err != nil {
				t.Fatalf("by %q: %v", done, err)
			}
			defer end()
			elsewhere, err := state.Open(filepath.Join(path, "elsewhere"))
			if err != nil {
				t.Fatal(err)
			}
			other, err := c.call(t.Context(), elsewhere) // another directory
			if err != nil {
				t.Fatal(err)
			}
			other()
		})
	}
	return append(done, followVerdicts(t)...)
}

func followVerdicts(t *testing.T) []string {
	path := t.TempDir()
	d := verdicts(t, path, nil)
	var done []string
	synctest.Test(t, func(t *testing.T) {
		other, err := os.OpenFile(filepath.Join(path, "verdicts", ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err = d.Put(ctx, subject, credential.Verdict{}, passing)
		done = hintsOf(err)
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		if err := d.Put(t.Context(), subject, credential.Verdict{}, passing); err != nil {
			t.Errorf("by %q: %v", done, err)
		}
	})
	return done
}

func hintsOf(err error) []string {
	var out []string
	for _, e := range rolecall.List(err) {
		out = append(out, e.Hint)
	}
	return out
}
