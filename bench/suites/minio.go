package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	minioModule  = "github.com/minio/minio-go/v7"
	minioVersion = "v7.4.1"
)

// runMinio runs minio-go's functional tests, a program that writes a line of
// JSON for each test.
func runMinio(ctx context.Context, dir string, _ *list) ([]outcome, error) {
	program, err := buildMinio(ctx, dir)
	if err != nil {
		return nil, err
	}
	server, err := start(ctx)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	cmd := exec.CommandContext(ctx, program) //nolint:gosec // built above
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SERVER_ENDPOINT="+strings.TrimPrefix(server.URL, "http://"), "ACCESS_KEY="+accessKey, "SECRET_KEY="+secretKey,
		"ENABLE_HTTPS=0", "MINT_MODE=full", "RUN_ON_FAIL=1")
	text, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	return readMinio(text)
}

// readMinio reads what minio-go's tests write. A test may write several lines;
// it passes if none says that something failed.
func readMinio(text []byte) ([]outcome, error) {
	var outcomes []outcome
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line struct {
			Name, Status, Message string
			Error                 any
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Status == "NA" {
			continue
		}
		name := strings.TrimPrefix(line.Name, "minio-go: ")
		i := slices.IndexFunc(outcomes, func(o outcome) bool { return o.test == name })
		if i < 0 {
			i, outcomes = len(outcomes), append(outcomes, outcome{test: name, passed: true})
		}
		if line.Status == "FAIL" {
			outcomes[i].passed, outcomes[i].message = false, fmt.Sprintf("%s: %v", line.Message, line.Error)
		}
	}
	return outcomes, lines.Err()
}

// buildMinio builds the tests in a module of their own: where they are kept they
// cannot be, since they lie among the files of another package.
func buildMinio(ctx context.Context, dir string) (string, error) {
	run := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // fixed words
		cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off"), os.Stderr
		return cmd.Output()
	}
	module := "module suite\n\ngo 1.26\n\nrequire " + minioModule + " " + minioVersion + "\n"
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(module), 0o600); err != nil {
		return "", err
	}
	found, err := run("mod", "download", "-json", minioModule+"@"+minioVersion)
	if err != nil {
		return "", err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(found, &downloaded); err != nil {
		return "", err
	}
	source, err := os.ReadFile(filepath.Join(downloaded.Dir, "functional_tests.go"))
	if err != nil {
		return "", err
	}
	// With their build tag, the package that they are kept in would not build.
	source = bytes.TrimPrefix(source, []byte("//go:build mint\n"))
	if err := os.WriteFile(filepath.Join(dir, "main.go"), source, 0o600); err != nil {
		return "", err
	}
	_, err = run("build", "-o", "tests", ".")
	return filepath.Join(dir, "tests"), err
}
