package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/check"
)

// seen is what is noted of a connection beside its report, for each principal
// that it was checked as.
type seen struct {
	Revision string    `json:"revision"`
	Since    time.Time `json:"since,omitzero"` // when it was found changed; zero for one that never was
}

// changed notes the connection as it is, and tells since when, if that is
// known: one that is checked for the first time may have been so for long.
func (k checkRecords) changed(r check.Request) (time.Time, error) {
	path, ok := k.path(r.Organization.APIName, r.Connection.Name, ".revision")
	if !ok {
		return time.Time{}, nil
	}
	noted := map[string]seen{}
	data, err := os.ReadFile(path)
	if err == nil && (json.Unmarshal(data, &noted) != nil || noted == nil) {
		noted = map[string]seen{} // written by nobody here
	}
	was, is := noted[r.Principal.Name], revision(r)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return time.Time{}, k.unusable(err)
	case was.Revision == is:
		return was.Since, nil
	case was.Revision != "":
		was.Since = time.Now()
	}
	was.Revision = is
	noted[r.Principal.Name] = was
	if err := writeJSON(path, noted); err != nil {
		return time.Time{}, k.unusable(err)
	}
	return was.Since, nil
}

// keep writes the report and gives its place.
func (k checkRecords) keep(report rolecall.CheckReport) (string, error) {
	path, ok := k.path(report.Organization, report.Connection, ".json")
	if !ok {
		return "", nil
	}
	if err := writeJSON(path, report); err != nil {
		return "", k.unusable(err)
	}
	return path, nil
}

// path is where something of a connection is kept; nothing is of one whose
// name is none, since it might lead elsewhere.
func (k checkRecords) path(org, connection, kind string) (string, bool) {
	if rolecall.ValidateAPIName(org) != nil || rolecall.ValidateName(connection) != nil {
		return "", false
	}
	return filepath.Join(k.state, "checks", org, connection+kind), true
}

func (k checkRecords) unusable(err error) error {
	return &rolecall.Error{
		Code: rolecall.Invalid, Pointer: "/state", Message: "cannot keep reports in the state directory " + k.state,
		Hint: "make it writable, or give another directory as state", Err: err,
	}
}

// writeReport puts a report where the user says. What is no file, such as a
// device or a pipe, is written to as it is, and a link is followed.
func writeReport(path string, report any) error {
	text, err := safeJSON(report)
	if err == nil {
		err = writeTo(path, text)
	}
	if err != nil {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "cannot write the report " + path, Hint: "give a file that you may write with --report", Err: err}
	}
	return nil
}

func writeTo(path string, text []byte) error {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.Mode().IsRegular():
		return replace(path, text)
	case err != nil:
		return err
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return errors.Join(err, out.Close())
}

// writeJSON puts a file of rolecall's own in place.
func writeJSON(path string, v any) error {
	text, err := safeJSON(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	sweep(filepath.Dir(path))
	return replace(path, text)
}

// sweep removes what a rolecall that was killed left half-written.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir) // whether it can be used shows later
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), unfinished) && info.Mode().IsRegular() && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.Remove(filepath.Join(dir, e.Name())) // the next time, then
		}
	}
}

// unfinished begins the names of files that are being written.
const unfinished = ".new-"

// replace puts a file in place whole or not at all, for its owner only: a report has the external id, in the trust policy that it
// proposes.
func replace(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), unfinished+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
