package cli

import (
	"errors"
	"io/fs"
	"os"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/internal/strict"
)

// writeReport writes a report to the path that the user names. A device or a
// pipe is written to as it is, and a link is followed.
func writeReport(path string, report any) error {
	text, err := strict.Printable(report)
	if err == nil {
		err = writeTo(path, text)
	}
	if err != nil {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "cannot write the report " + path, Hint: "You: give a file that you may write with --report", Err: err}
	}
	return nil
}

func writeTo(path string, text []byte) error {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.Mode().IsRegular():
		return state.WriteFile(path, text, 0o600) // a report has the external id, in the trust policy that it proposes
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
