package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed sdk.mjs
var jsScript []byte

// The packages of the AWS SDK for JavaScript that the script uses.
var jsPackages = []string{
	"@aws-sdk/client-s3@3.1175.0", "@aws-sdk/client-sts@3.1177.0", "@aws-sdk/lib-storage@3.1175.0", "@aws-sdk/s3-request-presigner@3.1169.0",
}

// runJS runs our own script with the AWS SDK for JavaScript, from npm.
func runJS(ctx context.Context, dir string, _ *list) ([]outcome, error) {
	if _, err := exec.LookPath("npm"); err != nil {
		return nil, errors.Join(errMissing, err)
	}
	install := exec.CommandContext(ctx, "npm", append([]string{"install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix", dir}, jsPackages...)...) //nolint:gosec // fixed words
	install.Stderr = os.Stderr
	if err := install.Run(); err != nil {
		return nil, fmt.Errorf("npm install: %w", err)
	}
	script := filepath.Join(dir, "sdk.mjs")
	if err := os.WriteFile(script, jsScript, 0o600); err != nil {
		return nil, err
	}
	return runScript(ctx, dir, "node", script)
}

// runScript runs a script of ours on a sandbox. It writes a line for each test,
// "PASS name" or "FAIL name: message", and "done" at the end.
func runScript(ctx context.Context, dir, program, script string) ([]outcome, error) {
	server, err := start(ctx)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	cmd := exec.CommandContext(ctx, program, script, server.URL) //nolint:gosec // a script of ours
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1")
	text, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var outcomes []outcome
	ended := false
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "PASS "); ok {
			outcomes = append(outcomes, outcome{test: name, passed: true})
		} else if rest, ok := strings.CutPrefix(lines.Text(), "FAIL "); ok {
			name, message, _ := strings.Cut(rest, ": ")
			outcomes = append(outcomes, outcome{test: name, message: message})
		}
		ended = lines.Text() == "done"
	}
	if !ended {
		return nil, errors.New("the script ends early")
	}
	return outcomes, nil
}
