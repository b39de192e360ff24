package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
)

// What people read on a terminal fits it from 40 to 200 columns, but for words that
// are longer. Elsewhere no line is broken.
func TestOutputFitsTheTerminal(t *testing.T) {
	t.Parallel()
	hint := "Operator: " + strings.Repeat("put the file there ", 20)
	report := rolecall.JobReport{
		ID: "06h2rkq7nm7suf1e4ek1cl74o4", StatusText: "Failed", Status: rolecall.Failed,
		Tasks:  []rolecall.TaskReport{{Tool: "storage:get", StatusText: "Failed", Files: 12345, Bytes: 1 << 40, Name: "fetch the masters"}, {Index: 1, Tool: "storage:exists", StatusText: "Submitted"}},
		Errors: rolecall.Errors{{Code: rolecall.Invalid, Pointer: "/tasks/0/parameters", Message: strings.Repeat("a message of words ", 12), Hint: hint}},
	}
	declared := declaration{
		Config: "rolecall.yaml", State: "/state", Principals: []declaredPrincipal{{Name: "production", ARN: "arn:aws:iam::1:role/w", Source: "environment", Default: true}},
		Organizations: []declaredOrganization{{APIName: "acme", Connections: []declaredConnection{{"masters", rolecall.Connection{Purpose: rolecall.Source, Bucket: "b", Prefix: "in/", RoleARN: "arn:aws:iam::1:role/m"}}}}},
	}
	for _, width := range []int{0, 40, 60, 80, 120, 200} {
		var stdout, stderr bytes.Buffer
		o := &output{stdout: &stdout, wide: width, wideErr: width}
		o.screen = newScreen(&stderr, false, false)
		o.stderr = o.screen
		_ = o.report(report) // its exit code
		declared.print(o)
		o.note("%s", hint)
		(&progress{out: o, labels: map[int]string{0: "fetch"}}).line(0, "%s", hint)
		for line := range strings.Lines(stdout.String() + stderr.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > 0 && n > width && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%d columns: %d in %q", width, n, line)
			}
		}
		if broken := strings.Count(stderr.String(), "\n") > 5; broken != (width > 0) {
			t.Errorf("%d columns:\n%s", width, stderr.String())
		}
	}
}
