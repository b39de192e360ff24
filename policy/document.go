package policy

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rolecall/rolecall"
)

// Limits of what Parse accepts, well above AWS's own: the largest document
// that AWS stores, a key policy, has 32 KiB.
const (
	maxDocument = 1 << 20 // bytes
	maxList     = 10_000  // values in a list, or statements
	maxText     = 8 << 10 // bytes of one string
)

// Document is a policy document, kept as it was written and precompiled. It
// comes from Parse or from JSON and is immutable.
type Document struct {
	source     []byte
	statements []statement
}

// Parse reads a policy document. It finds all faults in one pass and gives
// them as rolecall.Errors, each with its place in the document.
//
// It checks the grammar of reference_policies_grammar.html, not whether actions
// or condition keys exist. What a statement must have besides depends on where
// the document is attached; see Fit.
func Parse(data []byte) (*Document, error) {
	if len(data) > maxDocument {
		return nil, fault("", "the document is larger than 1 MiB", "AWS stores none above 32 KiB")
	}
	if !utf8.Valid(data) {
		return nil, fault("", "the document is not UTF-8", "")
	}
	var written documentJSON
	var faults rolecall.Errors
	if err := rolecall.Decode(data, &written); err != nil {
		faults = rolecall.List(err)
		if faults[0].Pointer == "" {
			return nil, faults // no JSON object at all
		}
	}
	d := &Document{source: bytes.Clone(bytes.TrimSpace(data))}
	d.statements = written.compile(&faults)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return d, nil
}

// JSON gives the document as it was written.
func (d *Document) JSON() []byte { return bytes.Clone(d.source) }

// MarshalJSON gives the document as it was written.
func (d *Document) MarshalJSON() ([]byte, error) { return d.source, nil }

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

// Fit tells whether the document may be attached as the layer says: only
// resource policies and RCPs name principals, and they must; all but the
// policies of resources name resources, which a trust policy does not.
// reference_policies_elements_principal.html
func (d *Document) Fit(layer Layer) error {
	var faults rolecall.Errors
	named := layer == ResourcePolicy || layer == RCP
	for i := range d.statements {
		s := &d.statements[i]
		if s.principals.given != named {
			if named {
				faults.Add(s.pointer, "Principal is missing", "name who is allowed or denied")
			} else {
				faults.Add(s.pointer+"/"+s.principals.element(), "a policy of an identity names no principal",
					"remove it; the policy speaks of whoever it is attached to")
			}
		}
		if !s.resources.given && layer != ResourcePolicy {
			faults.Add(s.pointer, "Resource is missing", `give Resource or NotResource, "*" for all`)
		}
	}
	return faults.Err()
}

func fault(pointer, message, hint string) error {
	var faults rolecall.Errors
	faults.Add(pointer, message, hint)
	return faults
}

// documentJSON is the document as written. Its parts note whether they are
// there, and refuse null.
type documentJSON struct {
	Version   given[string] `json:"Version"`
	ID        given[string] `json:"Id"`
	Statement statementList `json:"Statement"`
}

type statementJSON struct {
	Sid          given[string]                                 `json:"Sid"`
	Effect       given[string]                                 `json:"Effect"`
	Principal    principalJSON                                 `json:"Principal"`
	NotPrincipal principalJSON                                 `json:"NotPrincipal"`
	Action       stringList                                    `json:"Action"`
	NotAction    stringList                                    `json:"NotAction"`
	Resource     stringList                                    `json:"Resource"`
	NotResource  stringList                                    `json:"NotResource"`
	Condition    given[map[string]given[map[string]valueList]] `json:"Condition"`
}

func (w documentJSON) compile(faults *rolecall.Errors) []statement {
	modern := w.Version.value == "2012-10-17"
	if w.Version.there && !w.Version.wrong && !modern && w.Version.value != "2008-10-17" {
		faults.Add("/Version", "unknown version "+quote(w.Version.value), "use 2012-10-17")
	}
	if !w.Statement.there {
		faults.Add("/Statement", "Statement is missing", "")
	}
	statements := make([]statement, len(w.Statement.items))
	for i, item := range w.Statement.items {
		at := "/Statement"
		if !w.Statement.single {
			at += rolecall.Pointer(i)
		}
		statements[i] = item.compile(at, modern, faults)
	}
	return statements
}

// given is a part of a document that may be left out but not be null.
type given[T any] struct {
	there bool
	wrong bool // it is of another type, and the fault is noted
	value T
}

// UnmarshalJSON reads the part strictly.
func (g *given[T]) UnmarshalJSON(data []byte) error {
	g.there = true
	err := fault("", "must not be null", "leave it out instead")
	if string(data) != "null" {
		err = rolecall.Decode(data, &g.value)
	}
	g.wrong = err != nil
	return err
}

// statementList is one statement or a list of them.
type statementList struct {
	there, single bool
	items         []statementJSON
}

// UnmarshalJSON reads either form.
func (l *statementList) UnmarshalJSON(data []byte) error {
	l.there = true
	switch data[0] {
	case '{':
		l.single = true
		l.items = make([]statementJSON, 1)
		return rolecall.Decode(data, &l.items[0])
	case '[':
		err := rolecall.Decode(data, &l.items)
		return bounded(len(l.items), err)
	default:
		return fault("", "must be a statement or a list of statements", "")
	}
}

// stringList is one string or a list of them.
type stringList struct {
	there, single bool
	items         []string
}

// UnmarshalJSON reads either form.
func (l *stringList) UnmarshalJSON(data []byte) error {
	l.there = true
	switch data[0] {
	case '"':
		l.single = true
		l.items = make([]string, 1)
		return rolecall.Decode(data, &l.items[0])
	case '[':
		err := rolecall.Decode(data, &l.items)
		return bounded(len(l.items), err)
	default:
		return fault("", "must be a string or a list of strings", "")
	}
}

// pointer gives the place of item i below at.
func (l stringList) pointer(at string, i int) string {
	if l.single {
		return at
	}
	return at + rolecall.Pointer(i)
}

// valueList is the values of a condition key: one or a list of strings,
// numbers and booleans, each as its text.
type valueList []string

// UnmarshalJSON reads either form.
func (l *valueList) UnmarshalJSON(data []byte) error {
	if data[0] != '[' {
		var one scalar
		err := one.UnmarshalJSON(data)
		*l = valueList{string(one)}
		return err
	}
	var many []scalar
	err := rolecall.Decode(data, &many)
	*l = make(valueList, len(many))
	for i, s := range many {
		(*l)[i] = string(s)
	}
	return bounded(len(many), err)
}

// scalar is the text of a string, number or boolean.
type scalar string

// UnmarshalJSON reads any of the three.
func (s *scalar) UnmarshalJSON(data []byte) error {
	switch c := data[0]; {
	case c == '"':
		return rolecall.Decode(data, (*string)(s))
	case c == 't', c == 'f', c == '-', '0' <= c && c <= '9':
		*s = scalar(data)
		return nil
	default:
		return fault("", "must be a string, a number, true or false, or a list of them", "")
	}
}

func bounded(n int, err error) error {
	if err == nil && n > maxList {
		return fault("", "the list has more than "+strconv.Itoa(maxList)+" values", "")
	}
	return err
}

// quote shows a user's text in a fault, cut to a bearable length.
func quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:77], "") + "..."
	}
	return strconv.Quote(s)
}
