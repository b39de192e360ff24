package cli

import (
	"io"
	"os"

	"github.com/rolecall/rolecall"
)

// open opens the file of that name, or stdin for -.
func open(sys System, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(sys.Stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	return f, nil
}

// read reads all of the file, or of stdin for -.
func read(sys System, name string, limit int64) ([]byte, error) {
	in, err := open(sys, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	// One byte more than the limit lets the parser see that it is exceeded.
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	return data, nil
}

func unreadable(name string, err error) error {
	why := " cannot be read"
	if os.IsNotExist(err) {
		why = " does not exist"
	}
	return &rolecall.Error{Code: rolecall.Invalid, Message: name + why, Hint: "give the name of a file that you may read", Err: err}
}
