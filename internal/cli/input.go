package cli

import (
	"context"
	"io"
	"os"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// open opens the file of that name, or stdin for -. An interrupt ends the
// process while stdin is open: nothing wakes a read that waits for a person.
func open(ctx context.Context, sys System, name string) (io.ReadCloser, error) {
	if name == "-" {
		stop := context.AfterFunc(ctx, func() { sys.Exit(exitInterrupted) })
		return stdin{sys.Stdin, stop}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	return f, nil
}

type stdin struct {
	io.Reader
	stop func() bool
}

// Close leaves stdin open for others.
func (s stdin) Close() error {
	s.stop()
	return nil
}

// read reads all of the file, or of stdin for -.
func read(ctx context.Context, sys System, name string, limit int64) ([]byte, error) {
	in, err := open(ctx, sys, name)
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

// inFile returns the faults of a JSON document with the name of its file and
// their lines.
func inFile(name string, document []byte, err error) error {
	return rolecall.List(err).In(shownName(name), strict.LinesOf(document))
}

// shownName names an input file in messages.
func shownName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

func unreadable(name string, err error) error {
	why := " cannot be read"
	if os.IsNotExist(err) {
		why = " does not exist"
	}
	return &rolecall.Error{Code: rolecall.Invalid, Message: name + why, Hint: "You: give the name of a file that you may read", Err: err}
}
