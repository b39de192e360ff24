package yaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/rolecall/rolecall"
)

// read returns the one document of a text; nil if there is none.
func read(data []byte) (*yaml.Node, error) {
	doc, second, err := decode(data)
	switch {
	case err != nil:
		return nil, syntax(data, err)
	case second != nil:
		return nil, invalid(fmt.Sprintf("a second document begins at line %d", max(second.Line, 1)), "You: keep one document in the file, and one --- at most")
	case doc == nil || len(doc.Content) != 1:
		return nil, nil
	}
	if n := doc.Content[0]; n.Kind != yaml.ScalarNode || n.ShortTag() != "!!null" {
		return n, nil
	}
	return nil, nil
}

// decode reads two documents.
func decode(data []byte) (first, second *yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for _, doc := range []**yaml.Node{&first, &second} {
		n := new(yaml.Node)
		switch err := dec.Decode(n); {
		case errors.Is(err, io.EOF):
			return first, second, nil
		case err != nil:
			return first, second, err
		}
		*doc = n
	}
	return first, second, nil
}

func invalid(message, hint string) error {
	return &rolecall.Error{Code: rolecall.Invalid, Message: message, Hint: hint}
}

// syntax says in plain words what keeps a text from being YAML, and in which line.
func syntax(data []byte, err error) error {
	lines := strings.SplitAfter(string(data), "\n")
	line := lineOf(lines, err)
	w := wording(problemOf(err), lines[line-1])
	marked, before := slices.IndexFunc(lines, marksConflict), previous(lines, line)
	switch {
	case marked >= 0:
		line, w = marked+1, words{"the line marks a conflict of a merge", "You: resolve the conflict, and remove the lines that mark it"}
	case before > 0 && problemOf(err) == noName && !strings.Contains(lines[before-1], ":"):
		line, w = before, plain[noColon]
	case line > 1: // what is open since an earlier line is the likelier fault
		earlier := decodeLines(lines[:line-1])
		switch problemOf(earlier) {
		case noEnd:
			w = words{fmt.Sprintf("the text in quotes that begins here ends only in line %d", line), plain[noEnd].hint}
			line = lineOf(lines[:line-1], earlier)
		case noBrace, noBracket:
			w.why = fmt.Sprintf("%s before line %d", plain[problemOf(earlier)].why, line)
			w.hint = plain[problemOf(earlier)].hint
			line = lineOf(lines[:line-1], earlier)
		}
	}
	return invalid(fmt.Sprintf("not YAML at line %d: %s", line, w.why), w.hint)
}

// said is the form of the parser's errors.
var said = regexp.MustCompile(`^yaml: (?:line \d+: )?(.*)$`)

// problemOf is what an error of the parser says, without the line.
func problemOf(err error) string {
	if err == nil {
		return ""
	}
	if m := said.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return err.Error()
}

func decodeLines(lines []string) error {
	_, _, err := decode([]byte(strings.Join(lines, "")))
	return err
}

// lineOf is the line in which reading fails. The parser's own numbers are those of
// where something began, or one too small; it reads line after line, so that
// the fault is in the first one with which it fails in the same way.
func lineOf(lines []string, err error) int {
	fails := func(n int) error { return decodeLines(lines[:n]) }
	if problemOf(err) == noEnd && problemOf(fails(1)) == noEnd {
		return 1
	}
	n := 1 + sort.Search(len(lines)-1, func(i int) bool { return fmt.Sprint(fails(i+1)) == fmt.Sprint(err) })
	if lines[n-1] == "" && n > 1 {
		n--
	}
	return n
}

// previous is the last line before with more than a comment; 0: none.
func previous(lines []string, line int) int {
	for line--; line > 0; line-- {
		if text := strings.TrimSpace(lines[line-1]); text != "" && text[0] != '#' {
			return line
		}
	}
	return 0
}

// words say what is wrong, and what to do.
type words struct{ why, hint string }

const (
	noName    = "mapping values are not allowed in this context"
	noColon   = "could not find expected ':'"
	noEnd     = "found unexpected end of stream"
	noBrace   = "did not find expected ',' or '}'"
	noBracket = "did not find expected ',' or ']'"
	inQuotes  = "You: put the value into double quotes"
)

// plain are the words for what the parser says.
var plain = map[string]words{
	noColon: {"a colon is missing after a name", "You: write name: value, with a space after the colon"},
	noEnd:   {"the text in quotes that begins here does not end", "You: close it with the same quotes"},
	noName: {
		"a colon stands where no name can be", "You: indent the line as its neighbours are, or put a value that has a colon into double quotes",
	},
	"mapping keys are not allowed in this context":           {"a ? stands where no name can be", inQuotes},
	"block sequence entries are not allowed in this context": {"a list item (-) stands where none can be", "You: begin the list on the next line, each item with -"},
	"did not find expected key": {
		"the line does not continue the names before it", "You: indent it exactly as they are; names and list items (-) do not mix",
	},
	"did not find expected '-' indicator": {"the line does not continue the list before it", "You: begin each item with -, all in the same column"},
	noBrace: {
		"a { is not closed, or a comma is missing", "You: close it with }; put values that have : , { } [ or ] into double quotes",
	},
	noBracket: {
		"a [ is not closed, or a comma is missing", "You: close it with ]; put values that have : , { } [ or ] into double quotes",
	},
	"did not find expected node content":                           {"a value is missing", "You: write one, or remove the comma or bracket that asks for it"},
	"did not find expected comment or line break":                  {"a text stands behind | or >", "You: begin the text on the next line, indented; or put the value into double quotes"},
	"did not find expected alphabetic or numeric character":        {"a & or * stands without the name of an anchor", inQuotes},
	"found unknown escape character":                               {"a backslash in double quotes begins no escape of YAML's", `You: write \\ for a backslash, or use single quotes`},
	"did not find expected hexdecimal number":                      {"a backslash in double quotes begins no escape of YAML's", `You: write \\ for a backslash, or use single quotes`},
	"did not find expected <document start>":                       {"something stands before or behind the document", "You: keep one document, and its names in the first column"},
	"found unexpected document indicator":                          {"a text in quotes does not end before --- or ...", "You: close it with the same quotes"},
	"control characters are not allowed":                           {"a control character is in the text", "You: remove it, and save the file as text in UTF-8"},
	"found unknown directive name":                                 {"a line begins with %", inQuotes},
	"could not find expected directive name":                       {"a line begins with %", inQuotes},
	"found unexpected non-alphabetical character":                  {"a line begins with %", inQuotes},
	"found incompatible YAML document":                             {"the %YAML line asks for another version", "You: remove the line"},
	"found a tab character that violates indentation":              tab,
	"found a tab character where an indentation space is expected": tab,
	"found character that cannot start any token":                  {"a value begins with a character that YAML keeps for itself, such as @, ` or %", inQuotes},
	"did not find expected tag URI":                                {"a ! stands without the name of a type", inQuotes},
	"found undefined tag handle":                                   {"a ! begins the name of a type that is not known", inQuotes},
	"did not find expected whitespace":                             {"a ! or % stands where YAML reads it as its own", inQuotes},
	"did not find expected whitespace or line break":               {"a value begins with !, which names a type in YAML", inQuotes},
	"did not find expected '!'":                                    {"a value begins with !, which names a type in YAML", inQuotes},
	"did not find the expected '>'":                                {"a value begins with !<, which names a type in YAML", inQuotes},
	"found an indentation indicator equal to 0":                    {"a 0 stands behind | or >", "You: leave the digit out"},
	"found invalid Unicode character escape code":                  {`a \u in double quotes names no character`, `You: write the character as it is, or \\ for a backslash`},
}

var tab = words{"the line is indented by a tab", "You: indent by spaces; YAML takes no tabs there"}

var unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

// wording is what to say of a problem in the line.
func wording(problem, line string) words {
	w, known := plain[problem]
	named := unknownAnchor.FindStringSubmatch(problem)
	switch {
	case !utf8.ValidString(line):
		return words{"the text is not UTF-8", "You: save the file as UTF-8"}
	case strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		return tab
	case named != nil:
		return words{"*" + named[1] + " names no anchor before it", "You: put a text that begins with * into double quotes, or declare the anchor with &" + named[1]}
	case strings.HasPrefix(problem, "exceeded max depth"):
		return words{"the document nests too deep", "You: write it flatter"}
	case !known:
		return words{"this cannot be read", "You: look at the indentation, quotes and brackets of this line and the one before"}
	}
	return w
}

// marksConflict reports whether git wrote the line.
func marksConflict(line string) bool {
	return strings.HasPrefix(line, "<<<<<<< ") || strings.HasPrefix(line, ">>>>>>> ")
}
