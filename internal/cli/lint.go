package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
	"github.com/rolecall/rolecall/internal/state"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/lint"
)

type lintCommand struct {
	serverFlags
	Files      []string `arg:"" placeholder:"FILE" help:"Files with policies as they were pasted, or - for stdin."`
	Kind       string   `enum:",trust,permissions,bucket,key,worker" default:"" placeholder:"KIND" help:"What the policies are: trust, permissions, bucket, key or worker; else told from their content."`
	Connection string   `placeholder:"NAME" help:"Connection that they are for: its bucket, role, key and external id are held against them."`
	Principal  []string `sep:"none" placeholder:"NAME" help:"Principal that works for the connection; else the one of its region. Repeatable."`
	Config     string   `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config that declares the connection; ${default} by default."`
	Org        string   `placeholder:"NAME" help:"Organization whose connection it is; may be left out where only one has it."`
	Fix        bool     `help:"Write the corrected documents into the files; of stdin, to stdout."`
}

// Run prints what is wrong. An error that stands is a failure.
func (c *lintCommand) Run(ctx context.Context, sys System, out *output) error {
	options, err := c.options(ctx, sys)
	if err != nil {
		return err
	}
	var files []lint.File
	for _, name := range c.Files {
		data, err := read(ctx, sys, name, maxPolicyFile)
		if err != nil {
			return err
		}
		files = append(files, lint.File{Name: name, Data: data})
	}
	report, err := c.lint(ctx, sys, files, options)
	if err != nil {
		return err
	}
	left := report
	if c.Fix {
		left = corrected(report, options)
		if err := fix(out, report); err != nil {
			return err
		}
	}
	switch {
	case out.json:
		if err := out.document(report); err != nil {
			return err
		}
	case out.sarif:
		out.printf("%s\n", report.SARIF())
	case c.Fix && slices.Contains(c.Files, "-"):
		_, _ = io.WriteString(out.stderr, c.text(out.onErr, out.wideErr, report, left)) // beside the document, which is the result
		if err := printFixed(out.stdout, files, report); err != nil {
			return err
		}
	default:
		out.printf("%s", c.text(out.onOut, out.wide, report, left))
	}
	if left.Worst() == lint.Error {
		return shown(exitFailed)
	}
	return nil
}

// lint reads the policies, here or at the service.
func (c *lintCommand) lint(ctx context.Context, sys System, files []lint.File, options lint.Options) (lint.Report, error) {
	if !c.remote() {
		return lint.Check(files, options), nil
	}
	if err := onlyHere(map[string]bool{"connection": c.Connection != ""}); err != nil {
		return lint.Report{}, err
	}
	asked, err := c.dial(sys)
	if err != nil {
		return lint.Report{}, err
	}
	var pasted []client.PastedPolicy
	for _, f := range files {
		pasted = append(pasted, client.PastedPolicy{Name: f.Name, Text: string(f.Data)})
	}
	return answered[lint.Report](asked.LintPolicies(ctx, c.Kind, pasted...))
}

func (c *lintCommand) options(ctx context.Context, sys System) (lint.Options, error) {
	options := lint.Options{Kind: policy.Kind(c.Kind)}
	if c.Connection == "" {
		if c.Org != "" || c.Principal != nil {
			return options, &rolecall.Error{Code: rolecall.Invalid, Message: "--org and --principal say more of a connection, and there is none", Hint: "You: give --connection too"}
		}
		return options, nil
	}
	cfg, err := readConfig(ctx, sys, c.Config)
	if err != nil {
		return options, err
	}
	o, declared, err := connection(cfg, c.Org, c.Connection)
	if err != nil {
		return options, err
	}
	if declared.RoleARN != "" && o.ExternalIDFor(declared) == "" {
		return options, &rolecall.Error{
			Code: rolecall.NotFound, Message: "the external id of the organization " + o.APIName + " is not made yet",
			Hint: "You: run rolecall policy generate " + c.Connection + ", which makes it and says where it is kept",
		}
	}
	kit, err := policy.RequestFor(cfg.Vendor, o, declared, c.Principal)
	if err != nil {
		return options, err
	}
	options.Kit, options.Organization = &kit, o.APIName
	for _, name := range sortedKeys(cfg.Vendor.Principals) {
		if arn := cfg.Vendor.Principals[name].ARN.String(); !slices.Contains(kit.Principals, arn) {
			options.Others = append(options.Others, arn)
		}
	}
	return options, nil
}

// replaced reports whether the corrected document takes its file's place. A
// document that is only a part of its file does not.
func replaced(f lint.FileReport) bool { return f.Fixed != nil && f.Document == 0 }

// corrected is the report on the files as the corrected documents leave them.
func corrected(report lint.Report, options lint.Options) lint.Report {
	var after lint.Report
	for _, f := range report.Files {
		if !replaced(f) {
			after.Files = append(after.Files, f)
			continue
		}
		options.Kind = f.Kind
		after.Files = append(after.Files, lint.Check([]lint.File{{Name: f.File, Data: f.Fixed}}, options).Files...)
	}
	return after
}

// fix writes the corrected documents over the files.
func fix(out *output, report lint.Report) error {
	seen := map[string]bool{}
	for _, f := range report.Files {
		switch {
		case f.Fixed == nil:
		case !replaced(f):
			if !seen[f.File] {
				seen[f.File] = true
				out.note("%s holds several documents, or one among other things, and was not changed; --output json gives each corrected", f.File)
			}
		case f.File == "-":
		default:
			if err := replaceFile(f.File, append(slices.Clone(f.Fixed), '\n')); err != nil {
				return &rolecall.Error{Code: rolecall.Invalid, Message: f.File + " could not be written", Hint: "You: make it writable, with its directory", Err: err}
			}
		}
	}
	return nil
}

// replaceFile puts a file in another's place, so that an interruption leaves
// one of them whole.
func replaceFile(name string, data []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return state.WriteFile(name, data, info.Mode()&fs.ModePerm)
}

// printFixed prints stdin for the next program: its corrected document, or what
// it was, byte for byte.
func printFixed(w io.Writer, files []lint.File, report lint.Report) error {
	for _, f := range files {
		if f.Name != "-" {
			continue
		}
		data := f.Data
		for _, r := range report.Files {
			if r.File == "-" && replaced(r) {
				data = append(slices.Clone(r.Fixed), '\n')
			}
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// text lists the findings by file, what can be corrected, and of what was, what
// is left; for a terminal of so many columns, if it is for one.
func (c *lintCommand) text(colors palette, columns int, report, left lint.Report) string {
	var b strings.Builder
	prose := textWidth
	if columns > 0 {
		prose = min(columns, textWidth)
	}
	correctable, corrected := 0, 0
	for _, f := range report.Files {
		name := printable(f.File)
		switch {
		case f.Document > 0 && f.Within != "":
			name += fmt.Sprintf(" (document %d, %s)", f.Document, printable(f.Within))
		case f.Document > 0:
			name += fmt.Sprintf(" (document %d)", f.Document)
		}
		for _, finding := range f.Findings {
			fmt.Fprintf(&b, "%s:%d:%d: %s: %s [%s]\n", name, finding.Line, finding.Column,
				colors.paint(severityStyle(finding.Severity), string(finding.Severity)), printable(finding.Message), finding.Rule)
			if finding.Hint != "" {
				fmt.Fprintf(&b, "  hint: %s\n", wrapped(finding.Hint, prose-8, "        "))
			}
			if finding.Fixed {
				correctable++
				if replaced(f) {
					corrected++
				}
			}
			if finding.Widens {
				fmt.Fprintf(&b, "  the corrected document allows more than this one\n")
			}
		}
	}
	fmt.Fprintf(&b, "%s in %s\n", cmp.Or(counts(report), "nothing to find fault with"), plural(len(report.Files), "document"))
	switch {
	case corrected > 0 && c.Fix:
		fmt.Fprintf(&b, "%d corrected; %s left\n", corrected, cmp.Or(counts(left), "nothing"))
	case correctable > 0 && !c.Fix:
		fmt.Fprintf(&b, "%d can be corrected: --output json shows the corrected document, --fix writes it where it is all of its file\n", correctable)
	}
	if columns == 0 {
		return b.String()
	}
	return fitted(b.String(), columns)
}

// counts says how many findings of each severity there are.
func counts(report lint.Report) string {
	count := map[lint.Severity]int{}
	for _, f := range report.Files {
		for _, finding := range f.Findings {
			count[finding.Severity]++
		}
	}
	var parts []string
	for _, s := range []lint.Severity{lint.Error, lint.Warning, lint.Note} {
		if n := count[s]; n > 0 {
			parts = append(parts, plural(n, string(s)))
		}
	}
	return strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func severityStyle(s lint.Severity) style {
	switch s {
	case lint.Error:
		return red
	case lint.Warning:
		return bold
	default:
		return faint
	}
}
