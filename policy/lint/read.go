package lint

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Limits of what is read. AWS stores no document above 32 KiB; the rest is room
// for comments and white space.
const (
	maxSource    = 128 << 10
	maxDepth     = 32
	maxDocuments = 100     // in one file
	maxUnread    = 4 << 20 // bytes that are read for nothing, since no document is there
)

// quirk is something in the source that JSON does not have.
type quirk struct {
	rule string // the code of the rule that reports it
	at   int
	text string
}

// document is one policy of a file.
type document struct {
	source   string     // of the whole file
	root     *tree.Node // nil when it could not be read
	quirks   []quirk
	comments []comment
	broken   bool // read in part only: a guess at the rest would be a guess
	start    int  // where its text begins and ends in the source
	end      int
	inside   inside
	around   int  // lines of text around the documents of the file
	encoded  bool // places in the source are not places in the file
}

type comment struct {
	at   int
	text string
}

// read finds the documents in a text. It never fails: what cannot be read is a
// quirk of code json-syntax. Byte order marks and text around documents are
// quirks of the document that follows, or of the last.
func read(source string) []document {
	if len(source) > 2*maxSource { // UTF-16 has two bytes for each
		return []document{{source: source, quirks: []quirk{tooLarge}, broken: true}}
	}
	source, encoding := decode(source)
	r := &reader{source: source}
	if encoding != "" {
		r.quirk("json-escape", 0, encoding)
	}
	if len(source) > maxSource {
		return []document{{source: source, quirks: []quirk{tooLarge}, broken: true}}
	}
	out := r.documents()
	if len(out) > maxDocuments {
		r.quirk("document-several", out[maxDocuments].root.At, "there are more than "+strconv.Itoa(maxDocuments)+" documents; this and the following are not judged")
		out = out[:maxDocuments]
	}
	last := &out[len(out)-1]
	last.quirks = append(last.quirks, r.doc.quirks...)
	several := slices.ContainsFunc(out, func(d document) bool { return d.start != out[0].start })
	for i := range out {
		out[i].around, out[i].encoded = r.around, encoding != ""
		if several && out[i].root != nil {
			out[i].quirks = append(out[i].quirks, quirk{"document-several", out[i].root.At, "document " + strconv.Itoa(i+1) + " of the " + strconv.Itoa(len(out)) + " in this file"})
		}
	}
	return out
}

var tooLarge = quirk{"document-size", 0, "larger than 128 KiB"}

// reader reads JSON as people paste it: with comments, trailing commas, smart
// quotes and the like, each noted as a quirk.
type reader struct {
	source string
	at     int
	doc    document
	broken bool
	around int // lines that are neither in a document nor a Markdown fence
	read   int // bytes read where no document is
}

func (r *reader) quirk(rule string, at int, text string) {
	r.doc.quirks = append(r.doc.quirks, quirk{rule, at, text})
}

// fail notes what cannot be read and ends the reading.
func (r *reader) fail(why string) *tree.Node {
	if !r.broken {
		r.quirk("json-syntax", r.at, why)
		r.broken = true
	}
	r.at = len(r.source)
	return &tree.Node{Kind: 'n', Text: "null", At: r.at}
}

func (r *reader) rest() string { return r.source[r.at:] }

func (r *reader) starts(with ...string) bool {
	for _, w := range with {
		if strings.HasPrefix(r.rest(), w) {
			return true
		}
	}
	return false
}

func (r *reader) value(depth int) *tree.Node {
	r.space()
	if depth > maxDepth {
		return r.fail("it nests deeper than 32")
	}
	c, _ := utf8.DecodeRuneInString(r.rest())
	switch {
	case r.at == len(r.source):
		return r.fail("it ends too early")
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.list(depth)
	case quoteOf(c) != 0:
		at := r.at
		return &tree.Node{Kind: '"', Text: r.string(), At: at}
	default:
		return r.word()
	}
}

func (r *reader) object(depth int) *tree.Node {
	n := &tree.Node{Kind: '{', At: r.at}
	r.at++
	for !r.closes('}') {
		at := r.at
		name := r.name()
		r.space()
		if !r.starts(":") {
			r.fail("after the name " + quote(name) + " a colon is missing")
			break
		}
		r.at++
		n.Members = append(n.Members, &tree.Member{Name: name, At: at, Value: r.value(depth + 1)})
		r.separator('}')
	}
	return n
}

func (r *reader) list(depth int) *tree.Node {
	n := &tree.Node{Kind: '[', At: r.at}
	r.at++
	for !r.closes(']') {
		n.Items = append(n.Items, r.value(depth+1))
		r.separator(']')
	}
	return n
}

// closes reports whether an object or list ends here, and skips its end.
func (r *reader) closes(end byte) bool {
	r.space()
	switch {
	case r.broken:
		return true
	case r.at == len(r.source):
		r.fail("it ends before the last " + string(end))
		return true
	case r.source[r.at] == end:
		r.at++
		return true
	case r.starts("}", "]"):
		r.fail("a " + r.source[r.at:r.at+1] + " stands where " + string(end) + " is wanted")
		return true
	default:
		return false
	}
}

// separator skips the comma between two values, or notes that it is missing,
// or that it stands where nothing follows.
func (r *reader) separator(end byte) {
	r.space()
	if r.broken || r.at == len(r.source) || r.source[r.at] == end {
		return
	}
	if !r.starts(",") {
		if c, _ := utf8.DecodeRuneInString(r.rest()); quoteOf(c) != 0 || c == '{' {
			r.quirk("json-comma", r.at, "a comma is missing here")
			return
		}
		r.fail("a comma or " + string(end) + " is missing")
		return
	}
	at, commas := r.at, 0
	for r.starts(",") {
		r.at++
		commas++
		r.space()
	}
	if r.starts("}", "]") {
		r.quirk("json-comma", at, "a comma after the last value")
	} else if commas > 1 {
		r.quirk("json-comma", at, "more than one comma")
	}
}

// name reads a member's name.
func (r *reader) name() string {
	c, _ := utf8.DecodeRuneInString(r.rest())
	if quoteOf(c) != 0 {
		return r.string()
	}
	at := r.at
	end := strings.IndexAny(r.rest(), ":{}[],\n\"")
	if end <= 0 {
		r.fail("a member's name is missing")
		return ""
	}
	r.at += end
	name := strings.TrimSpace(r.source[at:r.at])
	r.quirk("json-quotes", at, "the name "+quote(name)+" has no quotes")
	return name
}

// word reads a value without quotes: JSON's own, or a string that lacks them.
func (r *reader) word() *tree.Node {
	at := r.at
	if r.starts("...", "…") {
		return r.fail("something was left out here")
	}
	end := strings.IndexAny(r.rest(), ",}]\n")
	if end < 0 {
		end = len(r.rest())
	}
	r.at += end
	word := strings.TrimSpace(r.source[at:r.at])
	for _, mark := range []string{" //", " #", " --", " /*"} {
		if i := strings.Index(word, mark); i >= 0 {
			word = strings.TrimSpace(word[:i])
			r.at = at + i
		}
	}
	switch {
	case word == "true" || word == "false":
		return &tree.Node{Kind: 't', Text: word, At: at}
	case word == "null":
		return &tree.Node{Kind: 'n', Text: word, At: at}
	case numberForm.MatchString(word):
		return &tree.Node{Kind: '0', Text: word, At: at}
	case word == "" || strings.ContainsAny(word, "{[\""):
		r.at = at
		return r.fail("a value is missing")
	default:
		r.quirk("json-quotes", at, quote(word)+" has no quotes")
		return &tree.Node{Kind: '"', Text: word, At: at}
	}
}
