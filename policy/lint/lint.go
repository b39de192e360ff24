package lint

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// File is a text that may hold policies.
type File struct {
	Name string
	Data []byte
}

// Kinds are those of the documents that are judged.
func Kinds() []policy.Kind {
	return []policy.Kind{policy.TrustDocument, policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument, policy.WorkerDocument}
}

// Severity is how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // AWS refuses it, it does not work, or it is open
	Warning Severity = "warning" // it works, and is more or less than it should be
	Note    Severity = "note"    // it works, and could be said better
)

// Options is what is known of the documents. The zero value judges them by
// themselves.
type Options struct {
	Kind         policy.Kind        // empty: by their content
	Kit          *policy.KitRequest // the connection that they are for
	Organization string             // its organization's api_name
	Others       []string           // ARNs of the vendor's workers that do not work for it: staging's
}

// Report is what was found in files.
type Report struct {
	Files []FileReport `json:"files"`
}

// FileReport is what was found in one document. A file with more than one
// document, or with more than a document, has one for each, numbered: Fixed cannot stand in
// its place.
type FileReport struct {
	File     string      `json:"file"`
	Document int         `json:"document,omitempty"` // from 1; 0: the document is the file
	Within   string      `json:"within,omitempty"`   // where it stands in the file's value; empty: it is the value
	Kind     policy.Kind `json:"kind"`               // empty when it could not be read
	Findings []Finding   `json:"findings"`
	// Fixed is the corrected document, indented. It is nil when nothing could be
	// corrected, or nothing needed to be.
	Fixed json.RawMessage `json:"fixed,omitempty"`
}

// Finding is one thing that is wrong.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Pointer  string   `json:"pointer"` // into the document; empty: all of it
	Message  string   `json:"message"`
	Hint     string   `json:"hint"`
	Line     int      `json:"line"`   // from 1
	Column   int      `json:"column"` // from 1, in characters
	Fixed    bool     `json:"fixed"`  // FileReport.Fixed corrects it
	Widens   bool     `json:"widens"` // and allows something then that it did not before

	at int
}

// Worst returns the worst severity of the report, empty without findings.
func (r Report) Worst() Severity {
	worst := Severity("")
	for _, f := range r.Files {
		for _, finding := range f.Findings {
			if worst == "" || rank(finding.Severity) < rank(worst) {
				worst = finding.Severity
			}
		}
	}
	return worst
}

func rank(s Severity) int { return slices.Index([]Severity{Error, Warning, Note}, s) }

// Check reads the files and returns what is wrong in each document, by its
// place, and the document with all that can be fixed.
func Check(files []File, options Options) Report {
	report := Report{Files: []FileReport{}}
	for _, f := range files {
		documents := read(string(f.Data))
		at := place{source: documents[0].source}
		for i, d := range documents {
			r := checkDocument(d, options)
			r.File, r.Within = f.Name, d.inside.pointer
			if len(documents) > 1 || d.inside.pointer != "" || d.around > maxAround {
				r.Document = i + 1
			}
			placeFindings(&r, &at, d.encoded)
			report.Files = append(report.Files, r)
		}
	}
	return report
}

// maxAround is how many lines around a document are still nothing but the
// paste's: a sentence, a command. A file with more is about something else.
const maxAround = 3

// placeFindings sets the lines and columns of the findings, and their order.
func placeFindings(r *FileReport, at *place, encoded bool) {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rank(a.Severity), rank(b.Severity)), strings.Compare(a.Rule, b.Rule))
	})
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Line, f.Column = 1, 1
		if !encoded {
			f.Line, f.Column = at.move(f.at)
		}
	}
}

// place is a place in a source that moves forward, so that the source is
// counted once.
type place struct {
	source           string
	at, line, column int // the latter two from 0
}

func (p *place) move(to int) (line, column int) {
	if to < p.at {
		p.at, p.line, p.column = 0, 0, 0
	}
	between := p.source[p.at:to]
	if last := strings.LastIndexByte(between, '\n'); last >= 0 {
		p.line += strings.Count(between, "\n")
		p.column, between = 0, between[last+1:]
	}
	p.at, p.column = to, p.column+utf8.RuneCountInString(between)
	return p.line + 1, p.column + 1
}

// checkDocument runs all rules over a document, then the fixes of each, until
// nothing is left to fix.
func checkDocument(d document, options Options) FileReport {
	out := FileReport{Kind: cmp.Or(d.inside.kind, options.Kind), Findings: []Finding{}}
	if d.broken {
		d.root = nil
	}
	if d.root != nil {
		d.root.Locate("")
	}
	if d.root != nil && out.Kind == "" {
		out.Kind = kindOf(d.root)
	}
	if d.root != nil && len(policyIn(d.root).JSON()) > maxDocument {
		p := newPass(&documentSize, d, out.Kind, options)
		p.run()
		out.Findings = p.findings
		return out
	}
	out.Findings = append(out.Findings, judge(d, out.Kind, options)...)
	if d.root == nil {
		return out
	}
	fixed := fixDocument(d, out.Kind, options, out.Findings)
	if fixed != nil {
		out.Fixed = fixed.Indent()
	}
	out.Findings = append(out.Findings, grammar(d, out.Kind, options, out.Findings, fixed)...)
	return out
}

// judge runs all rules over a document but the last, grammar.
func judge(d document, kind policy.Kind, options Options) []Finding {
	var out []Finding
	for i := range allRules {
		p := newPass(&allRules[i], d, kind, options)
		p.run()
		out = append(out, p.findings...)
	}
	return out
}

// grammar finds what the others left over.
func grammar(d document, kind policy.Kind, options Options, told []Finding, fixed *tree.Node) []Finding {
	p := newPass(&documentGrammar, d, kind, options)
	p.last, p.told, p.fixed = true, told, fixed
	p.run()
	return p.findings
}

// maxDocument is the size, without white space, above which nothing else is
// reported: AWS takes no policy that comes near.
const maxDocument = 40 << 10
