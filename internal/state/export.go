package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// Kept is all that local runs keep in a state directory, for a database that
// takes it over.
type Kept struct {
	Taken      map[string]string // organizations by their names' tenant.Digest
	Generated  map[string]string // external ids by organization
	Roles      []KeptRole
	JournalKey []byte // nil: none was made
	Checks     []KeptCheck
}

// KeptRole is what is kept of a role or dispenser.
type KeptRole struct {
	File         string // where it is kept, for the operator
	RoleARN      string // or the URL of a dispenser
	Organization string // that holds the claim; empty: nobody
	Verdicts     map[string]credential.Verdict
	Pins         map[string]string // by organization
}

// KeptCheck is the last check of a connection.
type KeptCheck struct {
	Report    rolecall.CheckReport
	Principal string
	Revision  string    // as it was found
	Since     time.Time // since when it was so; zero: it never was another
	Ended     time.Time
}

// IsEmpty reports whether nothing is kept.
func (k Kept) IsEmpty() bool {
	return len(k.Taken)+len(k.Generated)+len(k.Roles)+len(k.Checks)+len(k.JournalKey) == 0
}

// Export reads all that is kept. Files of verdicts that are not relied on are
// left out, and logged, as Verdicts does; names and keys that are not relied on
// are its error. So are damaged ones.
func (d *Dir) Export(ctx context.Context, log *slog.Logger) (k Kept, err error) {
	if k.Taken, err = d.lines(takenDir); err != nil {
		return k, err
	}
	if k.Generated, err = d.lines(generatedDir); err != nil {
		return k, err
	}
	for organization, id := range k.Generated {
		if _, err := d.Names().checked(organization, filepath.Join(generatedDir, organization), id); err != nil {
			return k, err
		}
	}
	if k.Roles, err = d.roles(ctx, log); err != nil {
		return k, err
	}
	if k.JournalKey, err = d.read(journalKeyFile); errors.Is(err, fs.ErrNotExist) {
		k.JournalKey, err = nil, nil
	}
	if err != nil {
		return k, d.unusable("cannot read the key of journals in the state directory ", err)
	}
	if err := checkJournalKey(k.JournalKey); k.JournalKey != nil && err != nil {
		return k, err
	}
	k.Checks = d.checks()
	return k, nil
}

// names of the entries of a directory, without what is being written.
func (d *Dir) entries(name string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(d.path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// lines returns the line in each file of a directory, by the file's name.
func (d *Dir) lines(name string) (map[string]string, error) {
	names, err := d.entries(name)
	if err != nil {
		return nil, d.unusable("cannot read external ids in the state directory ", err)
	}
	lines := map[string]string{}
	for _, file := range names {
		line, _, err := d.Names().existing(filepath.Join(name, file))
		if err != nil {
			return nil, err
		}
		if line == "" {
			return nil, &rolecall.Error{
				Code: rolecall.Conflict, Pointer: "/state", Message: "the file " + filepath.Join(d.path, name, file) + " is empty",
				Hint: "Operator: restore it from a backup",
			}
		}
		lines[file] = line
	}
	return lines, nil
}

func (d *Dir) roles(ctx context.Context, log *slog.Logger) (roles []KeptRole, err error) {
	names, err := d.entries(verdictDir)
	if err != nil {
		return nil, d.unusable("cannot read verdicts in the state directory ", err)
	}
	for _, name := range names {
		path := filepath.Join(d.path, verdictDir, name)
		data, err := d.read(filepath.Join(verdictDir, name))
		var f roleFile
		if err == nil && (json.Unmarshal(data, &f) != nil || !f.complete() || name != fileOf(credential.Subject{RoleARN: f.RoleARN})) {
			err = &unreliableError{path: path, reason: "it is damaged, or another role's"}
		}
		switch {
		case isUnreliable(err):
			log.WarnContext(ctx, "verdicts not relied on, the role is proved again", "file", path, "error", err)
			continue
		case err != nil:
			return nil, fmt.Errorf("read verdict: %w", err)
		}
		roles = append(roles, KeptRole{path, f.RoleARN, f.Organization, f.Verdicts, f.Pins})
	}
	return roles, nil
}

// checks returns the last check of each connection, as far as it can be told as
// what it was made: whatever is wrong with a record, the connection is checked
// again.
func (d *Dir) checks() (checks []KeptCheck) {
	organizations, _ := d.entries(checkDir)
	for _, organization := range organizations {
		files, _ := d.entries(filepath.Join(checkDir, organization))
		for _, file := range files {
			connection, isReport := strings.CutSuffix(file, ".json")
			if !isReport {
				continue
			}
			if c, ok := d.check(organization, connection); ok {
				checks = append(checks, c)
			}
		}
	}
	return checks
}

// check returns the last check of a connection. Its report does not say whose
// it was: it counts only where one principal has made checks, and if it was made
// after the connection became what it is.
func (d *Dir) check(organization, connection string) (c KeptCheck, ok bool) {
	report, ok := checkFile(organization, connection, ".json")
	if !ok {
		return c, false
	}
	revisions := map[string]revision{}
	path, err := d.readable(report)
	if err != nil || !d.reads(report, &c.Report) || !d.reads(strings.TrimSuffix(report, ".json")+".revision", &revisions) || len(revisions) != 1 {
		return c, false
	}
	info, err := os.Stat(path)
	if err != nil || c.Report.Organization != organization || c.Report.Connection != connection {
		return c, false
	}
	for principal, r := range revisions {
		c.Principal, c.Revision, c.Since = principal, r.Revision, r.Since
	}
	c.Ended = info.ModTime()
	return c, !c.Ended.Before(c.Since)
}

func (d *Dir) reads(file string, into any) bool {
	data, err := d.read(file)
	return err == nil && json.Unmarshal(data, into) == nil
}
