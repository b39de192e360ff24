// Command transfer measures internal/transfer against other S3 clients on the
// same servers: wall time, processor time and peak memory of each client as a
// process of its own. run.sh drives it; these are its parts:
//
//	serve   an S3 server that costs next to nothing, so that clients are measured
//	ours    one piece of work by internal/transfer, as tasks do it
//	raw     the same by net/http alone, unsigned and unverified: the limit
//	run     all clients in turn, and the tables for docs/benchmarks.md
//	timed   a program, and its cost; used by run
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "transfer:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	parts := map[string]func(context.Context, []string, io.Writer) error{
		"serve": serve, "ours": ours, "raw": raw, "run": measure, "timed": timed,
	}
	if len(args) > 0 && parts[args[0]] != nil {
		return parts[args[0]](ctx, args[1:], out)
	}
	return errors.New("usage: transfer serve|ours|raw|run [flags]; -h after each lists them")
}
