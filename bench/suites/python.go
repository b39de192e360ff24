package main

import (
	"context"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// python is Debian's, since its packages are.
const python = "/usr/bin/python3"

// pythonHas returns errMissing unless modules can be imported.
func pythonHas(ctx context.Context, packages string, modules ...string) error {
	if err := exec.CommandContext(ctx, python, "-c", "import "+strings.Join(modules, ", ")).Run(); err != nil { //nolint:gosec // fixed words
		return fmt.Errorf("%w: install %s", errMissing, packages)
	}
	return nil
}

//go:embed boto3.py
var boto3Script []byte

// runBoto3 runs our own script with Debian's boto3.
func runBoto3(ctx context.Context, dir string, _ *list) ([]outcome, error) {
	if err := pythonHas(ctx, "python3-boto3", "boto3"); err != nil {
		return nil, err
	}
	script := filepath.Join(dir, "boto3_suite.py")
	if err := os.WriteFile(script, boto3Script, 0o600); err != nil {
		return nil, err
	}
	return runScript(ctx, dir, python, script)
}

// ceph is the suite of Ceph's, of which a checkout must be given. Modules in the
// caller's PYTHONPATH come before Debian's: a newer boto3, for example.
type ceph struct{ checkout string }

//go:embed ceph_plugin.py
var cephPlugin []byte

//go:embed ceph.conf
var cephConf string

func (c ceph) run(ctx context.Context, dir string, l *list) ([]outcome, error) {
	if c.checkout == "" {
		return nil, fmt.Errorf("%w: give S3TESTS=DIR, a checkout of ceph/s3-tests", errMissing)
	}
	if err := pythonHas(ctx, "python3-boto3 python3-pytest python3-munch python3-tz python3-httplib2 python3-lxml python3-isodate",
		"boto3", "pytest", "munch", "pytz", "httplib2", "lxml", "isodate"); err != nil {
		return nil, err
	}
	server, err := start(ctx)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		return nil, err
	}
	conf := strings.ReplaceAll(cephConf, "PORT", at.Port())
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "ceph.conf"), []byte(conf), 0o600),
		os.WriteFile(filepath.Join(dir, "ceph_plugin.py"), cephPlugin, 0o600)); err != nil {
		return nil, err
	}
	report := filepath.Join(dir, "report.xml")
	cmd := exec.CommandContext(ctx, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "ceph_plugin", "--junitxml="+report, //nolint:gosec // fixed words
		"s3tests/functional/test_s3.py", "s3tests/functional/test_headers.py")
	cmd.Dir = c.checkout
	cmd.Env = append(os.Environ(), "S3TEST_CONF="+filepath.Join(dir, "ceph.conf"), "PYTHONPATH="+dir+":"+os.Getenv("PYTHONPATH"), "PYTHONDONTWRITEBYTECODE=1", "AWS_DEFAULT_REGION=us-east-1",
		"SUITES_UNCLAIMED="+strings.Join(l.unclaimed, " "))
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	outcomes, err := readJUnit(report)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return outcomes, nil
}

// readJUnit reads the report that pytest writes. Skipped tests are left out.
func readJUnit(file string) ([]outcome, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	type trouble struct {
		Message string `xml:"message,attr"`
	}
	var report struct {
		Cases []struct {
			Name    string   `xml:"name,attr"`
			Failure *trouble `xml:"failure"`
			Error   *trouble `xml:"error"`
			Skipped *trouble `xml:"skipped"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		return nil, err
	}
	var outcomes []outcome
	for _, c := range report.Cases {
		o := outcome{test: c.Name, passed: true}
		for _, t := range []*trouble{c.Failure, c.Error} {
			if t != nil {
				o.passed, o.message = false, t.Message
			}
		}
		if c.Skipped == nil {
			outcomes = append(outcomes, o)
		}
	}
	return outcomes, nil
}
