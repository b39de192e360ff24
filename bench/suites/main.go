// Command suites runs other projects' tests of S3 servers against the sandbox:
//
//	suites [-only NAME,…] [-s3tests DIR] [-v]
//
// Each suite has a list of the tests that fail, and why; it is embedded from
// lists. A failure that is not on the list fails the run, and a listed test
// that passes is named.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "suites:", err)
		os.Exit(1)
	}
}

// outcome is what came of a test.
type outcome struct {
	test    string
	passed  bool
	message string // why it did not
}

// suite is a collection of tests. Run runs those that the list does not exclude,
// in an empty directory, and returns their outcomes. It returns errMissing if
// what the suite needs is not there.
type suite struct {
	name string
	run  func(ctx context.Context, dir string, l *list) ([]outcome, error)
}

var errMissing = errors.New("not there")

// errFailed reports failures that are printed already.
var errFailed = errors.New("tests fail that should not")

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("suites", flag.ContinueOnError)
	only := flags.String("only", "", "the suites to run, with commas between them; all when empty")
	checkout := flags.String("s3tests", "", "a checkout of ceph/s3-tests")
	verbose := flags.Bool("v", false, "say what the expected failures answer")
	if err := flags.Parse(args); err != nil {
		return err
	}
	failed := false
	for _, s := range []suite{
		{"minio", runMinio}, {"versitygw", runVersitygw}, {"sdk-js", runJS}, {"boto3", runBoto3}, {"ceph", ceph{*checkout}.run},
	} {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), s.name) {
			continue
		}
		ok, err := s.report(ctx, out, *verbose)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		failed = failed || !ok
	}
	if failed {
		return errFailed
	}
	return nil
}

// report runs a suite and prints what came of it. It reports whether nothing
// failed that is not on the list.
func (s suite) report(ctx context.Context, out io.Writer, verbose bool) (bool, error) {
	l, err := readList(s.name)
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "suites-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	begun := time.Now()
	outcomes, err := s.run(ctx, dir, l)
	if errors.Is(err, errMissing) {
		fmt.Fprintf(out, "%s: skipped: %v\n", s.name, err)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	passed, expected, ok := 0, 0, true
	outcomes = slices.DeleteFunc(outcomes, func(o outcome) bool { return l.excludes(o.test) })
	for _, o := range outcomes {
		reason, listed := l.failures[o.test]
		switch {
		case o.passed && listed:
			passed++
			fmt.Fprintf(out, "%s: %s passes: take it off the list\n", s.name, o.test)
		case o.passed:
			passed++
		case listed:
			expected++
			if verbose {
				fmt.Fprintf(out, "%s: %s fails (%s): %s\n", s.name, o.test, reason, o.message)
			}
		default:
			ok = false
			fmt.Fprintf(out, "%s: %s FAILS: %s\n", s.name, o.test, o.message)
		}
	}
	fmt.Fprintf(out, "%s: %d of %d pass, %d fail as listed, %.0f s\n", s.name, passed, len(outcomes), expected, time.Since(begun).Seconds())
	return ok, nil
}

//go:embed sandbox.yaml
var config []byte

// start starts a sandbox with nothing in it but two users who may do all.
func start(ctx context.Context) (*sandbox.Server, error) {
	cfg, err := sandbox.ParseConfig(config, "")
	if err != nil {
		return nil, err
	}
	return sandbox.Start(ctx, cfg, sandbox.Options{})
}

// The keys of the config's user who owns the account 111122223333.
const (
	accessKey = "AKIAMAINMAINMAIN0001"
	secretKey = "mainmainmainmainmainmainmainmainmainmain"
)
