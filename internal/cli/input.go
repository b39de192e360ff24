package cli

import (
	"context"
	"io"
	"os"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// open opens the file of that name, or stdin for -. An interrupt ends the process
// until it is closed.
func open(ctx context.Context, sys System, name string) (io.ReadCloser, error) {
	stop := endsWhileReading(ctx, sys)
	if name == "-" {
		return input{sys.Stdin, stop, func() error { return nil }}, nil // left open for others
	}
	f, err := os.Open(name)
	if err != nil {
		stop()
		return nil, unreadable(name, err)
	}
	return input{f, stop, f.Close}, nil
}

// endsWhileReading has an interrupt end the process until the function that it
// returns is called: nothing wakes a read that waits for a person, or for who
// writes into a named pipe.
func endsWhileReading(ctx context.Context, sys System) (stop func() bool) {
	return context.AfterFunc(ctx, func() { sys.Exit(exitInterrupted) })
}

type input struct {
	io.Reader
	stop  func() bool
	close func() error
}

// Close closes a file.
func (i input) Close() error {
	i.stop()
	return i.close()
}

// loaded returns what a config is read as. An interrupt ends the process meanwhile.
func loaded[C any](ctx context.Context, sys System, load func(path string) (C, error), path string) (C, error) {
	defer endsWhileReading(ctx, sys)()
	return load(path)
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
