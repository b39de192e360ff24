package state

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// Checks keeps what checks leave: the last report of each connection, and since
// when the connection has been as it is.
type Checks struct{ dir *Dir }

const checkDir = "checks"

// Checks returns the records of checks.
func (d *Dir) Checks() Checks { return Checks{d} }

// revision is how a principal's last check found a connection.
type revision struct {
	Revision string    `json:"revision"`
	Since    time.Time `json:"since,omitzero"` // when it was found changed; zero for one that never was
}

// Changed implements check.Records.
func (c Checks) Changed(_ context.Context, o rolecall.Organization, conn rolecall.Connection, p rolecall.Principal, found string) (time.Time, error) {
	file, ok := checkFile(o.APIName, conn.Name, ".revision")
	if !ok {
		return time.Time{}, nil
	}
	revisions := map[string]revision{} // by principal
	data, err := c.dir.read(file)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !isUnreliable(err):
		return time.Time{}, c.unusable(err)
	case err != nil || json.Unmarshal(data, &revisions) != nil || revisions == nil:
		revisions = map[string]revision{} // written by nobody here
	}
	last := revisions[p.Name]
	switch last.Revision {
	case found:
		return last.Since, nil
	case "":
	default:
		last.Since = time.Now()
	}
	last.Revision = found
	revisions[p.Name] = last
	return last.Since, c.write(file, revisions)
}

// Keep implements check.Records.
func (c Checks) Keep(_ context.Context, report rolecall.CheckReport) (string, error) {
	file, ok := checkFile(report.Organization, report.Connection, ".json")
	if !ok {
		return "", nil
	}
	return filepath.Join(c.dir.path, file), c.write(file, report)
}

// checkFile is where something of a connection is kept. Nothing is of one whose
// name is not well formed, since it might lead elsewhere.
func checkFile(organization, connection, suffix string) (string, bool) {
	if rolecall.ValidateAPIName(organization) != nil || rolecall.ValidateName(connection) != nil {
		return "", false
	}
	return filepath.Join(checkDir, organization, connection+suffix), true
}

// write writes a file that is safe to show on a terminal.
func (c Checks) write(file string, v any) error {
	text, err := strict.Printable(v)
	if err == nil {
		sweep(filepath.Join(c.dir.path, filepath.Dir(file)), 24*time.Hour)
		err = c.dir.write(file, text)
	}
	if err != nil {
		return c.unusable(err)
	}
	return nil
}

func (c Checks) unusable(err error) error {
	return c.dir.unusable("cannot keep reports in the state directory ", err)
}
