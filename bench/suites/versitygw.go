package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

var (
	versitygwTest = regexp.MustCompile(`(?m)^ *(\S+) +Runs \S+ integration test$`)
	colour        = regexp.MustCompile(`\x1b\[[0-9;]*m`)
)

// runVersitygw runs versitygw's client tests, each as a process of its own on a
// sandbox of its own: they give their buckets the same names.
func runVersitygw(ctx context.Context, dir string, l *list) ([]outcome, error) {
	program, err := exec.LookPath("versitygw")
	if err != nil {
		return nil, errors.Join(errMissing, err)
	}
	help, err := exec.CommandContext(ctx, program, "test", "--help").Output() //nolint:gosec // found in PATH
	if err != nil {
		return nil, err
	}
	var outcomes []outcome
	for _, m := range versitygwTest.FindAllStringSubmatch(string(help), -1) {
		if !l.excludes(m[1]) {
			outcomes = append(outcomes, outcome{test: m[1]})
		}
	}
	next := make(chan *outcome)
	var workers sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		workers.Go(func() {
			for o := range next {
				errs[i] = errors.Join(errs[i], o.runVersitygw(ctx, program, dir))
			}
		})
	}
	for i := range outcomes {
		next <- &outcomes[i]
	}
	close(next)
	workers.Wait()
	return outcomes, errors.Join(errs...)
}

func (o *outcome) runVersitygw(ctx context.Context, program, dir string) error {
	server, err := start(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	cmd := exec.CommandContext(ctx, program, "test", "-a", accessKey, "-s", secretKey, "-e", server.URL, o.test) //nolint:gosec // found in PATH
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return err
	}
	said := colour.ReplaceAllString(string(text), "")
	_, o.message, _ = strings.Cut(said, "FAIL ")
	o.message, _, _ = strings.Cut(o.message, "\n")
	// A bucket with versions is not deleted when a test runs by itself, which says
	// nothing about the test.
	ended := strings.Contains(said, "PASS ") || strings.Contains(said, "failed to delete the bucket")
	o.passed = o.message == "" && ended || sameWords(o.message)
	if !o.passed && o.message == "" {
		o.message = "panics"
	}
	return ctx.Err()
}

var otherWords = regexp.MustCompile(`expected error message to be (.*), instead got (.*)$`)

// sameWords reports whether a test fails only by the case of a message or by
// the full stop at its end, which S3 does not have where versitygw has it.
func sameWords(message string) bool {
	m := otherWords.FindStringSubmatch(message)
	return m != nil && strings.EqualFold(strings.TrimSuffix(m[1], "."), strings.TrimSuffix(m[2], "."))
}
