package policy

import (
	"strconv"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Limits of what Parse accepts, well above AWS's own: the largest document
// that AWS stores, a key policy, has 32 KiB.
const (
	maxDocument = 1 << 20 // bytes
	maxList     = 10_000  // values in a list, or statements
	maxText     = 8 << 10 // bytes of one string
	maxARN      = 2048    // bytes of a request's principal or resource
	maxAction   = 128     // bytes of an action, as AWS's own simulator has it
)

// Document is a policy document, kept as it was written and precompiled. It
// comes from Parse or from JSON and is immutable.
type Document struct {
	source     string
	version    string // empty: it has none
	statements []statement
}

// Parse reads a policy document. It finds all faults in one pass and returns
// them as rolecall.Errors, each with its place in the document.
//
// It checks the grammar of reference_policies_grammar.html, not whether actions
// or condition keys exist. What else a statement must have depends on where the
// document is attached; see Fit.
func Parse(data []byte) (*Document, error) {
	if len(data) > maxDocument {
		return nil, errTooLarge()
	}
	n, err := readTree(data)
	if err != nil {
		return nil, err
	}
	return compileDocument(n)
}

// JSON returns the document as it was written.
func (d *Document) JSON() []byte { return []byte(d.source) }

// MarshalJSON returns the document as it was written.
func (d *Document) MarshalJSON() ([]byte, error) { return d.JSON(), nil }

// UnmarshalJSON parses the document; it is how one stands inside others. It
// must not be called on a document in use.
func (d *Document) UnmarshalJSON(data []byte) error {
	parsed, err := Parse(data)
	if err != nil {
		return err
	}
	*d = *parsed
	return nil
}

func fault(pointer, message, hint string) error {
	var faults rolecall.Errors
	faults.Add(pointer, message, hint)
	return faults
}

func errTooLarge() error {
	return fault("", "the document is larger than 1 MiB", "You: shorten it; AWS stores none above 32 KiB")
}

func compileDocument(n *tree.Node) (*Document, error) {
	if len(n.Source) > maxDocument {
		return nil, errTooLarge()
	}
	var faults rolecall.Errors
	var statements *tree.Node
	version := ""
	eachMember(n, place{}, []string{"Version", "Id", "Statement"}, &faults, func(name string, at place, value *tree.Node) {
		switch name {
		case "Version":
			version = textOf(value, at, &faults)
			if value.Kind == '"' && version != "2012-10-17" && version != "2008-10-17" {
				faults.Add(at.String(), "unknown version "+quote(version), "You: use 2012-10-17")
			}
		case "Id":
			textOf(value, at, &faults)
		case "Statement":
			statements = value
		}
	})
	d := &Document{source: n.Source, version: version}
	switch {
	case statements != nil:
		d.statements = make([]statement, 0, sizeOf(statements))
		eachItem(statements, place{"", "Statement"}, "an object", &faults, func(at place, item *tree.Node) {
			d.statements = append(d.statements, compileStatement(item, at, version == "2012-10-17", &faults))
		})
	case n.Kind == '{':
		faults.Add("/Statement", "Statement is missing", "You: write the statements as a list")
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return d, nil
}

// quote shows a user's text in a fault, cut to a bearable length.
func quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:77], "") + "..."
	}
	return strconv.Quote(s)
}
