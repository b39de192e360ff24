package state_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/tenant"
)

// A directory that an earlier rolecall wrote is taken as it is, and gets the
// format file at the first write.
func TestOldDirectory(t *testing.T) {
	t.Parallel()
	path := recorded(t)
	kept := credential.Subject{
		Organization: "acme", Principal: "arn:aws:iam::873682911326:role/worker", RoleARN: "arn:aws:iam::111122223333:role/media", ExternalID: "x-42",
	}
	before, err := os.ReadFile(filepath.Join(path, "journal.key"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(path, "format")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opening wrote the format: %v", err)
	}
	store, err := d.Verdicts(nil)
	if err != nil {
		t.Fatal(err)
	}
	// Its verdicts say nothing of a region, so they prove nothing.
	for _, region := range []string{"", "eu-central-1"} {
		kept.Region = region
		if v, err := store.Get(t.Context(), kept); err != nil || v.Passed {
			t.Errorf("in region %q the verdict is %+v, %v", region, v, err)
		}
	}
	other := kept
	other.Organization = "globex"
	var claimed *credential.ClaimedError
	if _, err := store.Get(t.Context(), other); !errors.As(err, &claimed) || claimed.Owner != "acme" {
		t.Errorf("the claim: %v", err)
	}
	if id, err := d.Names().GeneratedID(t.Context(), "initech"); err != nil || id != "5f2173b0c8981a29ff35a0fd1dba647c" {
		t.Errorf("the generated external id is %q, %v", id, err)
	}
	var taken *tenant.TakenError
	for _, name := range []string{"acme", "X-42"} {
		if err := d.Names().Take(t.Context(), name, "globex"); !errors.As(err, &taken) || taken.Owner != "acme" {
			t.Errorf("%s: %v", name, err)
		}
	}
	of := hmac.New(sha256.New, before)
	of.Write([]byte("journals of acme"))
	if key, err := d.JournalKey("acme"); err != nil || !bytes.Equal(key, of.Sum(nil)) {
		t.Errorf("the key of journals is %x, %v", key, err)
	}
	masters := rolecall.Connection{Name: "masters"}
	const revision = "83671f461c83542cf395769cfbc8287acc4346e1504c06c5907e77a7ec3d225d"
	for revision, changed := range map[string]bool{revision: false, "another": true} {
		since, err := checks(t, recorded(t)).Changed(t.Context(), rolecall.Organization{APIName: "acme"}, masters, rolecall.Principal{Name: "production"}, revision)
		if err != nil || since.IsZero() == changed {
			t.Errorf("%s: changed at %v, %v", revision, since, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(path, "format")); err != nil || string(text) != "1\n" {
		t.Errorf("the format is %q, %v", text, err)
	}
}

// recorded is a copy of a state directory as rolecall wrote it before there was
// a format file.
func recorded(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	if err := os.CopyFS(path, os.DirFS("testdata/version1")); err != nil {
		t.Fatal(err)
	}
	err := filepath.Walk(path, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		return os.Chmod(name, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// What a newer rolecall wrote is left alone.
func TestNewerDirectory(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"2\n", "", "0", "a newer one"} {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, "format"), []byte(format), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := state.Open(path)
		if e := rolecall.List(err); rolecall.CodeOf(err) != rolecall.Conflict || e[0].Pointer != "/state" || !strings.HasPrefix(e[0].Hint, "Operator: ") {
			t.Errorf("%q: %v", format, err)
		}
	}
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "format"), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Open(path); err != nil {
		t.Error(err)
	}
}

// A directory that others could write to is closed to them, and in one that is
// another user's nothing is kept.
func TestDirectoryIsOurs(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	room := filepath.Join(path, "verdicts")
	for _, dir := range []string{path, room} {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chmod(dir, 0o777)); err != nil {
			t.Fatal(err)
		}
	}
	verdicts(t, path, nil)
	for dir, mode := range map[string]os.FileMode{path: 0o755, room: 0o700} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory to another user, which the rest is about")
	}
	if err := os.Chown(room, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	d, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Verdicts(nil); rolecall.CodeOf(err) != rolecall.Invalid {
		t.Errorf("another user's: %v", err)
	}
	if _, err := d.Verdicts(nil); !strings.Contains(err.Error(), room+" is not relied on: another user owns it") {
		t.Errorf("another user's: %v", err)
	}
}

// Nothing is read from, or written to, a state directory that others can put
// files into, whatever it is wanted for. One of our own is closed to them first.
func TestStateDirectoryOfOthers(t *testing.T) {
	t.Parallel()
	uses := map[string]func(*state.Dir) error{
		"a verdict": func(d *state.Dir) error { _, err := d.Verdicts(nil); return err },
		"a name":    func(d *state.Dir) error { return d.Names().Take(t.Context(), "acme", "acme") },
		"an external id": func(d *state.Dir) error {
			_, _, err := d.Names().GenerateID(t.Context(), "acme")
			return err
		},
		"the journals' key": func(d *state.Dir) error { _, err := d.JournalKey("acme"); return err },
		"a report": func(d *state.Dir) error {
			_, err := d.Checks().Keep(t.Context(), rolecall.CheckReport{Organization: "acme", Connection: "masters"})
			return err
		},
	}
	const nobody = 65534
	for name, c := range map[string]struct {
		owner int
		mode  os.FileMode
		after os.FileMode // zero: refused
	}{
		"ours":                        {os.Geteuid(), 0o700, 0o700},
		"ours, others read":           {os.Geteuid(), 0o755, 0o755},
		"ours, a group writes":        {os.Geteuid(), 0o775, 0o755},
		"ours, all write":             {os.Geteuid(), 0o777, 0o755},
		"ours, with a group's bit":    {os.Geteuid(), 0o777 | os.ModeSetgid, 0o755 | os.ModeSetgid},
		"ours, as /tmp is":            {os.Geteuid(), 0o777 | os.ModeSticky, 0},
		"another's":                   {nobody, 0o755, 0},
		"another's, closed to others": {nobody, 0o700, 0},
		"another's, all write":        {nobody, 0o777, 0},
		"another's, as /tmp is":       {nobody, 0o777 | os.ModeSticky, 0},
	} {
		for use, do := range uses {
			path := recorded(t)
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			d, err := state.Open(path)
			if c.owner != os.Geteuid() {
				if os.Geteuid() != 0 {
					continue // only root can give a directory to another user
				}
				if err := errors.Join(os.Chown(path, c.owner, c.owner), os.Chmod(path, c.mode)); err != nil {
					t.Fatal(err)
				}
			}
			if err == nil {
				err = do(d)
			}
			if (err == nil) != (c.after != 0) {
				t.Errorf("%s, %s: %v", name, use, err)
			}
			if e := rolecall.List(err); err != nil && (e[0].Pointer != "/state" || !strings.HasPrefix(e[0].Hint, "Operator: ") || !strings.Contains(e[0].Message, path+" is not relied on")) {
				t.Errorf("%s, %s: %+v", name, use, e[0])
			}
			after := c.after
			if after == 0 {
				after = c.mode
			}
			if info, err := os.Stat(path); err != nil || info.Mode()&^os.ModeDir != after {
				t.Errorf("%s, %s: the mode is %v, %v", name, use, info.Mode(), err)
			}
		}
	}
}

func TestExposure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dir, file os.FileMode
		want      state.Exposure
	}{
		"closed":             {0o700, 0o600, state.Exposure{}},
		"others read":        {0o755, 0o644, state.Exposure{Read: true}},
		"a group reads":      {0o755, 0o640, state.Exposure{Read: true}},
		"a group writes":     {0o755, 0o660, state.Exposure{Read: true, Write: true}},
		"others write":       {0o755, 0o602, state.Exposure{Write: true}},
		"a directory of all": {0o777, 0o600, state.Exposure{Write: true}},
		"as in /tmp":         {0o777 | os.ModeSticky, 0o600, state.Exposure{}},
	} {
		dir := filepath.Join(t.TempDir(), "dir")
		path := filepath.Join(dir, "file")
		link := filepath.Join(t.TempDir(), "link")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(path, nil, 0o600), os.Chmod(path, c.file), os.Chmod(dir, c.dir), os.Symlink(path, link)); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{path, link} {
			if got, err := state.ExposureOf(path); err != nil || got != c.want {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		if os.Geteuid() == 0 {
			if err := os.Chown(path, 65534, 65534); err != nil {
				t.Fatal(err)
			}
			if got, err := state.ExposureOf(path); err != nil || !got.Write || !got.Read {
				t.Errorf("%s, another's: %+v, %v", name, got, err)
			}
		}
	}
	if _, err := state.ExposureOf(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file is no error")
	}
}

// A link in place of a directory is not followed: what it leads to is not ours
// to close, nor to believe.
func TestLinkIsNoDirectory(t *testing.T) {
	t.Parallel()
	path, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Chmod(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(elsewhere, "generated"), 0o700), os.Symlink(elsewhere, filepath.Join(path, "external-ids"))); err != nil {
		t.Fatal(err)
	}
	dir, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := dir.Names().GeneratedID(t.Context(), "acme"); err == nil {
		t.Errorf("got %s by a link", id)
	}
	info, err := os.Stat(elsewhere)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the link's directory is %v, %v", info.Mode(), err)
	}
}
